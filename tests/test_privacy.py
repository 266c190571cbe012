"""What there is of a person is found, given out, and gone when they wish."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from spinebot import accounts, audit, conversations, desk, handoffs, privacy, reviews
from spinebot.db import now, reading, writing
from spinebot.models import Account, AuditEntry, Conversation, Handoff, Login, Message, Outgoing
from tests.console import new_account, talk
from tests.factories import answers

NUMBER = "+12025550143"


def leave(conversation: Conversation, key: str = "one", **changes: Any) -> Handoff:
    with writing() as session:
        filled = answers(handoff_key=key, **changes)
        return handoffs.create(session, conversation.sender, filled, "I agree.")


def count(table: str) -> int:
    with reading() as session:
        return session.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0


@pytest.mark.parametrize("contact", [NUMBER, "(202) 555-0143", "202.555.0143"])
def test_a_person_is_found_however_the_number_is_written(database: str, contact: str) -> None:
    handoff = leave(talk("hello"))
    with reading() as session:
        person = privacy.find(session, contact)
    assert [each.id for each in person.handoffs] == [handoff.id]
    assert len(person.conversations) == 1


def test_whoever_left_two_numbers_is_found_by_either(database: str) -> None:
    conversation = talk("hello")
    leave(conversation)
    leave(conversation, "two", contact="+12025550144")
    leave(talk("another"), "three", contact="+12025550144")
    leave(talk("a stranger"), "four", contact="+12025550145")
    with reading() as session:
        person = privacy.find(session, NUMBER)
    assert (len(person.handoffs), len(person.conversations)) == (3, 2)


def test_the_export_holds_everything_unmasked(database: str) -> None:
    leave(talk("my number is 202 555 0143", "ça va, Zoë"))
    with reading() as session:
        person = privacy.find(session, NUMBER)
        written = privacy.as_json(privacy.export(session, person))
    found = json.loads(written)
    assert "ça va, Zoë" in written  # as people write it
    [request], [conversation] = found["requests"], found["conversations"]
    assert (request["name"], request["phone"]) == ("Ann Sample", NUMBER)
    assert conversation["messages"][0]["text"] == "my number is 202 555 0143"


def test_erasing_leaves_nothing_and_others_alone(database: str) -> None:
    ann: Account = new_account()
    mine, other = talk("my back hurts"), talk("another")
    handoff, kept = leave(mine), leave(other, "two", contact="bo@example.com")
    with writing() as session:
        desk.claim(session, handoff.id, ann)
        desk.attempt(session, session.get_one(Handoff, handoff.id), ann, "phone", "reached", "note")
        found = session.get_one(Conversation, mine.id)
        reviews.write_note(session, found, "a note", ann.id)
        reviews.correct(session, found, 1, "report_pain", ann.id)
    with writing() as session:
        ids = privacy.erase(session, privacy.find(session, NUMBER), ann.email)
    assert ids == [mine.id]
    for table in ("note", "correction", "attempt"):
        assert count(table) == 0, table
    assert (count("handoff"), count("contact"), count("conversation")) == (1, 1, 1)
    with reading() as session:
        assert session.scalars(sa.select(Handoff.id)).one() == kept.id
        assert not privacy.find(session, NUMBER).is_known
        assert audit.verify(session)[1] is None


def test_a_duplicate_that_points_at_an_erased_handoff_stays(database: str) -> None:
    ann = new_account()
    first, second = leave(talk("hello")), leave(talk("again"), "two")
    with writing() as session:
        desk.join(
            session, session.get_one(Handoff, second.id), session.get_one(Handoff, first.id), ann
        )
        handoffs.erase(session, session.get_one(Handoff, first.id))
    with reading() as session:
        assert session.get_one(Handoff, second.id).joined_to_id is None


def test_rasa_forgets_too(sqlite_database: Path) -> None:
    memory = sqlite3.connect(sqlite_database.parent / "tracker.db")
    memory.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT, data TEXT)")
    rows = [("12.1", "a"), ("12.2", "b"), ("1.2", "c"), ("121.1", "d")]
    memory.executemany("INSERT INTO events (sender_id, data) VALUES (?, ?)", rows)
    memory.commit()
    privacy.forget_in_rasa([12])
    assert [row[0] for row in memory.execute("SELECT data FROM events ORDER BY id")] == ["c", "d"]
    memory.close()


def test_without_a_memory_there_is_nothing_to_forget(sqlite_database: Path) -> None:
    privacy.forget_in_rasa([12])


def test_what_is_over_is_deleted(database: str) -> None:
    ann = new_account()
    old, new = talk("call 202 555 0143"), talk("call 202 555 0144")
    waiting = leave(talk("hello"), "waiting")
    done = leave(talk("hello"), "done")
    with writing() as session:
        desk.finish(session, session.get_one(Handoff, done.id), ann, "declined")
        session.flush()
        for each in (waiting, done):
            found = session.get_one(Handoff, each.id)
            found.created_at = now() - timedelta(days=900)
            found.done_at = found.created_at if found.done_at else None
        session.get_one(Conversation, old.id).last_message_at = now() - timedelta(days=366)
        session.execute(
            sa.update(Message)
            .where(Message.conversation_id == new.id)
            .values(created_at=now() - timedelta(days=91))
        )
    with writing() as session:
        assert privacy.is_due(session)
        cleaned = privacy.clean(session)
        assert not privacy.is_due(session)
    assert (cleaned.conversations, cleaned.handoffs, cleaned.unmasked) == (1, 1, 1)
    with reading() as session:
        assert session.get(Conversation, old.id) is None
        assert session.scalars(sa.select(Handoff.id)).all() == [waiting.id]
        [message] = [
            each
            for each in conversations.messages_after(session, new.id, 0)
            if each.sender == "visitor"
        ]
        assert message.original is None
        assert "0144" not in message.text


def test_the_export_holds_no_ratings_of_others(database: str) -> None:
    own, foreign = talk("hello"), talk("hello")
    leave(own)
    with writing() as session:
        for conversation, helpful in ((own, True), (foreign, False)):
            found = session.get_one(Conversation, conversation.id)
            conversations.rate(session, found, 2, helpful, None)
    with reading() as session:
        [told] = privacy.export(session, privacy.find(session, NUMBER))["conversations"]
    assert told["ratings"] == [{"message": 2, "helpful": True}]


def test_logins_and_sent_mail_end_as_well(database: str) -> None:
    """Of each kind one that is over and one that is not yet."""
    ann = new_account()
    day = timedelta(days=1)
    times = {
        "idle": (now() - day, now() - accounts.IDLE_FOR - day),
        "old": (now() - accounts.SIGNED_IN_FOR - day, now()),
        "in use": (now() - day, now() - timedelta(minutes=5)),
    }
    with writing() as session:
        for name, (created, seen) in times.items():
            login = Login(token_hash=name, account_id=ann.id, browser=name)
            login.created_at, login.seen_at = created, seen
            session.add(login)
        for name, sent in (
            ("over", now() - 90 * day - timedelta(hours=1)),
            ("kept", now() - 90 * day + timedelta(hours=1)),
            ("waits", None),
        ):
            session.add(Outgoing(kind="mail", event=name, content={}, sent_at=sent))
    with writing() as session:
        privacy.clean(session)
    with reading() as session:
        assert session.scalars(sa.select(Login.browser)).all() == ["in use"]
        left = session.scalars(sa.select(Outgoing.event).order_by(Outgoing.id)).all()
    assert left == ["kept", "waits"]


def test_the_nightly_cleaning_is_due_after_a_day(database: str) -> None:
    with writing() as session:
        privacy.clean(session)
        session.flush()
        for hours, is_due in ((22.5, False), (23.5, True)):
            session.execute(sa.update(AuditEntry).values(at=now() - timedelta(hours=hours)))
            assert privacy.is_due(session) is is_due
