"""Fills an empty clinic with sample conversations, so that a newcomer sees the console alive.

The visitors' words are those of the training data, the answers those of the articles; names are
plainly samples and phone numbers lie in the range that is kept for fiction (555-0100 to 0199).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import desk, emergencies, handoffs, reviews, safety
from spinebot.clinic import clinic
from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.files import parse_yaml
from spinebot.models import (
    Account,
    Conversation,
    Feedback,
    Finding,
    Handoff,
    Message,
    Outcome,
    Question,
    Section,
    SectionRevision,
    Sender,
    Unanswered,
)
from spinebot.reports import FORM_SLOTS
from spinebot.settings import ROOT

WEEKS = 10
BATCH = 2000  # conversations that are written at once
PAGES = (
    "/",
    "/conditions/herniated-disc",
    "/treatments/mri-review",
    "/blog/back-spasms",
    "/contact",
)
NAMES = ("Ann Sample", "Bo Sample", "Cy Sample", "Di Sample", "Ed Sample", "Flo Sample")
MOST_HANDOFFS = 500
OUTSIDE = (
    ("out_of_scope_cost", "what does the surgery cost"),
    ("out_of_scope_dose", "how many ibuprofen can I take a day"),
    ("out_of_scope_body_part", "my knee clicks"),
)
MODEL = "20261101-090000-sample.tar.gz"


@dataclass
class Batch:
    """Rows that are written together."""

    conversations: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    unanswered: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    # Conversations in which the form was gone through to its end.
    complete: list[int] = field(default_factory=list)


def fill(session: Session, count: int, account: Account | None = None, seed: int = 1) -> int:
    """Add ``count`` conversations of the last ten weeks, with handoffs; return how many messages.

    account: who has worked on some of them.

    Raises:
        SpinebotError: there are conversations already: samples must not mix with visitors.
    """
    if session.scalar(sa.select(Conversation.id).limit(1)):
        raise SpinebotError(
            "There are conversations already. Samples go into an empty database only: "
            "set SPINEBOT_DATA_DIR to a new folder."
        )
    chance = random.Random(seed)  # noqa: S311  nothing secret
    answers = _answers(session)
    said = _examples(set(answers))
    total, message_id = 0, 0
    complete: list[int] = []
    for start in range(1, count + 1, BATCH):
        batch = Batch()
        for conversation_id in range(start, min(start + BATCH, count + 1)):
            message_id = _talk(batch, conversation_id, message_id, chance, answers, said)
        _write(session, batch)
        total += len(batch.messages)
        complete += batch.complete
    _count_on(session)
    _people(session, chance, complete, account)
    return total


def _answers(session: Session) -> dict[str, tuple[str, int]]:
    """Return intent -> the answer's text and its revision."""
    newest = sa.select(sa.func.max(SectionRevision.id)).group_by(SectionRevision.section_id)
    rows = session.execute(
        sa.select(Question.intent, SectionRevision.body, SectionRevision.id)
        .join(Section, Section.id == Question.section_id)
        .join(SectionRevision, SectionRevision.section_id == Section.id)
        .where(SectionRevision.id.in_(newest))
    )
    found = {intent: (body, revision) for intent, body, revision in rows}
    if not found:
        raise SpinebotError("There are no articles: `spinebot articles load` first.")
    return found


def _examples(intents: set[str]) -> dict[str, list[str]]:
    """Return intent -> what visitors say, from the training data."""
    text = (ROOT / "data/nlu.yml").read_text(encoding="utf-8")
    entries = parse_yaml(text)["nlu"]
    return {
        entry["intent"]: [line[2:].strip() for line in entry["examples"].splitlines() if line]
        for entry in entries
        if entry.get("intent") in intents
    }


def _moment(chance: random.Random) -> datetime:
    """Return a time in the last weeks; evenings and Mondays are busier than nights."""
    while True:
        at = now() - timedelta(minutes=chance.randrange(1, WEEKS * 7 * 24 * 60))
        weight = {0: 1.0, 5: 0.5, 6: 0.6}.get(at.weekday(), 0.8)
        weight *= 0.15 if 5 <= at.hour <= 11 else 1.0 if at.hour < 5 or at.hour >= 22 else 0.6
        if chance.random() < weight:
            return at


