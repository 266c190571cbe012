"""Models: what was measured of each, which one answers, putting one live and going back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from spinebot import audit, releases
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.releases import PromotionError
from spinebot.training import models, release, worker
from spinebot.training.worker import RunError
from spinebot.web.console.auth import Staff, allow, page, see

router = APIRouter(prefix="/console/models", include_in_schema=False)
PLACE = "/console/models"
Trainer = Annotated[Staff, allow(Right.TRAIN)]
Text = Annotated[str, Form()]


@router.get("")
def overview(request: Request, staff: Trainer) -> Response:
    """All models and the history."""
    with reading() as session:
        history = releases.history(session)
        previous = releases.before_this(session)
    live = models.live_model()
    served = models.served().get("model")
    return page(
        *(request, "models.html", staff),
        models=[(model.name, releases.figures(model)) for model in releases.trained()],
        bars={bar.name: bar for bar in release.bars()},
        live=live.name if live else None,
        served=served,
        is_current=bool(live and models.is_current(live)),
        previous=previous,
        history=history,
        run=worker.last(),
    )


@router.post("/train")
def train(staff: Trainer) -> Response:
    """Train a model beside the bot."""
    try:
        worker.start(staff.email)
    except RunError as error:
        return see(PLACE, str(error))
    with writing() as session:
        audit.record(session, staff.email, "began a training")
    return see(PLACE, "A model is being trained; the bot goes on meanwhile.")


@router.post("/cancel")
def cancel(staff: Trainer) -> Response:
    """End the training that goes on."""
    try:
        worker.cancel()
    except RunError as error:
        return see(PLACE, str(error))
    with writing() as session:
        audit.record(session, staff.email, "cancelled a training")
    return see(PLACE, "The training is cancelled. Nothing has changed.")


@router.post("/promote")
def promote(staff: Trainer, name: Text = "", why: Text = "") -> Response:
    """Put a model live; with the pointer set, the serving process changes over by itself."""
    try:
        with writing() as session:
            releases.promote(session, name, staff.email, why)
    except PromotionError as error:
        return see(PLACE, str(error))
    return see(PLACE, f"{name} is put live; it answers as soon as it is started and examined.")
