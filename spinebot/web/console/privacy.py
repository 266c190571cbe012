"""Export and erase one person."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Request, Response

from spinebot import audit, privacy
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.web.console.auth import Staff, allow, page, see
from spinebot.web.turns import GONE, Turns

router = APIRouter(prefix="/console/privacy", include_in_schema=False)
Admin = Annotated[Staff, allow(Right.ERASE)]
Text = Annotated[str, Form()]


@router.get("")
def start(request: Request, staff: Admin) -> Response:
    """Ask whom it is about."""
    return page(request, "privacy.html", staff, contact="", person=None)


@router.post("")
def find(request: Request, staff: Admin, contact: Text = "") -> Response:
    """Say what there is of somebody. Not in the address: that would be kept by the browser."""
    with reading() as session:
        person = privacy.find(session, contact)
    return page(request, "privacy.html", staff, contact=contact, person=person)


@router.post("/export")
def export(staff: Admin, contact: Text = "") -> Response:
    """Everything of a person as a file."""
    with writing() as session:
        person = privacy.find(session, contact)
        if not person.is_known:
            return see("/console/privacy", "There is nothing of this person.")
        text = privacy.as_json(privacy.export(session, person))
        for handoff in person.handoffs:
            audit.record(session, staff.email, "exported", f"handoff {handoff.id}")
    headers = {"Content-Disposition": 'attachment; filename="person.json"'}
    return Response(text, media_type="application/json", headers=headers)


@router.post("/erase")
async def erase(request: Request, staff: Admin, contact: Text = "", sure: Text = "") -> Response:
    """Delete all that there is of a person."""
    if sure != "yes":
        return see("/console/privacy", "Nothing was deleted: tick that you are sure.")
    ids = await to_thread.run_sync(_erase, staff, contact)
    turns: Turns = request.app.state.turns
    for conversation_id in ids or ():
        turns.tell(conversation_id, GONE)
    done = "There is nothing of this person." if ids is None else "Everything of them is deleted."
    return see("/console/privacy", done)


def _erase(staff: Staff, contact: str) -> list[int] | None:
    with writing() as session:
        person = privacy.find(session, contact)
        if not person.is_known:
            return None
        ids = privacy.erase(session, person, staff.email)
    privacy.forget_in_rasa(ids)
    return ids
