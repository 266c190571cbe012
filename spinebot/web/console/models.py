"""Models: what was measured of each, which one answers, putting one live and going back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from spinebot import releases
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Account
from spinebot.releases import PromotionError
from spinebot.training import evaluation, models, release, replay, worker
from spinebot.training.evaluation import Evaluation, Judged
from spinebot.web.console import charts
from spinebot.web.console.auth import Staff, act, allow, page, see
from spinebot.web.pages import templates

router = APIRouter(prefix="/console/models", include_in_schema=False)
PLACE = "/console/models"
Trainer = Annotated[Staff, allow(Right.TRAIN)]
Text = Annotated[str, Form()]

templates.env.globals["histogram"] = charts.histogram
templates.env.globals["curve_chart"] = charts.curve
templates.env.globals["matrix"] = charts.matrix


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


@router.get("/{name}")
def one(request: Request, staff: Trainer, name: str) -> Response:
    """All that was measured of a model."""
    try:
        model = releases.model(name)
    except PromotionError as error:
        raise NotFoundError(str(error)) from error
    found = evaluation.read(model)
    live = models.live_model()
    before = evaluation.read(live) if live and live != model else None
    played = replay.read(model)
    with reading() as session:
        turns = replay.shown(session, played.turns) if played else []
    content: dict[str, Any] = {"found": found, "played": played, "turns": turns}
    if found is not None:
        content |= {
            **_measured(found),
            "compared": evaluation.compare(before, found) if before else None,
            "notes": releases.notes(model),
        }
    return page(
        *(request, "model.html", staff),
        name=model.name,
        plain=releases.plain_name(model),
        is_live=live == model,
        bars={bar.name: bar for bar in release.bars()},
        run=worker.last(),
        last=replay.LAST,
        **content,
    )


def _measured(found: Evaluation) -> dict[str, Any]:
    """Return what the page shows of an evaluation."""
    cells = found.confusions()
    sentences: dict[tuple[str, str], list[Judged]] = {}
    for message in found.messages:
        if not message.is_right:
            sentences.setdefault((message.intent, message.seen_as), []).append(message)
    return {
        "scores": found.scores(),
        "cells": cells,
        "rows": sorted({row for row, _ in cells}),
        "columns": sorted({column for _, column in cells}),
        "sentences": sorted(sentences.items(), key=lambda each: (-len(each[1]), each[0])),
        "curve": found.curve,
        "noise": found.noise(),
        "faults": evaluation.faults(found),
    }


@router.post("/{name}/replay")
def play(staff: Trainer, name: str) -> Response:
    """Play the last conversations to a model, beside the bot."""

    def do(*_: object) -> str:
        worker.start_replay(staff.email, releases.model(name).name)
        return "The last conversations are played to it; the bot goes on meanwhile."

    return act(staff, PLACE, "began a replay", do, f"model {name}")


@router.post("/{name}/replay/judge")
def judge(
    staff: Trainer,
    name: str,
    verdict: Text = "",
    messages: Annotated[list[int], Form()] = [],  # noqa: B006  FastAPI copies it
) -> Response:
    """Accept or reject changed answers; what is rejected goes to the inbox."""

    def do(session: Session, account: Account) -> str:
        count = replay.judge(session, releases.model(name), messages, verdict, account)
        return f"{count} {verdict}."

    return act(staff, f"{PLACE}/{name}#replay", f"{verdict} changed answers", do, f"model {name}")


@router.post("/train")
def train(staff: Trainer) -> Response:
    """Train a model beside the bot."""

    def do(*_: object) -> str:
        worker.start(staff.email)
        return "A model is being trained; the bot goes on meanwhile."

    return act(staff, PLACE, "began a training", do)


@router.post("/cancel")
def cancel(staff: Trainer) -> Response:
    """End the training that goes on."""

    def do(*_: object) -> str:
        worker.cancel()
        return "It is cancelled. Nothing has changed."

    return act(staff, PLACE, "cancelled a training", do)


@router.post("/promote")
def promote(staff: Trainer, name: Text = "", why: Text = "") -> Response:
    """Put a model live; with the pointer set, the serving process changes over by itself."""
    try:
        with writing() as session:
            releases.promote(session, name, staff.email, why)
    except PromotionError as error:
        return see(PLACE, str(error))
    return see(PLACE, f"{name} is put live; it answers as soon as it is started and examined.")