class _Talk:
    """One conversation as it grows: what is said goes into the batch at once."""

    def __init__(
        self, batch: Batch, conversation_id: int, message_id: int, chance: random.Random
    ) -> None:
        """message_id: the last one that is taken."""
        self._batch, self._id, self._chance = batch, conversation_id, chance
        self.message_id, self._number = message_id, 0
        self._began = self._at = _moment(chance)
        self._offer: str | None = None

    def _add(self, sender: Sender, text: str, **more: Any) -> int:
        """Add a message; return its id."""
        self._number, self.message_id = self._number + 1, self.message_id + 1
        if more.pop("answered", False):
            more["answered_at"] = self._at
        visitor = sender is Sender.VISITOR
        self._at += timedelta(seconds=self._chance.randrange(8, 60) if visitor else 1)
        self._batch.messages.append(
            {
                **dict.fromkeys(_COLUMNS),
                "id": self.message_id,
                "conversation_id": self._id,
                "number": self._number,
                "sender": sender.value,
                "text": text,
                "created_at": self._at,
                **more,
            }
        )
        return self.message_id

    def question(self, answers: dict[str, tuple[str, int]], said: dict[str, list[str]]) -> None:
        """A question, and its answer or the bot's asking again."""
        chance = self._chance
        intent = chance.choice(sorted(said))
        sure = round(min(0.99, max(0.05, chance.betavariate(6, 2))), 3)
        understood: dict[str, Any] = {
            "intent": intent,
            "confidence": sure,
            "ranking": [{"name": intent, "confidence": sure}],
            "actions": ["action_answer_question"],
            "model": MODEL,
            "milliseconds": round(chance.lognormvariate(3.4, 0.4), 1),
        }
        if sure < 0.4:
            understood |= {"intent": "nlu_fallback", "actions": ["action_ask_again"]}
        words = chance.choice(said[intent])
        asked = self._add(Sender.VISITOR, words, **understood, answered=True)
        if sure < 0.4:
            self._add(Sender.BOT, clinic().say("trouble"), in_reply_to=self._number)
            if chance.random() < 0.3:
                self._leave_unanswered(asked, words)
            return
        text, revision = answers[intent]
        self._add(Sender.BOT, text, in_reply_to=self._number, section_revision_id=revision)
        if chance.random() < 0.12:
            self._rate()

    def _leave_unanswered(self, message_id: int, words: str) -> None:
        self._batch.unanswered.append(
            {
                "message_id": message_id,
                "conversation_id": self._id,
                "question": words,
                "ranking": [],
                "created_at": self._at,
            }
        )

    def _rate(self) -> None:
        helpful = self._chance.random() < 0.75
        reasons = ["not_my_question", "unclear", "too_long"]
        self._batch.feedback.append(
            {
                "conversation_id": self._id,
                "number": self._number,
                "helpful": helpful,
                "reason": None if helpful else self._chance.choice(reasons),
                "created_at": self._at,
            }
        )

    def offer(self) -> None:
        """The offer of the review, and its form, which some leave on the way."""
        offers = [None, "made", "declined", "accepted"]
        self._offer = self._chance.choices(offers, [30, 35, 15, 20])[0]
        if self._offer != "accepted":
            return
        for step, slot in enumerate(FORM_SLOTS, 1):
            question = {"type": "form", "slot": slot, "step": step, "steps": len(FORM_SLOTS)}
            self._add(Sender.BOT, clinic().say(f"ask_{slot}"), custom=question)
            if self._chance.random() < 0.06:
                return
            how = {"intent": "inform", "confidence": 0.9}
            self._add(Sender.VISITOR, f"[{slot}]", **how, answered=True)
        self._batch.complete.append(self._id)

    def outside(self) -> None:
        """Something that the bot does not answer."""
        intent, text = self._chance.choice(OUTSIDE)
        how = {"intent": intent, "confidence": 0.9, "model": MODEL}
        self._add(Sender.VISITOR, text, **how, answered=True)
        self._add(Sender.BOT, clinic().say("trouble"), in_reply_to=self._number)

    def emergency(self) -> None:
        """A red flag and its warning."""
        text = "I am numb between my legs and I can not pee"
        found = safety.check(text)
        asked = self._add(
            Sender.VISITOR,
            text,
            intent="report_emergency",
            confidence=1.0,
            actions=["red_flags"],
            answered=True,
        )
        warning = emergencies.reply(found)
        self._add(Sender.BOT, warning["text"], custom=warning["custom"])
        self._batch.findings += [
            {
                "conversation_id": self._id,
                "message_id": asked,
                "rule": each.rule,
                "action": each.action.value,
                "evidence": list(each.evidence),
                "created_at": self._at,
            }
            for each in found
        ]

    def end(self) -> None:
        """Add the conversation itself."""
        self._batch.conversations.append(
            {
                "id": self._id,
                "token_hash": f"sample-{self._id}",
                "owner": "bot",
                "page": f"https://www.clinic.example{self._chance.choice(PAGES)}",
                "language": "en",
                "created_at": self._began,
                "last_message_at": self._at,
                "last_number": self._number,
                "rasa_session": 1,
                "rasa_turns": 0,
                "memory": {"mri_offer": self._offer} if self._offer else {},
            }
        )


