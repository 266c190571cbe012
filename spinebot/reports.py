"""How the bot and the desk do, by week. A conversation belongs to the week of its last message.

Every figure is a count of conversations (or handoffs) that a condition picks out, so that the list
behind it can be shown with the same filter.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import working_time
from spinebot.clinic import clinic
from spinebot.db import now
from spinebot.models import (
    Conversation,
    Feedback,
    Finding,
    Handoff,
    Judgement,
    Message,
    Question,
    Sender,
    Unanswered,
)
from spinebot.reviews import is_resolved

SAMPLE = 25
TOP = 15
FORM_SLOTS = ("name", "contact", "best_time", "recent_mri", "mri_date", "pain_area", "consent")
OFFERED = ("pending", "made", "accepted", "declined")


@dataclass(frozen=True)
class Weeks:
    """Consecutive weeks on the clinic's clocks; ``starts`` are their Mondays, oldest first."""

    starts: tuple[date, ...]

    @classmethod
    def until_now(cls, count: int) -> Weeks:
        """Return the last ``count`` weeks, the present one included."""
        today = now().astimezone(_zone()).date()
        monday = today - timedelta(days=today.weekday())
        return cls(tuple(monday - timedelta(weeks=back) for back in reversed(range(count))))

    @property
    def bounds(self) -> list[datetime]:
        """When each week begins, and when the last one ends."""
        days = [*self.starts, self.starts[-1] + timedelta(weeks=1)]
        return [datetime.combine(day, datetime.min.time(), _zone()) for day in days]

    def index(self, column: Any) -> sa.ColumnElement[int]:
        """An expression for the place of a moment's week."""
        ends = self.bounds[1:]
        return sa.case(*[(column < end, place) for place, end in enumerate(ends)], else_=-1)

    def within(self, column: Any) -> sa.ColumnElement[bool]:
        """The condition that a moment lies in one of the weeks."""
        return sa.and_(column >= self.bounds[0], column < self.bounds[-1])


def _zone() -> ZoneInfo:
    return ZoneInfo(clinic().opening.timezone)


