"""The page of the trainers' inbox."""

from __future__ import annotations

import contextlib
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from spinebot import audit
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.reviews import inbox as corrections
from spinebot.training import examples
from spinebot.training.examples import ExampleError
from spinebot.web.console.auth import Staff, allow, page, see

router = APIRouter(prefix="/console/inbox", include_in_schema=False)
PLACE = "/console/inbox"
Corrector = Annotated[Staff, allow(Right.CORRECT)]
Trainer = Annotated[Staff, allow(Right.TRAIN)]
Text = Annotated[str, Form()]


@router.get("")
def inbox(request: Request, staff: Corrector, show: str = "") -> Response:
    """What is open, by what it should have been."""
    with reading() as session:
        found = corrections.corrections(session, is_done=show == "done")
    return page(request, "inbox.html", staff, corrections=found, show=show)


@router.post("/{item_id}/add")
def add(staff: Trainer, item_id: int, text: Text = "", intent: Text = "") -> Response:
    """Make an example of it, in the words that the trainer chose."""
    with reading() as session:
        corrections.correction(session, item_id)
    try:
        [example] = examples.add(intent.strip(), [text], staff.email)
    except ExampleError as error:
        return see(PLACE, str(error))
    with writing() as session:
        found = corrections.correction(session, item_id)
        corrections.deal_with(found, text=example.text, intent=example.intent)
        what = f"added an example of {example.intent}"
        audit.record(session, staff.email, what, f"correction {item_id}")
    return see(PLACE, f"It is an example of {example.intent} now: `make train` learns it.")


@router.post("/{item_id}/undo")
def undo(staff: Trainer, item_id: int) -> Response:
    """Take the example out again, and put the message back into the inbox."""
    with reading() as session:
        found = corrections.correction(session, item_id)
    # Dealt with otherwise, there is no example to take out.
    with contextlib.suppress(ExampleError):
        examples.remove(found.should_be, [found.text], staff.email)
    with writing() as session:
        corrections.correction(session, item_id).done_at = None
        audit.record(session, staff.email, "undid", f"correction {item_id}")
    return see(PLACE, "It is back in the inbox, and no example any more.")


@router.post("/{item_id}/done")
def done(staff: Trainer, item_id: int) -> Response:
    """A trainer has dealt with it otherwise."""
    with writing() as session:
        corrections.deal_with(corrections.correction(session, item_id))
        audit.record(session, staff.email, "dealt with", f"correction {item_id}")
    return see(PLACE)
