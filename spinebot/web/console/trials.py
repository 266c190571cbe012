"""Trying models out: links for guests, a candidate, and two models side by side."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from anyio import to_thread
from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from spinebot import conversations, releases
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.errors import SpinebotError
from spinebot.language.messages import clean
from spinebot.models import Account, Conversation, Trial
from spinebot.settings import settings
from spinebot.training import models, trials
from spinebot.training.trials import TrialError
from spinebot.web.console.auth import Staff, act, allow, page, see
from spinebot.web.home import LONGEST_MESSAGE
from spinebot.web.turns import Turns

router = APIRouter(prefix="/console/trials", include_in_schema=False)
PLACE = "/console/trials"
Trainer = Annotated[Staff, allow(Right.TRAIN)]
Text = Annotated[str, Form()]
Number = Annotated[int, Form()]


@router.get("")
def overview(
    request: Request, staff: Trainer, model: str = "", live: int = 0, candidate: int = 0
) -> Response:
    """The candidate, the talk with it, and the links. live, candidate: the two conversations."""
    with reading() as session:
        found = trials.links(session)
        exchanges = []
        if live and candidate:
            pair = trials.of(session, live), trials.of(session, candidate)
            exchanges = trials.side_by_side(session, *pair)
    runs = models.served().get("candidate")
    wanted, live_model = trials.candidate(), models.live_model()
    live_name = releases.plain_name(live_model) if live_model else ""
    names = [releases.plain_name(each) for each in releases.trained()]
    # Who tries something out has the newest one in mind that does not answer already.
    others = [each for each in names if each != live_name]
    return page(
        *(request, "trials.html", staff),
        models=names,
        live=live_name,
        chosen=model or (wanted or "").removesuffix(".tar.gz") or next(iter(others), ""),
        wanted=wanted,
        is_ready=bool(wanted) and runs == wanted,
        served=models.served().get("model"),
        links=found,
        longest=trials.LONGEST,
        exchanges=exchanges,
        pair=(live, candidate),
        longest_message=LONGEST_MESSAGE,
    )


@router.post("/candidate")
def choose(staff: Trainer, name: Text = "") -> Response:
    """Let a model run beside the live one; without a name, no more."""

    def do(*_: object) -> str:
        trials.choose(releases.model(name).name if name else None)
        if not name:
            return "The candidate is ended."
        return "It is being started beside the live model; that takes some seconds."

    what = "began to try out" if name else "ended the trial"
    return act(staff, PLACE, what, do, f"model {name}" if name else "")


@router.post("/links")
def new_link(staff: Trainer, name: Text = "", trial: Text = "", days: Number = 7) -> Response:
    """Make a link for a guest."""

    def do(session: Session, account: Account) -> str:
        _, secret = trials.new_link(session, name, trial, days, account.id)
        return f"The link, which is shown only now: {settings().public_url}{trials.PAGE}{secret}"

    return act(staff, PLACE, "made a trial link", do)


@router.post("/links/{link_id}/end")
def end_link(staff: Trainer, link_id: int) -> Response:
    """End a link."""

    def do(session: Session, _account: Account) -> str:
        trials.end_link(session, link_id)
        return "The link leads nowhere any more."

    return act(staff, PLACE, "ended a trial link", do, f"trial link {link_id}")


@router.post("/talk")
async def talk(
    request: Request, staff: Trainer, text: Text = "", live: Number = 0, candidate: Number = 0
) -> Response:
    """Say the same to both models, and show what each replies."""
    said = clean(text)[:LONGEST_MESSAGE]
    if not said:
        return see(PLACE, "Write something first.")
    try:
        pair, messages = await to_thread.run_sync(_say, said, live, candidate)
    except SpinebotError as error:
        return see(PLACE, str(error))
    turns: Turns = request.app.state.turns
    for conversation, message in zip(pair, messages, strict=True):
        turns.begin(conversation, message)
    for conversation in pair:
        await turns.finished(conversation)
    return see(f"{PLACE}?live={pair[0]}&candidate={pair[1]}#talk")


def _say(text: str, live: int, candidate: int) -> tuple[tuple[int, int], list[int]]:
    """Store the message in both conversations, begun anew where there are none."""
    with writing() as session:
        if live and candidate:
            pair = trials.of(session, live), trials.of(session, candidate)
        else:
            pair = _new(session)
        if trials.candidate_port() is None:
            raise TrialError("No model runs beside the live one: choose one and run it first.")
        messages = []
        for conversation in pair:
            message, _ = conversations.say(session, conversation, text, uuid4().hex)
            session.flush()
            messages.append(message.id)
        return (pair[0].id, pair[1].id), messages


def _new(session: Session) -> tuple[Conversation, Conversation]:
    return trials.start(session, Trial.LIVE), trials.start(session, Trial.CANDIDATE)
