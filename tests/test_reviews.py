"""Finding conversations, and what staff put on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from spinebot import conversations, reviews
from spinebot.db import now, reading, writing
from spinebot.models import Account, Conversation, Feedback, Finding, Handoff, Tag
from spinebot.reviews import FOUND, FOUND_END, Filters, ReviewError
from tests.console import new_account, talk
from tests.factories import queries_of


@pytest.fixture
def ann(database: str) -> Account:
    return new_account()


def find(account: Account, before: str = "", **filters: Any) -> reviews.Listed:
    with reading() as session:
        return reviews.find_conversations(session, Filters(**filters), account.id, before)


def ids(listed: reviews.Listed) -> list[int]:
    return [row.conversation.id for row in listed.rows]


def add(row: Any) -> None:
    with writing() as session:
        session.add(row)


def test_each_filter_leaves_what_it_says(ann: Account) -> None:
    plain = talk("hello")
    other = talk("heat", "ice", "rest", intent="ask_heat_or_ice", model="new.tar.gz")
    flag = {"rule": "RF01", "action": "call_911", "evidence": [], "message_id": 1}
    add(Finding(conversation_id=other.id, **flag))
    add(Feedback(conversation_id=other.id, number=2, helpful=False, reason=None))
    add(Tag(conversation_id=other.id, name="odd", account_id=ann.id))
    with writing() as session:
        session.get_one(Conversation, other.id).owner = "staff"
    for filters in (
        *({"intent": "ask_heat_or_ice"}, {"longer": 3}, {"red_flag": "yes"}, {"tag": "odd"}),
        *({"feedback": "unhelpful"}, {"owner": "staff"}, {"model": "new.tar.gz"}),
        {"intent": "ask_heat_or_ice", "red_flag": "yes", "feedback": "unhelpful"},
    ):
        assert ids(find(ann, **filters)) == [other.id], filters
    for filters in ({"red_flag": "no"}, {"shorter": 2}, {"intent": "ask_disc_spasm_cause"}):
        assert ids(find(ann, **filters)) == [plain.id], filters
    for filters in ({"feedback": "helpful"}, {"handoff": "yes"}, {"unanswered": "yes"}):
        assert ids(find(ann, **filters)) == [], filters
    assert ids(find(ann, page="clinic.example/pa", unsure=0.9)) == [other.id, plain.id]
    assert ids(find(ann, page="elsewhere")) == ids(find(ann, unsure=0.5)) == []
    assert ids(find(ann, since=str(now().date() - timedelta(days=1)))) == [other.id, plain.id]
    assert ids(find(ann, until=str(now().date() - timedelta(days=2)))) == []


def test_words_are_found_and_marked(ann: Account) -> None:
    found = talk("my shoulder hurts when spasms come", "nothing else")
    talk("something else")
    listed = find(ann, q="spasm")
    assert ids(listed) == [found.id]
    [(number, excerpt)] = listed.rows[0].hits
    assert (number, f"{FOUND}spasms{FOUND_END}" in excerpt) == (1, True)
    assert ids(find(ann, q="spasm shoulder")) == [found.id]
    assert ids(find(ann, q="spasm elbow")) == []


@pytest.mark.parametrize(
    "q", ['"', "a AND", "NEAR(", "(", "*", "'; DROP", "text:x", "-", "\\", "&|!"]
)
def test_signs_of_a_query_language_are_only_signs(ann: Account, q: str) -> None:
    talk("hello")
    assert find(ann, q=q).rows == [] or q == "-"


def test_what_is_masked_is_not_found(ann: Account) -> None:
    conversation = talk("call me at 202 555 0143 about zebras")
    assert ids(find(ann, q="zebras")) == [conversation.id]
    assert ids(find(ann, q="0143")) == []


def test_a_changed_text_is_found_by_its_new_words(ann: Account) -> None:
    conversation = talk("walrus")
    with writing() as session:
        message = reviews.message(session, session.get_one(Conversation, conversation.id), 1)
        message.text = "penguin"
    assert ids(find(ann, q="penguin")) == [conversation.id]
    assert ids(find(ann, q="walrus")) == []
    with writing() as session:
        conversations.erase(session, session.get_one(Conversation, conversation.id))
    assert ids(find(ann, q="penguin")) == []


def test_a_reference_a_number_and_a_contact_lead_to_the_conversation(ann: Account) -> None:
    from spinebot import handoffs
    from tests.factories import answers

    conversation = talk("hello")
    talk("another")
    with writing() as session:
        handoff = handoffs.create(session, conversation.sender, answers(), "I agree.")
    for q in (f"#{conversation.id}", handoff.reference.lower(), "+12025550143", "(202) 555-0143"):
        assert ids(find(ann, q=q)) == [conversation.id], q


def test_the_list_goes_on_where_it_stopped(ann: Account) -> None:
    made = [talk("hello").id for _ in range(reviews.finding.CONVERSATIONS_A_PAGE + 5)]
    first = find(ann)
    assert first.before is not None
    second = find(ann, first.before)
    assert ids(first) + ids(second) == made[::-1]
    assert second.before is None


def test_no_more_rows_no_more_queries(ann: Account) -> None:
    talk("hello")
    few = queries_of(lambda: find(ann, q="hello"))
    for _ in range(30):
        talk("hello", "again")
    assert queries_of(lambda: find(ann, q="hello")) == few


def test_a_review_holds_until_the_conversation_goes_on(ann: Account) -> None:
    conversation = talk("hello")
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        reviews.mark(session, found, "reviewed", ann.id)
    assert ids(find(ann, review="open")) == []
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        conversations.say(session, found, "one more thing", "another key")
    listed = find(ann, review="open")
    assert [row.state for row in listed.rows] == ["again"]
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        reviews.mark(session, found, "open", ann.id)
    assert [row.state for row in find(ann).rows] == ["open"]


def test_the_next_unreviewed_one_is_the_newest(ann: Account) -> None:
    first, second = talk("one"), talk("two")
    with writing() as session:
        assert reviews.next_unreviewed(session) == second.id
        assert reviews.next_unreviewed(session, besides=second.id) == first.id
        for each, state in ((first, "later"), (second, "reviewed")):
            reviews.mark(session, session.get_one(Conversation, each.id), state, ann.id)
        assert reviews.next_unreviewed(session) is None


def test_a_note_calls_whom_it_names(ann: Account) -> None:
    bo = new_account(name="Bo Sample")
    conversation = talk("hello")
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        reviews.write_note(session, found, "@bo please look, @nobody too", ann.id)
    with reading() as session:
        assert (
            reviews.unseen_mentions(session, bo.id),
            reviews.unseen_mentions(session, ann.id),
        ) == (
            1,
            0,
        )
    assert ids(find(bo, mentioned="yes")) == [conversation.id]
    with writing() as session:
        reviews.see_mentions(session, session.get_one(Conversation, conversation.id), bo.id)
        assert reviews.unseen_mentions(session, bo.id) == 0


def test_a_correction_keeps_the_masked_text_and_what_came_before(ann: Account) -> None:
    conversation = talk("hello", "my number is 202 555 0143")
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        kept = reviews.correct(session, found, 3, "give_contact", ann.id)
    assert "0143" not in kept.text
    assert kept.context == ["hello", "An answer."]
    assert (kept.understood_as, kept.should_be) == ("ask_disc_spasm_cause", "give_contact")
    with writing() as session, pytest.raises(ReviewError, match="Only what a visitor typed"):
        reviews.correct(session, session.get_one(Conversation, conversation.id), 2, "x", ann.id)


def test_a_conversation_becomes_a_test(ann: Account) -> None:
    conversation = talk("hello", "heat or ice?")
    with reading() as session:
        name, steps = reviews.as_test(session, session.get_one(Conversation, conversation.id), 4)
    assert name == f"conversation {conversation.id} up to message 4"
    assert [(step.text, step.intent, step.actions) for step in steps] == [
        ("hello", "ask_disc_spasm_cause", ["action_x"]),
        ("heat or ice?", "ask_disc_spasm_cause", ["action_x"]),
    ]


@pytest.mark.parametrize("reason", ["", "nonsense"])
def test_a_flag_needs_a_reason(ann: Account, reason: str) -> None:
    conversation = talk("hello")
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        with pytest.raises(ReviewError, match="reason"):
            reviews.flag(session, found, 1, reason, ann.id)


def test_erasing_takes_everything_along(ann: Account) -> None:
    conversation = talk("hello")
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        reviews.write_note(session, found, "@ann look", ann.id)
        reviews.flag(session, found, 1, "unsafe", ann.id)
        reviews.tag(session, found, "odd", ann.id)
        reviews.mark(session, found, "reviewed", ann.id)
        reviews.correct(session, found, 1, "greet", ann.id)
    with writing() as session:
        conversations.erase(session, session.get_one(Conversation, conversation.id))
    with reading() as session:
        for table in ("conversation", "message", "note", "mention", "flag", "tag", "review"):
            assert session.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0, table
        assert session.scalar(sa.select(sa.func.count()).select_from(Handoff)) == 0
