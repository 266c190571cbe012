"""What visitors reach: the conversation's HTTP contract (documented by OpenAPI)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field, model_validator
from sse_starlette import EventSourceResponse, ServerSentEvent

from spinebot import conversations, safety
from spinebot.db import reading, writing
from spinebot.language.messages import clean
from spinebot.models import Message, Owner, Sender
from spinebot.training import trials
from spinebot.web import buttons, guards, metrics
from spinebot.web.bodies import Body
from spinebot.web.turns import GONE, NEWS, Turns

router = APIRouter(prefix="/api", tags=["chat"])

# Far more than the bot reads, so that a very long message gets an answer and not an error.
LONGEST_TEXT = 50_000
KEEPALIVE_SECONDS = 15


class NewConversation(Body):
    """Where the conversation was begun, and in which language the widget is."""

    page: str = Field(default="", max_length=2000)
    language: Literal["en", "es"] = "en"


class Started(BaseModel):
    """The token that gives access to the conversation: whoever has it can read and write."""

    token: str


class NewMessage(Body):
    """What the visitor typed, or the payload of the button that was pressed."""

    key: str = Field(
        min_length=8, max_length=64, description="the same key again: the same message"
    )
    text: str | None = Field(default=None, max_length=LONGEST_TEXT)
    button: str | None = Field(default=None, max_length=4000)

    @model_validator(mode="after")
    def one_of_both(self) -> NewMessage:
        """A message is typed or pressed, not both and not neither."""
        if (self.text is None) == (self.button is None):
            raise ValueError("give either text or button")
        return self


class Accepted(BaseModel):
    """The message's number in the conversation."""

    number: int


class Button(BaseModel):
    """A quick reply. The payload is signed for this conversation."""

    title: str
    payload: str


class ShownMessage(BaseModel):
    """A message as the widget shows it."""

    number: int
    sender: str
    text: str
    at: datetime
    key: str | None
    buttons: list[Button]
    custom: dict[str, Any] | None
    helpful: bool | None


class TypingNow(BaseModel):
    """Whether a reply is being made, and by whom."""

    on: bool
    who: str = Owner.BOT.value


class Messages(BaseModel):
    """Messages in order."""

    messages: list[ShownMessage]
    typing: TypingNow


class Rating(Body):
    """What the visitor thinks of a reply, or with number null of the whole conversation."""

    number: int | None = Field(default=None, ge=1)
    helpful: bool
    reason: Literal["not_my_question", "unclear", "too_long", "worrying"] | None = None


class Problem(BaseModel):
    """What went wrong: a code for programs, a sentence for people."""

    code: str
    message: str


class Error(BaseModel):
    """The body of every error."""

    error: Problem


_ERRORS: dict[int | str, dict[str, Any]] = {404: {"model": Error}, 422: {"model": Error}}


@router.post("/conversations", status_code=201, responses={422: {"model": Error}})
async def start(body: NewConversation, request: Request) -> Started:
    """Begin a conversation."""
    await guards.count("conversations", guards.address(request))
    return await to_thread.run_sync(_start, body)


@router.post(
    "/conversations/{token}/messages",
    status_code=202,
    responses={**_ERRORS, 200: {"model": Accepted, "description": "said before with this key"}},
)
async def say(token: str, body: NewMessage, request: Request, response: Response) -> Accepted:
    """Say something. It is stored when this returns; replies come as events."""
    turns: Turns = request.app.state.turns
    try:
        # First, and before anything that takes time: most of an overload ends here.
        if turns.pace.is_full:
            raise guards.BusyError
        await guards.count("messages", token)
        await guards.count("address", guards.address(request))
    except guards.LaterError as error:
        # However much is written: an emergency gets through.
        if not body.text or not await to_thread.run_sync(safety.check, clean(body.text)):
            metrics.REFUSED.labels(error.code).inc()
            raise
    with turns.pace.arrival():
        conversation_id, message_id, number, is_new = await _accept(token, body)
    if is_new:
        turns.begin(conversation_id, message_id)
    else:
        response.status_code = 200
    return Accepted(number=number)


async def _accept(token: str, body: NewMessage) -> tuple[int, int, int, bool]:
    try:
        return await to_thread.run_sync(_say, token, body)
    except sa.exc.IntegrityError:
        # The same key came in twice at the same moment: the other one is stored by now.
        return await to_thread.run_sync(_say, token, body)


@router.get("/conversations/{token}/messages", responses=_ERRORS)
async def messages(
    token: str, request: Request, after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0
) -> Messages:
    """Return the messages behind number ``after``."""
    conversation_id, found = await to_thread.run_sync(_messages, token, after)
    turns: Turns = request.app.state.turns
    return Messages(messages=found, typing=TypingNow(on=turns.is_busy(conversation_id)))


