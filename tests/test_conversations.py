"""The transcript: numbers without gaps, masked text with a sealed original, and the memory."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from spinebot import conversations, db, safety
from spinebot.conversations import TURNS_A_SESSION, Understood
from spinebot.db import now, reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Conversation, Finding, Message, Section, Unanswered
from tests.factories import at_once, load_articles


@pytest.fixture
def conversation(sqlite_database: Path) -> Conversation:
    return begin()


@pytest.fixture
def conversation_on_both(database: str) -> Conversation:
    """A conversation once on SQLite and once on PostgreSQL, where the two could differ."""
    return begin()


def begin() -> Conversation:
    with writing() as session:
        return conversations.start(session, "https://clinic.example/spasms")[0]


def say(
    conversation: Conversation, text: str, key: str = "k", payload: str | None = None
) -> tuple[Message, bool]:
    with writing() as session:
        current = session.get_one(Conversation, conversation.id)
        return conversations.say(session, current, text, key, payload)


def reply(
    conversation: Conversation, message: Message, *replies: dict[str, Any], **understood: Any
) -> list[Message]:
    with writing() as session:
        return conversations.reply(
            session,
            session.get_one(Conversation, conversation.id),
            session.get_one(Message, message.id),
            replies,
            Understood(**understood),
        )


def remember(conversation: Conversation, memory: dict[str, Any], requested: str | None) -> None:
    with writing() as session:
        conversations.remember(session.get_one(Conversation, conversation.id), memory, requested)


def fresh(conversation: Conversation) -> Conversation:
    with reading() as session:
        return session.get_one(Conversation, conversation.id)


def messages(conversation: Conversation, after: int = 0) -> list[Message]:
    with reading() as session:
        return conversations.messages_after(session, conversation.id, after)


# Finding


def test_a_token_finds_its_conversation(database: str) -> None:
    with writing() as session:
        conversation, token = conversations.start(session, "")
    with reading() as session:
        assert conversations.find(session, token).id == conversation.id


@pytest.mark.parametrize("token", ["", "1", "x" * 43, "' OR 1=1"])
def test_a_wrong_token_finds_nothing(sqlite_database: Path, token: str) -> None:
    with writing() as session:
        conversations.start(session, "")
    with reading() as session, pytest.raises(NotFoundError):
        conversations.find(session, token)


def test_the_token_is_not_kept(sqlite_database: Path) -> None:
    with writing() as session:
        conversation, token = conversations.start(session, "")
    assert token not in vars(fresh(conversation)).values()


def test_a_very_long_page_address_is_cut(sqlite_database: Path) -> None:
    with writing() as session:
        conversation, _ = conversations.start(session, "p" * 5000)
    assert len(fresh(conversation).page) == 500


# Numbers


def test_messages_are_numbered_without_gaps(conversation_on_both: Conversation) -> None:
    first, _ = say(conversation_on_both, "one", "a")
    reply(conversation_on_both, first, {"text": "two"}, {"text": "three"})
    say(conversation_on_both, "four", "b")
    assert [(m.number, m.text) for m in messages(conversation_on_both)] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
        (4, "four"),
    ]


def test_a_turn_that_fails_leaves_no_gap(conversation_on_both: Conversation) -> None:
    with pytest.raises(RuntimeError, match="half"):
        fail_half_way(conversation_on_both)
    message, _ = say(conversation_on_both, "after", "b")
    assert message.number == 1


def fail_half_way(conversation: Conversation) -> None:
    with writing() as session:
        current = session.get_one(Conversation, conversation.id)
        conversations.say(session, current, "before", "a")
        raise RuntimeError("half")


def test_messages_said_at_once_have_each_their_number(conversation_on_both: Conversation) -> None:
    keys = iter("abcdefgh")
    at_once(lambda: say(conversation_on_both, "hello", next(keys)))
    assert [m.number for m in messages(conversation_on_both)] == list(range(1, 9))


def test_only_what_came_after_is_returned(conversation: Conversation) -> None:
    for text in ("a", "b", "c"):
        say(conversation, text, text)
    assert [m.text for m in messages(conversation, after=1)] == ["b", "c"]


def test_each_conversation_has_its_own_numbers(conversation: Conversation) -> None:
    with writing() as session:
        other, _ = conversations.start(session, "")
    say(conversation, "one")
    message, _ = say(other, "another")
    assert message.number == 1


# The same message twice


def test_one_key_is_one_message(conversation_on_both: Conversation) -> None:
    first, is_new = say(conversation_on_both, "hello", "a")
    second, is_new_again = say(conversation_on_both, "hello again", "a")
    assert (is_new, is_new_again) == (True, False)
    assert first.id == second.id
    assert [m.text for m in messages(conversation_on_both)] == ["hello"]


def test_one_key_many_times_at_once_is_one_message(conversation_on_both: Conversation) -> None:
    said = at_once(lambda: say(conversation_on_both, "hello", "a"))
    assert sorted(is_new for _, is_new in said) == [False] * 7 + [True]
    assert len(messages(conversation_on_both)) == 1


def test_one_key_in_two_conversations_is_two_messages(conversation: Conversation) -> None:
    with writing() as session:
        other, _ = conversations.start(session, "")
    say(conversation, "hello", "a")
    assert say(other, "hello", "a")[1]


# Masking


def test_personal_data_are_masked_and_the_original_kept(conversation: Conversation) -> None:
    message, _ = say(conversation, "write to ann@example.com")
    assert message.text == "write to [email]"
    assert message.original == message.said == "write to ann@example.com"


def test_a_harmless_text_is_kept_once(conversation: Conversation) -> None:
    message, _ = say(conversation, "does ice help?")
    assert (message.text, message.original) == ("does ice help?", None)
    assert message.said == "does ice help?"


def test_the_original_is_sealed_in_the_table(conversation_on_both: Conversation) -> None:
    say(conversation_on_both, "write to ann@example.com")
    with reading() as session:
        [raw] = session.scalars(sa.text("SELECT original FROM message"))
    assert raw
    assert "ann@" not in raw


@pytest.mark.parametrize("slot", ["name", "contact"])
def test_the_answer_to_a_personal_question_is_masked_whole(
    conversation: Conversation, slot: str
) -> None:
    remember(conversation, {}, slot)
    message, _ = say(conversation, "Ann Sample")
    assert message.text == f"[{slot}]"
    assert message.said == "Ann Sample"


def test_a_button_is_not_masked(conversation: Conversation) -> None:
    remember(conversation, {}, "name")
    message, _ = say(conversation, "Stop", payload="/request_cancel")
    assert message.text == "Stop"


def test_the_summary_of_a_form_is_masked_whole(conversation: Conversation) -> None:
    message, _ = say(conversation, "low back")
    [summary] = reply(conversation, message, {"text": "Ann", "custom": {"personal": True}})
    assert summary.text == "[summary]"
    assert summary.said == "Ann"


def test_entities_are_masked(conversation: Conversation) -> None:
    message, _ = say(conversation, "call 202-555-0143")
    reply(conversation, message, entities=[{"entity": "x", "value": "202-555-0143"}])
    assert messages(conversation)[0].entities == [{"entity": "x", "value": "[number]"}]


# Replies


def test_a_reply_keeps_all_that_goes_with_it(conversation: Conversation) -> None:
    message, _ = say(conversation, "hello")
    button = {"title": "Yes", "payload": "/affirm"}
    [said] = reply(
        conversation, message, {"text": "Hi", "buttons": [button], "custom": {"type": "offer"}}
    )
    assert (said.in_reply_to, said.buttons, said.custom) == (1, [button], {"type": "offer"})


def test_what_was_understood_is_kept_with_the_message(conversation_on_both: Conversation) -> None:
    message, _ = say(conversation_on_both, "hello")
    reply(
        conversation_on_both,
        message,
        intent="greet",
        confidence=0.9,
        ranking=[{"name": "greet", "confidence": 0.9}],
        actions=["action_reply_small_talk"],
        model="m.tar.gz",
        milliseconds=12.5,
    )
    [kept] = messages(conversation_on_both)
    assert (kept.intent, kept.confidence, kept.model) == ("greet", 0.9, "m.tar.gz")
    assert kept.ranking == [{"name": "greet", "confidence": 0.9}]
    assert kept.actions == ["action_reply_small_talk"]
    assert kept.milliseconds == 12.5
    assert kept.answered_at


def test_a_reply_without_text_is_empty(conversation: Conversation) -> None:
    message, _ = say(conversation, "hello")
    [said] = reply(conversation, message, {"text": None, "buttons": None, "custom": None})
    assert (said.text, said.buttons, said.custom) == ("", [], None)


# Questions without an answer


def kept_unanswered() -> list[Unanswered]:
    with reading() as session:
        return list(session.scalars(sa.select(Unanswered)))


def note(**nearest: Any) -> dict[str, Any]:
    return {"text": "I do not know.", "custom": {conversations.UNANSWERED: nearest}}


def test_a_question_without_an_answer_is_kept_masked(conversation_on_both: Conversation) -> None:
    text = "my name is Ann, is cbd oil good, call 202-555-0143"
    message, _ = say(conversation_on_both, text)
    ranking = [{"name": "nlu_fallback", "confidence": 0.3}]
    reply(conversation_on_both, message, note(), intent="nlu_fallback", ranking=ranking)
    [kept] = kept_unanswered()
    assert (kept.message_id, kept.conversation_id) == (message.id, conversation_on_both.id)
    assert kept.question == "my name is [name], is cbd oil good, call [number]"
    assert kept.ranking == ranking
    assert (kept.section_id, kept.score) == (None, None)
    assert kept.created_at


def test_it_is_kept_with_what_came_nearest(database: str, write_article: Any) -> None:
    load_articles(write_article())
    with reading() as session:
        section_id = session.scalars(sa.select(Section.id)).first()
    conversation = begin()
    message, _ = say(conversation, "is cbd oil good")
    reply(conversation, message, note(section_id=section_id, score=0.61))
    [kept] = kept_unanswered()
    assert (kept.section_id, kept.score) == (section_id, 0.61)


def test_it_is_kept_once_however_often_its_turn_is_stored(conversation: Conversation) -> None:
    message, _ = say(conversation, "is cbd oil good")
    reply(conversation, message, note(), note())
    reply(conversation, message, note())
    assert len(kept_unanswered()) == 1


def test_the_note_of_it_is_not_shown(conversation: Conversation) -> None:
    message, _ = say(conversation, "is cbd oil good")
    [bare] = reply(conversation, message, note(section_id=None, score=None))
    assert bare.custom is None
    typed = note()
    typed["custom"]["type"] = "closest"
    [closest] = reply(conversation, message, typed)
    assert closest.custom == {"type": "closest"}


def test_a_message_that_was_answered_is_no_such_question(conversation: Conversation) -> None:
    message, _ = say(conversation, "heat or ice?")
    reply(conversation, message, {"text": "Heat.", "custom": {"type": "answer"}})
    assert kept_unanswered() == []


# Unanswered


def test_an_unanswered_message_is_found(conversation: Conversation) -> None:
    message, _ = say(conversation, "hello")
    with reading() as session:
        found = conversations.unanswered(session, timedelta(hours=1))
    assert [m.id for m in found] == [message.id]


def test_an_answered_message_is_not(conversation: Conversation) -> None:
    message, _ = say(conversation, "hello")
    reply(conversation, message, {"text": "Hi"})
    with reading() as session:
        assert conversations.unanswered(session, timedelta(hours=1)) == []


def test_an_old_message_is_let_be(conversation_on_both: Conversation) -> None:
    message, _ = say(conversation_on_both, "hello")
    with writing() as session:
        session.get_one(Message, message.id).created_at = now() - timedelta(hours=2)
    with reading() as session:
        assert conversations.unanswered(session, timedelta(hours=1)) == []


def test_what_has_not_waited_long_is_let_be(conversation_on_both: Conversation) -> None:
    message, _ = say(conversation_on_both, "hello")
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    with reading() as session:
        assert conversations.unanswered(session, hour, minute) == []
    with writing() as session:
        session.get_one(Message, message.id).created_at = now() - 2 * minute
    with reading() as session:
        assert [m.id for m in conversations.unanswered(session, hour, minute)] == [message.id]


@pytest.mark.postgres
@pytest.mark.parametrize("hours", [-3, 3])
def test_a_machine_whose_clock_jumped_dates_messages_like_the_others(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    conversation = begin()
    jumped = now() + timedelta(hours=hours)
    monkeypatch.setattr(conversations, "now", lambda: jumped)
    monkeypatch.setattr(db, "now", lambda: jumped)
    message, _ = say(conversation, "hello")
    assert abs(now() - message.created_at) < timedelta(minutes=1)
    with reading() as session:
        found = conversations.unanswered(session, timedelta(minutes=10))
    assert [m.id for m in found] == [message.id]


# Earlier texts


def test_earlier_texts_are_what_was_typed_oldest_first(conversation: Conversation) -> None:
    for text in ("one", "call 202-555-0143", "three"):
        message, _ = say(conversation, text, text)
        reply(conversation, message, {"text": "a reply"})
    button, _ = say(conversation, "Yes", "b", payload="/affirm")
    last, _ = say(conversation, "last", "last")
    with reading() as session:
        assert conversations.earlier_texts(session, last) == ["one", "call 202-555-0143", "three"]
    assert button.number < last.number


def test_only_the_newest_earlier_texts_are_read(conversation: Conversation) -> None:
    for number in range(conversations.EARLIER_MESSAGES + 5):
        last, _ = say(conversation, f"text {number}", str(number))
    with reading() as session:
        texts = conversations.earlier_texts(session, last)
    assert len(texts) == conversations.EARLIER_MESSAGES
    assert texts[-1] == f"text {conversations.EARLIER_MESSAGES + 3}"


# Memory and Rasa's sessions


def test_the_memory_outlives_the_turn(conversation_on_both: Conversation) -> None:
    remember(conversation_on_both, {"mri_offer": "declined", "red_flag": None}, None)
    assert fresh(conversation_on_both).memory == {
        "mri_offer": "declined",
        "red_flag": None,
        "requested": None,
    }


def test_a_long_session_gives_way_to_a_new_one(conversation: Conversation) -> None:
    senders = []
    for _ in range(TURNS_A_SESSION + 1):
        senders.append(fresh(conversation).sender)
        remember(conversation, {"mri_offer": "made"}, None)
    assert len(set(senders[:-1])) == 1
    assert senders[-1] == f"{conversation.id}.2"
    assert fresh(conversation).memory["mri_offer"] == "made"


def test_a_session_does_not_end_inside_a_form(conversation: Conversation) -> None:
    for _ in range(TURNS_A_SESSION + 5):
        remember(conversation, {}, "name")
    assert fresh(conversation).sender == f"{conversation.id}.1"
    remember(conversation, {}, None)
    assert fresh(conversation).sender == f"{conversation.id}.2"


# Red flags


@pytest.fixture
def flagged(conversation: Conversation) -> Conversation:
    remember(conversation, {"mri_offer": "pending"}, "name")
    text = "I can't pee since today, call me at 202-555-0143"
    message, _ = say(conversation, text)
    found = safety.check(text)
    assert found
    with writing() as session:
        current = session.get_one(Conversation, conversation.id)
        conversations.raise_flags(session, current, session.get_one(Message, message.id), found)
    return conversation


def test_a_red_flag_is_kept_with_its_message(flagged: Conversation) -> None:
    with reading() as session:
        finding = session.scalars(sa.select(Finding)).first()
    assert finding
    assert finding.conversation_id == flagged.id
    assert finding.rule.startswith("RF")
    assert finding.evidence
    assert "0143" not in "".join(finding.evidence)


def test_a_red_flag_is_remembered(flagged: Conversation) -> None:
    assert fresh(flagged).memory["red_flag"] is True


def test_after_a_red_flag_no_form_is_open(flagged: Conversation) -> None:
    current = fresh(flagged)
    assert current.memory["requested"] is None
    assert current.sender == f"{flagged.id}.2"


def test_after_a_red_flag_a_yes_is_no_yes_to_the_offer(flagged: Conversation) -> None:
    assert fresh(flagged).memory["mri_offer"] != "pending"
