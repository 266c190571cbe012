"""Staff in the chat: one at a time, told to the visitor, and never stranding them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spinebot import conversations, takeover
from spinebot.db import now, reading, writing
from spinebot.models import Account, Conversation, Message
from spinebot.takeover import TakenError
from spinebot.web import turns
from tests.console import fresh, new_account, talk
from tests.factories import at_once

EMERGENCY = "I am numb between my legs and cannot pee"


@pytest.fixture
def ann(database: str) -> Account:
    return new_account(name="Ann Sample")


def join(conversation: Conversation, account: Account) -> Message | None:
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        return takeover.join(session, found, account)


def said(conversation: Conversation) -> list[tuple[str, str]]:
    with reading() as session:
        found = conversations.messages_after(session, conversation.id, 0)
        return [(each.sender, each.text) for each in found]


def test_the_visitor_is_told_who_came_and_who_went(ann: Account) -> None:
    conversation = talk("hello")
    note = join(conversation, ann)
    assert note is not None
    assert note.custom == {"type": "presence", "state": "joined", "name": "Ann"}
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        takeover.say(session, found, ann, "Hello, how can I help?", "key one")
        takeover.say(session, found, ann, "Hello, how can I help?", "key one")
        takeover.leave(session, found, ann)
    last = said(conversation)[2:]
    assert [sender for sender, _ in last] == ["note", "staff", "note", "bot"]
    assert "Did Ann answer your question?" in last[-1][1]
    assert fresh(conversation).owner == "bot"


@pytest.mark.parametrize("is_deserted", [False, True])
def test_after_an_emergency_the_bot_comes_back_without_a_question(
    ann: Account, is_deserted: bool
) -> None:
    conversation = talk("hello")
    join(conversation, ann)
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        message, _ = conversations.say(session, found, EMERGENCY, "another key")
    assert turns._check_safety(message.id) is None
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        if is_deserted:
            found.staff_seen_at = now() - timedelta(minutes=2)
            session.flush()
            takeover.give_back_deserted(session)
        else:
            takeover.leave(session, found, ann)
    sender, text = said(conversation)[-1]
    assert sender == "bot"
    assert "get medical care now" in text
    assert "?" not in text
    assert fresh(conversation).memory["red_flag"]


def test_of_two_who_come_one_is_in(ann: Account) -> None:
    conversation = talk("hello")
    people = iter([ann, *(new_account(name=f"Bo{n} Sample") for n in range(3))])
    outcomes = at_once(lambda: join(conversation, next(people)), 4)
    assert sum(isinstance(each, TakenError) for each in outcomes) == 3
    assert sum(isinstance(each, Message) for each in outcomes) == 1


def test_coming_twice_is_coming_once(ann: Account) -> None:
    conversation = talk("hello")
    join(conversation, ann)
    assert join(conversation, ann) is None


def test_who_is_not_in_the_chat_cannot_speak(ann: Account) -> None:
    conversation = talk("hello")
    with pytest.raises(TakenError, match="not in this chat"), writing() as session:
        takeover.say(session, session.get_one(Conversation, conversation.id), ann, "x", "key")


def test_an_open_form_is_over_when_staff_come(ann: Account) -> None:
    conversation = talk("hello")
    with writing() as session:
        session.get_one(Conversation, conversation.id).memory = {"requested": "name"}
    before = conversation.rasa_session
    join(conversation, ann)
    assert fresh(conversation).memory["requested"] is None
    assert fresh(conversation).rasa_session == before + 1


def test_who_closes_the_browser_strands_nobody(ann: Account) -> None:
    conversation = talk("hello")
    join(conversation, ann)
    with writing() as session:
        assert takeover.give_back_deserted(session) == []
        session.get_one(Conversation, conversation.id).staff_seen_at = now() - timedelta(minutes=2)
    with writing() as session:
        assert takeover.give_back_deserted(session) == [conversation.id]
    with writing() as session:
        assert takeover.give_back_deserted(session) == []
    assert "Ann had to go" in said(conversation)[-1][1]
    assert fresh(conversation).owner == "bot"


def test_a_page_that_is_open_keeps_the_chat(ann: Account) -> None:
    conversation = talk("hello")
    join(conversation, ann)
    with writing() as session:
        session.get_one(Conversation, conversation.id).staff_seen_at = now() - timedelta(minutes=2)
        session.flush()
        takeover.presence(session, conversation.id, ann.id)
    with writing() as session:
        assert takeover.give_back_deserted(session) == []


@pytest.mark.parametrize(
    ("text", "senders"),
    [
        ("heat or ice?", ["visitor"]),
        (EMERGENCY, ["visitor", "bot"]),
    ],
)
def test_while_staff_answer_the_bot_speaks_in_emergencies_only(
    ann: Account, text: str, senders: list[str]
) -> None:
    conversation = talk("hello")
    join(conversation, ann)
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        message, _ = conversations.say(session, found, text, "another key")
    assert turns._check_safety(message.id) is None
    assert [sender for sender, _ in said(conversation)][3:] == senders
    with reading() as session:
        assert conversations.unanswered(session, timedelta(hours=1)) == []
