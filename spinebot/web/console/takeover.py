"""Staff in a visitor's chat, live."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import uuid4

from anyio import from_thread, to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from spinebot import audit, conversations, reviews, takeover
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.language.messages import clean
from spinebot.models import Account, Message
from spinebot.takeover import TakenError
from spinebot.web.console.auth import HOME, Staff, allow, see
from spinebot.web.pages import templates
from spinebot.web.shared import Event
from spinebot.web.turns import NEWS, Turns

router = APIRouter(prefix="/console/conversations/{conversation_id}", include_in_schema=False)
Reader = Annotated[Staff, allow(Right.READ)]
Taker = Annotated[Staff, allow(Right.TAKE_OVER)]
Text = Annotated[str, Form()]
KEEPALIVE_SECONDS = 15
# The live view of a browser without JavaScript: so many messages, loaded anew so often.
SHOWN, RELOAD_SECONDS = 10, 10


def _tell(request: Request, conversation_id: int, *events: Event) -> None:
    """Wake those who listen to a conversation, from a thread."""
    turns: Turns = request.app.state.turns
    for event in events:
        from_thread.run_sync(turns.tell, conversation_id, event)


@router.post("/join")
def join(request: Request, staff: Taker, conversation_id: int) -> Response:
    """Take the chat over."""
    place = f"{HOME}/{conversation_id}#live"
    try:
        with writing() as session:
            found = reviews.get(session, conversation_id)
            takeover.join(session, found, session.get_one(Account, staff.id))
            audit.record(session, staff.email, "took over", f"conversation {conversation_id}")
    except TakenError as error:
        return see(f"{HOME}/{conversation_id}", str(error))
    _tell(request, conversation_id, NEWS, ("owner", {}))
    return see(place)


@router.post("/say")
def say(
    request: Request, staff: Taker, conversation_id: int, text: Text = "", key: Text = ""
) -> Response:
    """Say something to the visitor."""
    place = f"{HOME}/{conversation_id}"
    text = clean(text)
    if not text:
        return see(place, "There is nothing to send.")
    try:
        with writing() as session:
            found = reviews.get(session, conversation_id)
            account = session.get_one(Account, staff.id)
            takeover.say(session, found, account, text, key[:64] or uuid4().hex)
    except TakenError as error:
        return see(place, str(error))
    _tell(request, conversation_id, NEWS)
    return see(place + "#live")


@router.post("/leave")
def leave(request: Request, staff: Taker, conversation_id: int) -> Response:
    """Give the chat back to the bot."""
    try:
        with writing() as session:
            found = reviews.get(session, conversation_id)
            takeover.leave(session, found, session.get_one(Account, staff.id))
            audit.record(session, staff.email, "gave back", f"conversation {conversation_id}")
    except TakenError as error:
        return see(f"{HOME}/{conversation_id}", str(error))
    _tell(request, conversation_id, NEWS, ("owner", {}))
    return see(f"{HOME}/{conversation_id}", "The bot answers again.")


@router.post("/typing", status_code=204)
def typing(request: Request, staff: Taker, conversation_id: int) -> None:
    """Staff are writing: the visitor sees it."""
    content = {"on": True, "who": "staff", "name": staff.first_name}
    if _is_there(staff, conversation_id):
        _tell(request, conversation_id, ("typing", content))


@router.post("/reading", status_code=204)
def reading_now(request: Request, staff: Taker, conversation_id: int) -> None:
    """Staff have the new message before their eyes: the visitor sees that too."""
    if _is_there(staff, conversation_id):
        _tell(request, conversation_id, ("reading", {"name": staff.first_name}))


@router.post("/presence", status_code=204)
def presence(staff: Taker, conversation_id: int) -> None:
    """The page is still open."""
    with writing() as session:
        takeover.presence(session, conversation_id, staff.id)


@router.get("/newest", response_class=HTMLResponse)
def newest(request: Request, staff: Reader, conversation_id: int) -> Response:
    """The last messages on a page that loads itself anew: the live view without JavaScript.

    While it does, staff who are in the chat are present: nobody gives it back to the bot.
    """
    with writing() as session:
        found = reviews.get(session, conversation_id)
        takeover.presence(session, conversation_id, staff.id)
        messages = conversations.messages_after(session, conversation_id, found.last_number - SHOWN)
    content = {"messages": messages, "conversation": found, "seconds": RELOAD_SECONDS}
    return templates.TemplateResponse(request, "console/newest.html", content)


def _is_there(staff: Staff, conversation_id: int) -> bool:
    with reading() as session:
        return reviews.get(session, conversation_id).staff_id == staff.id


@router.get("/events")
async def events(
    request: Request,
    staff: Reader,
    conversation_id: int,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> EventSourceResponse:
    """Messages as they come (masked, as on the page), the visitor's typing, a change of hands."""
    turns: Turns = request.app.state.turns
    stream = _stream(turns, conversation_id, after)
    return EventSourceResponse(stream, ping=KEEPALIVE_SECONDS, headers={"X-Accel-Buffering": "no"})


async def _stream(turns: Turns, conversation_id: int, after: int) -> AsyncIterator[ServerSentEvent]:
    async with turns.listening(conversation_id) as queue:
        while True:
            for message in await to_thread.run_sync(_new, conversation_id, after):
                after = message.number
                shown = json.dumps({"number": message.number, "html": _html(message)})
                yield ServerSentEvent(shown, event="message", id=str(after))
            name, content = await queue.get()
            if name == "gone":
                return
            if name in {"typing", "owner"}:
                yield ServerSentEvent(json.dumps(content), event=name)


def _new(conversation_id: int, after: int) -> list[Message]:
    with reading() as session:
        return conversations.messages_after(session, conversation_id, after)


def _html(message: Message) -> str:
    module = templates.env.get_template("console/messages.html").module
    return str(module.turn(message, message.text))  # type: ignore[attr-defined]
