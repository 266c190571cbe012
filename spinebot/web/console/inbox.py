"""The trainers' inbox: messages to learn from, labelled alone or many at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from spinebot.accounts import Right
from spinebot.db import reading
from spinebot.models import Account
from spinebot.training import examples, inbox, labels, release
from spinebot.web.console.auth import Staff, act, allow, page, see

router = APIRouter(prefix="/console/inbox", include_in_schema=False)
PLACE = "/console/inbox"
Corrector = Annotated[Staff, allow(Right.CORRECT)]
Trainer = Annotated[Staff, allow(Right.TRAIN)]
Text = Annotated[str, Form()]
Numbers = Annotated[list[int], Form()]
LEAVE_OUT = "-"


@router.get("")
def overview(request: Request, staff: Corrector) -> Response:
    """What is open, the most instructive first."""
    with reading() as session:
        items = inbox.find(session, staff.id)
        waits = labels.waiting(session)
        last = labels.last_batch(session, staff.id)
        agreement = labels.agreement(session)
    return page(
        *(request, "inbox.html", staff),
        items=items,
        waits=waits,
        last=last,
        agreement=agreement,
        least_kappa=labels.LEAST_KAPPA,
        intents=examples.intents(),
        second_reader=release.second_reader(),
        leave_out=LEAVE_OUT,
    )


@router.post("/label")
def label(
    staff: Corrector,
    messages: Numbers = [],  # noqa: B006  FastAPI copies it
    intent: Text = "",
    text: Text = "",
    then: Text = "",
) -> Response:
    """Say what messages should be understood as: one, or all that are ticked."""
    if not messages or not intent:
        return see(PLACE, "Tick messages and choose an intent.")
    wanted = "" if intent == LEAVE_OUT else intent.strip()

    def do(session: Session, account: Account) -> str:
        one = text if len(messages) == 1 else ""
        may_teach = staff.may("TRAIN")
        return str(labels.label(session, messages, wanted, account, text=one, may_teach=may_teach))

    what = f"labelled {len(messages)} messages as {wanted or 'nothing to learn'}"
    return act(staff, PLACE + (f"#i{then}" if then.isdecimal() else ""), what, do)


@router.post("/{message_id}/approve")
def approve(staff: Trainer, message_id: int, intent: Text = "") -> Response:
    """Decide on a message that others have labelled."""
    wanted = "" if intent == LEAVE_OUT else intent.strip()

    def do(session: Session, account: Account) -> str:
        is_lead = staff.may("APPROVE")
        return str(labels.approve(session, message_id, wanted, account, is_lead=is_lead))

    return act(staff, f"{PLACE}#waiting", f"approved message {message_id}", do)


@router.post("/undo")
def undo(staff: Trainer, batch: Text = "") -> Response:
    """Take the last decisions back, and the examples that came of them."""

    def do(session: Session, _account: Account) -> str:
        count = labels.undo(session, batch, staff.email)
        return f"{count} messages are in the inbox again."

    return act(staff, PLACE, "undid labels", do)
