"""The trainers' inbox: messages that should have been understood as something else."""

from __future__ import annotations

import contextlib
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request, Response

from spinebot import audit
from spinebot.accounts import Right
from spinebot.db import now, reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Account, Correction
from spinebot.training import examples
from spinebot.training.examples import ExampleError
from spinebot.web.console.auth import Staff, allow, page, see

router = APIRouter(prefix="/console/inbox", include_in_schema=False)
Corrector = Annotated[Staff, allow(Right.CORRECT)]
Trainer = Annotated[Staff, allow(Right.TRAIN)]
SHOWN = 200
Text = Annotated[str, Form()]


@router.get("")
def inbox(request: Request, staff: Corrector, show: str = "") -> Response:
    """What is open, by what it should have been."""
    is_done = Correction.done_at.is_not(None) if show == "done" else Correction.done_at.is_(None)
    with reading() as session:
        found = session.execute(
            sa.select(Correction, Account.name)
            .join(Account, Account.id == Correction.account_id)
            .where(is_done)
            .order_by(Correction.should_be, Correction.id.desc())
            .limit(SHOWN)
        ).all()
    return page(request, "inbox.html", staff, corrections=found, show=show)


@router.post("/{item_id}/add")
def add(staff: Trainer, item_id: int, text: Text = "", intent: Text = "") -> Response:
    """Make an example of it, in the words that the trainer chose."""
    with reading() as session:
        if session.get(Correction, item_id) is None:
            raise NotFoundError("There is no such correction.")
    try:
        example = examples.add(intent.strip(), text, staff.email)
    except ExampleError as error:
        return see("/console/inbox", str(error))
    with writing() as session:
        session.execute(
            sa.update(Correction)
            .where(Correction.id == item_id)
            .values(done_at=now(), text=example.text, should_be=example.intent)
        )
        audit.record(session, staff.email, f"added an example of {intent}", f"correction {item_id}")
    return see(
        "/console/inbox", f"It is an example of {example.intent} now: `make train` learns it."
    )


@router.post("/{item_id}/undo")
def undo(staff: Trainer, item_id: int) -> Response:
    """Take the example out again, and put the message back into the inbox."""
    with reading() as session:
        found = session.get(Correction, item_id)
        if found is None:
            raise NotFoundError("There is no such correction.")
    # Dealt with otherwise, there is no example to take out.
    with contextlib.suppress(ExampleError):
        examples.remove(found.should_be, found.text, staff.email)
    with writing() as session:
        session.execute(sa.update(Correction).where(Correction.id == item_id).values(done_at=None))
        audit.record(session, staff.email, "undid", f"correction {item_id}")
    return see("/console/inbox", "It is back in the inbox, and no example any more.")


@router.post("/{item_id}/done")
def done(staff: Trainer, item_id: int) -> Response:
    """A trainer has dealt with it."""
    with writing() as session:
        session.execute(sa.update(Correction).where(Correction.id == item_id).values(done_at=now()))
        audit.record(session, staff.email, "dealt with", f"correction {item_id}")
    return see("/console/inbox")