@router.post("/conversations/{token}/feedback", status_code=204, responses=_ERRORS)
async def rate(token: str, body: Rating) -> None:
    """Keep what the visitor thinks; the last word counts."""
    await to_thread.run_sync(_rate, token, body)


@router.post("/conversations/{token}/typing", status_code=204, responses=_ERRORS)
async def typing(token: str, body: Body, request: Request) -> None:
    """The visitor is writing: staff who are in the chat see it. Nothing is stored."""
    conversation_id = await to_thread.run_sync(_conversation_id, token)
    turns: Turns = request.app.state.turns
    turns.tell(conversation_id, ("typing", {"on": True, "who": Sender.VISITOR.value}))


@router.delete("/conversations/{token}", status_code=204, responses=_ERRORS)
async def erase(token: str, request: Request) -> None:
    """Delete all that was said. A handoff that was sent stays with the clinic."""
    conversation_id = await to_thread.run_sync(_erase, token)
    turns: Turns = request.app.state.turns
    turns.tell(conversation_id, GONE)
    await turns.forget(conversation_id)


@router.get(
    "/conversations/{token}/events",
    response_class=EventSourceResponse,
    responses={**_ERRORS, 200: {"content": {"text/event-stream": {}}}},
)
async def events(
    token: str,
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """Stream messages as they come, from behind ``Last-Event-ID`` or ``after``.

    Events: ``message`` (its number is the event's id), ``typing`` and ``reading``.
    """
    if last_event_id and last_event_id.isdecimal():
        after = int(last_event_id)
    conversation_id = await to_thread.run_sync(_conversation_id, token)
    stream = _stream(request.app.state.turns, conversation_id, after)
    return EventSourceResponse(stream, ping=KEEPALIVE_SECONDS, headers={"X-Accel-Buffering": "no"})


async def _stream(turns: Turns, conversation_id: int, after: int) -> AsyncIterator[ServerSentEvent]:
    async with turns.listening(conversation_id) as queue:
        event = NEWS
        while event != GONE:
            name, content = event
            if name in {"typing", "reading"}:
                # Of the other side. There is nothing to read yet, and the turn needs the time.
                if content.get("who") != Sender.VISITOR.value:
                    yield ServerSentEvent(json.dumps(content), event=name)
            else:
                for message in await to_thread.run_sync(_shown_after, conversation_id, after):
                    after = message.number
                    yield ServerSentEvent(
                        message.model_dump_json(), event="message", id=str(message.number)
                    )
            event = await queue.get()


def _start(body: NewConversation) -> Started:
    with writing() as session:
        conversation, token = conversations.start(session, clean(body.page), body.language)
        trials.begin(session, conversation)
    return Started(token=token)


def _rate(token: str, body: Rating) -> None:
    with writing() as session:
        conversation = conversations.find(session, token)
        conversations.rate(session, conversation, body.number, body.helpful, body.reason)


def _erase(token: str) -> int:
    with writing() as session:
        conversation = conversations.find(session, token)
        conversation_id = conversation.id
        conversations.erase(session, conversation)
        return conversation_id


class EmptyMessageError(ValueError):
    """There is nothing in the message that could be read."""


def _say(token: str, body: NewMessage) -> tuple[int, int, int, bool]:
    with writing() as session:
        conversation = conversations.find(session, token)
        text, payload = clean(body.text or ""), None
        if body.button is not None:
            text, payload = buttons.verify(conversation.id, body.button)
        if not text:
            raise EmptyMessageError
        message, is_new = conversations.say(session, conversation, text, body.key, payload)
        return conversation.id, message.id, message.number, is_new


def _conversation_id(token: str) -> int:
    with reading() as session:
        return conversations.find(session, token).id


def _messages(token: str, after: int) -> tuple[int, list[ShownMessage]]:
    conversation_id = _conversation_id(token)
    return conversation_id, _shown_after(conversation_id, after)


def _shown_after(conversation_id: int, after: int) -> list[ShownMessage]:
    with reading() as session:
        found = conversations.messages_after(session, conversation_id, after)
        rated = conversations.ratings(session, conversation_id) if found else {}
        return [_shown(message, rated.get(message.number)) for message in found]


def _shown(message: Message, helpful: bool | None) -> ShownMessage:
    return ShownMessage(
        number=message.number,
        sender=message.sender,
        text=message.said,
        at=message.created_at,
        key=message.key,
        buttons=[
            Button(**button)
            for button in buttons.signed(message.conversation_id, message.buttons or [])
        ],
        custom=message.custom,
        helpful=helpful,
    )
