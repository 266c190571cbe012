"""What was changed in the training data and the articles, and taking it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from spinebot import audit
from spinebot.accounts import Right
from spinebot.db import writing
from spinebot.errors import SpinebotError
from spinebot.training import changes as made
from spinebot.training import knowledge
from spinebot.web.console.auth import Staff, allow, page, see

router = APIRouter(prefix="/console/changes", include_in_schema=False)
PLACE = "/console/changes"
Trainer = Annotated[Staff, allow(Right.TRAIN)]


@router.get("")
def changes(request: Request, staff: Trainer) -> Response:
    """The newest changes."""
    found = made.history()
    undone = {each.undoes for each in found}
    return page(
        *(request, "changes.html", staff),
        changes=[(each, made.shown(each), each.id in undone) for each in found],
    )


@router.post("/{change_id}/undo")
def undo(staff: Trainer, change_id: int) -> Response:
    """Take a change back."""
    try:
        found = made.undo(change_id, staff.email)
        if any(name.startswith("knowledge/") for name in found.files):
            knowledge.load()
    except SpinebotError as error:
        return see(PLACE, str(error))
    with writing() as session:
        audit.record(session, staff.email, f"undid change {change_id}")
    return see(PLACE, f"Taken back: {found.subject}.")