@dataclass(frozen=True)
class Measure:
    """Something that is counted. filters: how the list shows the same conversations."""

    name: str
    title: str
    definition: str
    filters: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All weeks together."""
        return sum(self.counts)


def _of_visitors(weeks: Weeks) -> sa.ColumnElement[bool]:
    """The condition that a conversation was last used in one of the weeks, and not by a tester."""
    return sa.and_(weeks.within(Conversation.last_message_at), Conversation.trial.is_(None))


def _exists(table: Any, *conditions: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(table.conversation_id == Conversation.id, *conditions)


# Name, title, definition, the list's filters, and the condition, of each measure.
_MEASURES: tuple[tuple[str, str, str, str, sa.ColumnElement[bool]], ...] = (
    ("conversations", "Conversations", "A visitor wrote at least once.", "", sa.true()),
    (
        "resolved",
        "Resolved by the bot",
        "An article was shown; no unanswered question, no handoff, no red flag, no staff in the "
        "chat, and nothing was rated as not helpful.",
        "resolved=yes",
        is_resolved(),
    ),
    (
        "fallback",
        "Asked again",
        "At least one message was not understood well enough to be answered.",
        "intent=nlu_fallback",
        _exists(Message, Message.intent == "nlu_fallback"),
    ),
    (
        "out_of_scope",
        "Out of scope",
        "At least one message was about something that the bot does not answer: costs, doses, "
        "diagnoses, scans, other body parts, ...",
        "intent=out_of_scope*",
        _exists(Message, Message.intent.startswith("out_of_scope")),
    ),
    (
        "unanswered",
        "Unanswered question",
        "At least one question that no article answers.",
        "unanswered=yes",
        _exists(Unanswered),
    ),
    ("red_flag", "Red flag", "A red flag was met.", "red_flag=yes", _exists(Finding)),
    ("handoff", "Handoff", "The visitor left contact details.", "handoff=yes", _exists(Handoff)),
    (
        "helpful",
        "Rated helpful",
        "An answer or the chat was rated as helpful.",
        "feedback=helpful",
        _exists(Feedback, Feedback.helpful),
    ),
    (
        "unhelpful",
        "Rated not helpful",
        "An answer or the chat was rated as not helpful.",
        "feedback=unhelpful",
        _exists(Feedback, ~Feedback.helpful),
    ),
)


def measures(session: Session, weeks: Weeks) -> list[Measure]:
    """Count conversations by week: one query a measure."""
    found = []
    for name, title, definition, filters, condition in _MEASURES:
        week = weeks.index(Conversation.last_message_at).label("week")
        rows = session.execute(
            sa.select(week, sa.func.count())
            .where(_of_visitors(weeks), Conversation.last_number > 0, condition)
            .group_by(week)
        )
        counts = {place: count for place, count in rows}  # noqa: C416  rows are not pairs to mypy
        by_week = tuple(counts.get(place, 0) for place in range(len(weeks.starts)))
        found.append(Measure(name, title, definition, filters, by_week))
    return found


@dataclass(frozen=True)
class Report:
    """Everything of a page of reports, and when it was counted (seconds of work: ``took``)."""

    weeks: Weeks
    made_at: datetime
    took: float
    measures: list[Measure]
    funnel: list[Step]
    outcomes: list[tuple[str, int]]
    times: Times
    heat: list[list[int]]
    questions: list[tuple[str, str, int]]
    unanswered: list[tuple[int, str]]


def make(session: Session, weeks: Weeks) -> Report:
    """Count everything. Every message of these weeks is read: with a million, that is seconds."""
    began = time.monotonic()
    return Report(
        weeks=weeks,
        made_at=now(),
        measures=measures(session, weeks),
        funnel=funnel(session, weeks),
        outcomes=outcomes(session, weeks),
        times=desk_times(session, weeks),
        heat=heat_map(session, weeks),
        questions=top_questions(session, weeks),
        unanswered=[
            (each.conversation_id, each.question) for each in unanswered_questions(session, weeks)
        ],
        took=time.monotonic() - began,
    )


@dataclass(frozen=True)
class Step:
    """A step of the funnel, and how many conversations came that far."""

    title: str
    count: int


def funnel(session: Session, weeks: Weeks) -> list[Step]:
    """Return how many conversations came how far, from the offer of the review to the outcome."""
    inside = (_of_visitors(weeks), Conversation.last_number > 0)
    offer = Conversation.memory["mri_offer"].as_string()

    def count(*conditions: Any) -> int:
        query = sa.select(sa.func.count(Conversation.id)).where(*inside, *conditions)
        return session.scalar(query) or 0

    slot = Message.custom["slot"].as_string().label("slot")
    asked = session.execute(
        sa.select(slot, sa.func.count(sa.distinct(Message.conversation_id)))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(*inside, Message.custom["type"].as_string() == "form")
        .group_by(slot)
    )
    by_slot = {name: number for name, number in asked}  # noqa: C416  as above
    steps = [Step("MRI review offered", count(offer.in_(OFFERED)))]
    steps.append(Step("offer accepted", count(offer == "accepted")))
    steps += [
        Step(f"form asked: {name.replace('_', ' ')}", by_slot.get(name, 0)) for name in FORM_SLOTS
    ]
    steps.append(Step("sent", count(_exists(Handoff))))
    tried = Handoff.first_attempt_at.is_not(None)
    steps.append(Step("contacted", count(_exists(Handoff, tried))))
    steps.append(Step("closed", count(_exists(Handoff, Handoff.done_at.is_not(None)))))
    return steps


def outcomes(session: Session, weeks: Weeks) -> list[tuple[str, int]]:
    """Return what became of the handoffs that were closed in these weeks."""
    rows = session.execute(
        sa.select(Handoff.outcome, sa.func.count())
        .where(weeks.within(Handoff.done_at))
        .group_by(Handoff.outcome)
        .order_by(sa.func.count().desc())
    )
    return [(outcome or "", count) for outcome, count in rows]


@dataclass(frozen=True)
class Times:
    """Medians in working hours by week; None where there was nothing to measure."""

    first_response: tuple[float | None, ...]
    resolution: tuple[float | None, ...]


def desk_times(session: Session, weeks: Weeks) -> Times:
    """Return how long visitors waited for the first attempt, and for the end."""
    opening = clinic().opening
    first: list[list[float]] = [[] for _ in weeks.starts]
    whole: list[list[float]] = [[] for _ in weeks.starts]
    rows = session.execute(
        sa.select(
            weeks.index(Handoff.created_at),
            Handoff.created_at,
            Handoff.first_attempt_at,
            Handoff.done_at,
        ).where(weeks.within(Handoff.created_at))
    )
    for week, created, attempted, done in rows:
        for moment, kept in ((attempted, first), (done, whole)):
            if moment is not None:
                hours = working_time.between(opening, created, moment) / timedelta(hours=1)
                kept[week].append(hours)

    def middle(found: list[list[float]]) -> tuple[float | None, ...]:
        return tuple(round(median(each), 1) if each else None for each in found)

    return Times(middle(first), middle(whole))


def heat_map(session: Session, weeks: Weeks) -> list[list[int]]:
    """Return visitors' messages by weekday (Monday first) and hour on the clinic's clocks."""
    if session.get_bind().dialect.name == "postgresql":
        hour: Any = sa.func.to_char(
            sa.func.timezone("UTC", Message.created_at), "YYYY-MM-DD HH24:00:00"
        )
    else:
        hour = sa.func.strftime("%Y-%m-%d %H:00:00", Message.created_at)
    rows = session.execute(
        sa.select(hour, sa.func.count())
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(_of_visitors(weeks), Message.sender == Sender.VISITOR.value)
        .group_by(hour)
    )
    grid = [[0] * 24 for _ in range(7)]
    for text, count in rows:
        at = datetime.fromisoformat(f"{text}+00:00").astimezone(_zone())
        grid[at.weekday()][at.hour] += count
    return grid


def top_questions(session: Session, weeks: Weeks) -> list[tuple[str, str, int]]:
    """Return the questions asked most: intent, title, in how many conversations."""
    count = sa.func.count(sa.distinct(Message.conversation_id))
    rows = session.execute(
        sa.select(Message.intent, Question.title, count)
        .join(Question, Question.intent == Message.intent)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(_of_visitors(weeks))
        .group_by(Message.intent, Question.title)
        .order_by(count.desc(), Message.intent)
        .limit(TOP)
    )
    return [(intent or "", title, number) for intent, title, number in rows]


def unanswered_questions(session: Session, weeks: Weeks) -> Sequence[Unanswered]:
    """Return the newest questions that no article answers."""
    return session.scalars(
        sa.select(Unanswered)
        .where(weeks.within(Unanswered.created_at))
        .order_by(Unanswered.id.desc())
        .limit(TOP)
    ).all()


def sample(session: Session, week: date) -> list[Judgement]:
    """Return the answers of a week that are to be judged, 25 at most; drawn once, the same for all.

    A week that has not ended has none: its sample would not be of the whole week.
    """
    known = session.scalars(
        sa.select(Judgement).where(Judgement.week == week).order_by(Judgement.message_id)
    ).all()
    one = Weeks((week,))
    if known or one.bounds[-1] > now():
        return list(known)
    ids = session.scalars(
        sa.select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.trial.is_(None),
            Conversation.last_message_at >= one.bounds[0],
            Message.created_at >= one.bounds[0],
            Message.created_at < one.bounds[-1],
            Message.section_revision_id.is_not(None),
        )
        .order_by(Message.id)
    ).all()
    # Seeded with the week: drawn twice at the same moment, it is the same sample.
    drawn = random.Random(week.isoformat()).sample(list(ids), min(SAMPLE, len(ids)))  # noqa: S311
    found = [Judgement(message_id=each, week=week) for each in sorted(drawn)]
    session.add_all(found)
    session.flush()
    return found


def judge(session: Session, message_id: int, is_right: bool, account_id: int) -> None:
    """Keep whether an answer of a sample was right."""
    session.execute(
        sa.update(Judgement)
        .where(Judgement.message_id == message_id)
        .values(is_right=is_right, account_id=account_id, at=now())
    )


def interval(right: int, judged: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson's score, without correction)."""
    if not judged:
        return 0.0, 1.0
    z, share = 1.959964, right / judged
    middle = share + z * z / (2 * judged)
    spread = z * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    scale = 1 + z * z / judged
    # Rounding must not push a bound beyond what a share can be.
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def judged(samples: Sequence[Judgement]) -> tuple[int, int]:
    """Return how many of a sample are right, and how many were judged."""
    counts = Counter(each.is_right for each in samples)
    return counts[True], counts[True] + counts[False]
