"""What a process that died has left behind is found, whatever the clocks say; and done once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from spinebot import conversations
from spinebot.conversations import Understood
from spinebot.db import now, reading, writing
from spinebot.models import Message
from spinebot.web import turns
from spinebot.web.rasa import Turn
from spinebot.web.turns import Turns


def waiting(age: timedelta) -> int:
    """Store a message that was said so long ago and has no answer; return its id."""
    with writing() as session:
        conversation, _ = conversations.start(session, "test")
        message, _ = conversations.say(session, conversation, "heat or ice?", "a key 0001")
        message.created_at = now() - age
        return message.id


@pytest.mark.parametrize(
    ("minutes", "is_adopted"),
    [(0, False), (0.1, True), (9, True), (11, False), (-60, True)],
    ids=["just now", "some seconds ago", "long ago", "too long ago", "by a clock that is ahead"],
)
def test_what_has_waited_is_adopted(database: str, minutes: float, is_adopted: bool) -> None:
    message = waiting(timedelta(minutes=minutes))
    found = [each for _, each in turns._waiting(turns.LEFT_BEHIND)]
    assert (message in found) == is_adopted


def test_of_two_processes_that_answered_the_first_counts(database: str) -> None:
    message = waiting(timedelta())
    for words in ("the first", "the second"):
        reply = {"text": words, "custom": {"type": "answer"}}
        turns._store(message, Turn([reply], Understood(actions=["action_x"]), {}, None), [])
    with reading() as session:
        stored = session.get_one(Message, message)
        said = conversations.messages_after(session, stored.conversation_id, stored.number)
    assert [each.text for each in said] == ["the first"]


def test_an_apology_comes_after_no_answer(database: str) -> None:
    message = waiting(timedelta())
    reply = {"text": "an answer", "custom": {"type": "answer"}}
    turns._store(message, Turn([reply], Understood(actions=["action_x"]), {}, None), [])
    turns._store_apology(message)
    turns._store_warning(message, [])
    with reading() as session:
        stored = session.get_one(Message, message)
        said = conversations.messages_after(session, stored.conversation_id, stored.number)
    assert [each.text for each in said] == ["an answer"]


def test_what_was_said_is_told_before_the_reply(client: TestClient) -> None:
    """Another tab of the visitor's need not wait for Rasa, however long that takes."""
    message_id = waiting(timedelta())
    found: Turns = client.app.state.turns  # type: ignore[attr-defined]

    async def listen() -> list[str]:
        with reading() as session:
            conversation_id = session.get_one(Message, message_id).conversation_id
        async with found.listening(conversation_id) as queue:
            found.begin(conversation_id, message_id)
            return [(await asyncio.wait_for(queue.get(), 30))[0] for _ in range(3)]

    assert client.portal is not None
    # Rasa is away here: the reply is an apology.
    assert client.portal.call(listen) == ["typing", "news", "news"]
