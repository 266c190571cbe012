"""The map of what the articles cover."""

from __future__ import annotations

import sqlalchemy as sa

from spinebot import coverage
from spinebot.db import reading, writing
from spinebot.models import Feedback, Message, Question, SectionRevision, Unanswered
from tests.console import leave_unanswered, talk
from tests.factories import load_articles

INTENT = "ask_heat_or_ice"


def answered(count: int, *, unhelpful: int = 0) -> None:
    """Let visitors ask one question, be shown its section, and rate it."""
    with reading() as session:
        section = session.get_one(Question, INTENT).section_id
        revision = session.scalar(
            sa.select(sa.func.max(SectionRevision.id)).where(SectionRevision.section_id == section)
        )
    for number in range(count):
        conversation = talk("heat or ice?", intent=INTENT)
        with writing() as session:
            session.execute(
                sa.update(Message)
                .where(Message.conversation_id == conversation.id, Message.number == 2)
                .values(section_revision_id=revision)
            )
            rating = {"number": 2, "helpful": number >= unhelpful, "reason": None}
            session.add(Feedback(conversation_id=conversation.id, **rating))


def one(intent: str) -> coverage.Covered:
    with reading() as session:
        [found] = [each for each in coverage.questions(session) if each.intent == intent]
    return found


def test_every_question_says_how_it_did(database: str) -> None:
    load_articles()
    answered(4, unhelpful=3)
    found = one(INTENT)
    assert (found.asked, found.helpful, found.unhelpful, found.is_unhelpful) == (4, 1, 3, True)
    never = one("ask_disc_function")
    assert (never.asked, never.is_unhelpful) == (0, False)


def test_a_few_ratings_say_nothing(sqlite_database: object) -> None:
    load_articles()
    answered(2, unhelpful=2)
    assert not one(INTENT).is_unhelpful


def test_a_section_that_answers_nothing_is_named(sqlite_database: object) -> None:
    load_articles()
    with reading() as session:
        before = coverage.silent_sections(session)
    with writing() as session:
        section = session.get_one(Question, INTENT).section_id
        session.execute(sa.delete(Question).where(Question.section_id == section))
    with reading() as session:
        more = set(coverage.silent_sections(session)) - set(before)
    assert more == {("muscle-spasm-self-care", "heat-or-ice")}


def test_where_an_answer_is_missing(database: str) -> None:
    load_articles()
    with writing() as session:
        section = session.get_one(Question, INTENT).section_id
    for number, text in enumerate(("mud baths?", "paraffin?")):
        conversation = talk(text)
        with writing() as session:
            message = session.scalars(
                sa.select(Message.id).where(Message.conversation_id == conversation.id)
            ).first()
            session.add(
                Unanswered(
                    message_id=message,
                    conversation_id=conversation.id,
                    question=text,
                    ranking=[],
                    section_id=section,
                    score=0.1 * number,
                )
            )
    with reading() as session:
        [(article, near, count, newest)] = coverage.nearest_to_unanswered(session)
    assert (article, near, count, newest) == (
        "muscle-spasm-self-care",
        "heat-or-ice",
        2,
        "paraffin?",
    )


def test_what_nobody_answered_stands_together_by_week(database: str) -> None:
    load_articles()
    texts = ["can my parrot sit on my shoulder", "may the parrot sit on my shoulder", "wifi?"]
    talk(*texts, intent="nlu_fallback")
    with reading() as session:
        section = session.scalars(sa.select(Question.section_id).limit(1)).one()
    leave_unanswered({"parrot": section})
    with reading() as session:
        first, second = coverage.unanswered_by_week(session)
    assert sorted(first.questions) == sorted(texts[:2])
    assert first.nearest is not None
    assert (second.questions, second.nearest) == (["wifi?"], None)
    assert first.week.weekday() == 0


def test_an_intent_without_an_answer_is_named(sqlite_database: object) -> None:
    load_articles()
    with writing() as session:
        session.execute(sa.delete(Question).where(Question.intent == INTENT))
    with reading() as session:
        assert coverage.intents_without_answer(session) == [INTENT]