def _talk(
    batch: Batch,
    conversation_id: int,
    message_id: int,
    chance: random.Random,
    answers: dict[str, tuple[str, int]],
    said: dict[str, list[str]],
) -> int:
    """Add one conversation; return the last message's id."""
    talk = _Talk(batch, conversation_id, message_id, chance)
    for _ in range(min(1 + int(chance.expovariate(1 / 3.5)), 12)):
        talk.question(answers, said)
    talk.offer()
    if chance.random() < 0.06:
        talk.outside()
    # The first one for certain: every set of samples has one.
    if chance.random() < 0.02 or conversation_id == 1:
        talk.emergency()
    talk.end()
    return talk.message_id


_COLUMNS = (
    *("answered_at", "intent", "confidence", "ranking", "actions", "model", "milliseconds"),
    *("in_reply_to", "section_revision_id", "custom"),
)


def _write(session: Session, batch: Batch) -> None:
    for table, rows in (
        (Conversation, batch.conversations),
        (Message, batch.messages),
        (Finding, batch.findings),
        (Unanswered, batch.unanswered),
        (Feedback, batch.feedback),
    ):
        if rows:
            session.execute(sa.insert(table), rows)


def _count_on(session: Session) -> None:
    """PostgreSQL counts ids in sequences, which do not see those that were given."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in ("conversation", "message"):
        session.execute(
            sa.text(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
                f"(SELECT max(id) FROM {table}))"
            )
        )


def _people(
    session: Session, chance: random.Random, complete: list[int], account: Account | None
) -> None:
    """Add a handoff where the form was gone through, most of them worked on."""
    newest = sa.select(Conversation.id).order_by(Conversation.last_message_at.desc()).limit(4)
    calm = newest.where(Conversation.id.not_in(sa.select(Finding.conversation_id)))
    flagged = sa.select(Finding.conversation_id).order_by(Finding.created_at.desc()).limit(1)
    # Whatever day it is, these wait in the queue, one of them with a red flag.
    waiting = {*session.scalars(calm), *session.scalars(flagged)}
    ids = sorted({*complete[:MOST_HANDOFFS], *waiting})
    for place, conversation_id in enumerate(ids):
        conversation = session.get_one(Conversation, conversation_id)
        handoff = _handoff(session, chance, conversation, place)
        if account is None:
            continue
        if chance.random() < 0.5:
            reviews.mark(session, conversation, "reviewed", account.id)
        age = now() - handoff.created_at
        is_taken = age > timedelta(days=2) or chance.random() < 0.3
        if is_taken and conversation_id not in waiting:
            desk.claim(session, handoff.id, account)
            handoff.claimed_at = handoff.created_at + timedelta(minutes=chance.randrange(5, 400))
            if age > timedelta(days=1):
                result = chance.choice(["reached", "no answer", "left a message"])
                desk.attempt(session, handoff, account, "phone", result)
                handoff.first_attempt_at = handoff.claimed_at + timedelta(minutes=10)
            if age > timedelta(days=5):
                outcome = chance.choice([each for each in Outcome if each is not Outcome.DUPLICATE])
                desk.finish(session, handoff, account, outcome.value)
                handoff.done_at = handoff.claimed_at + timedelta(hours=chance.randrange(1, 60))


def _handoff(
    session: Session, chance: random.Random, conversation: Conversation, place: int
) -> Handoff:
    is_review = chance.random() < 0.7
    filled = {
        "handoff_reason": "mri_review" if is_review else "callback",
        "handoff_key": f"sample-{place}",
        "name": chance.choice(NAMES),
        "contact": f"+1202555{100 + place % 100:04d}",
        "best_time": chance.choice(["mornings", "after 3 pm", "any time"]),
        "consent": "yes",
        "confirmed": "yes",
    }
    if is_review:
        filled |= {"recent_mri": "yes", "mri_date": "last month", "pain_area": "low back"}
    consents = clinic().consent
    text = consents.mri_review if is_review else consents.callback
    handoff = handoffs.create(session, conversation.sender, filled, clinic().fill(text))
    handoff.created_at = handoff.consented_at = conversation.last_message_at
    session.flush()
    return handoff
