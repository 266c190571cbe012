"""Contact details left in the widget's own form: works while Rasa is away."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from spinebot import conversations, emergencies, handoffs, safety
from spinebot.clinic import clinic
from spinebot.db import writing
from spinebot.errors import NotFoundError
from spinebot.handoffs import Details
from spinebot.language.messages import clean
from spinebot.web import guards
from spinebot.web.bodies import Body

router = APIRouter(prefix="/api", tags=["details"])

Line = Annotated[str, Field(max_length=200)]


class LeftDetails(Body):
    """The form. key: its own name for itself; sent twice, it is one handoff."""

    key: str = Field(min_length=8, max_length=64)
    token: str | None = Field(default=None, max_length=200)
    name: Line = ""
    phone: Line = ""
    email: Line = ""
    best_time: Line = ""
    message: str = Field(default="", max_length=500)
    consent: bool = False
    # No visitor sees this field; programs that fill in everything fill it in.
    website: str = Field(default="", max_length=500)


class Emergency(BaseModel):
    """What to do first, when the message tells of an emergency."""

    text: str
    action: str
    calls: list[dict[str, str]]


class Stored(BaseModel):
    """The handoff's number, to be read out on the phone."""

    reference: str
    emergency: Emergency | None = None


@router.post("/handoffs", status_code=201)
async def leave(body: LeftDetails, request: Request, response: Response) -> Stored:
    """Leave details. The same key again: 200 and the same reference."""
    if body.website:
        # A program is told what it wants to hear, and nothing is stored.
        return Stored(reference=handoffs.random_reference())
    await guards.count("handoffs", guards.address(request))
    stored, is_new = await to_thread.run_sync(_store, body)
    response.status_code = 201 if is_new else 200
    return stored


def _store(body: LeftDetails) -> tuple[Stored, bool]:
    texts = {
        name: clean(getattr(body, name))
        for name in ("name", "phone", "email", "best_time", "message")
    }
    found = safety.check(texts["message"]) if texts["message"] else []
    warning = emergencies.reply(found) if found else None
    details = Details(
        key=body.key,
        red_flag=found[0].action.value if found else None,
        has_consented=body.consent,
        **texts,
    )
    entries = clinic()
    with writing() as session:
        try:
            conversation = conversations.find(session, body.token) if body.token else None
        except NotFoundError:
            # Deleted meanwhile, or begun elsewhere: the details count all the same.
            conversation = None
        handoff, is_new = handoffs.leave(
            session, details, conversation, entries.fill(entries.consent.callback), entries.region
        )
        reference = handoff.reference
    if warning is None:
        return Stored(reference=reference), is_new
    custom = warning["custom"]
    emergency = Emergency(text=warning["text"], action=custom["action"], calls=custom["calls"])
    return Stored(reference=reference, emergency=emergency), is_new
