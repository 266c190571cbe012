"""What the articles cover: questions nobody asks, answers that do not help, where none is found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.clinic import clinic
from spinebot.db import now
from spinebot.language.intent_names import is_from_articles
from spinebot.models import (
    Article,
    Conversation,
    Feedback,
    Message,
    Question,
    Section,
    SectionRevision,
    Unanswered,
    Variant,
)
from spinebot.training import examples, likeness

WEEKS = 12
LEAST_RATINGS = 3
SHOWN = 10
MOST_CLUSTERED = 600  # questions; more are not read one by one anyway


@dataclass(frozen=True)
class Covered:
    """A question with its answer, and how it did. shown, helpful, unhelpful: counts."""

    intent: str
    title: str
    article: str
    section: str
    asked: int
    helpful: int
    unhelpful: int

    @property
    def is_unhelpful(self) -> bool:
        """More say that it does not help than that it does."""
        enough = self.helpful + self.unhelpful >= LEAST_RATINGS
        return enough and self.unhelpful > self.helpful


def _asked(session: Session) -> dict[str, int]:
    """Return intent -> in how many conversations it was asked in the last weeks."""
    rows = session.execute(
        sa.select(Message.intent, sa.func.count(sa.distinct(Message.conversation_id)))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.last_message_at >= now() - timedelta(weeks=WEEKS),
            Conversation.trial.is_(None),
            Message.intent.is_not(None),
        )
        .group_by(Message.intent)
    )
    return {intent or "": count for intent, count in rows}


def _rated(session: Session) -> dict[tuple[int, bool], int]:
    """Return (section, whether helpful) -> how often it was rated so."""
    rows = session.execute(
        sa.select(SectionRevision.section_id, Feedback.helpful, sa.func.count())
        .join(Message, Message.section_revision_id == SectionRevision.id)
        .join(
            Feedback,
            sa.and_(
                Feedback.conversation_id == Message.conversation_id,
                Feedback.number == Message.number,
            ),
        )
        .group_by(SectionRevision.section_id, Feedback.helpful)
    )
    return {(section, helpful): count for section, helpful, count in rows}


def questions(session: Session) -> list[Covered]:
    """Return every question with how often it was asked in twelve weeks and how it was rated."""
    asked, rated = _asked(session), _rated(session)
    rows = session.execute(
        sa.select(Question.intent, Question.title, Article.slug, Section.slug, Section.id)
        .join(Section, Section.id == Question.section_id)
        .join(Article, Article.id == Section.article_id)
        .order_by(Question.intent)
    )
    return [
        Covered(
            intent,
            title,
            article,
            section,
            asked.get(intent, 0),
            rated.get((section_id, True), 0),
            rated.get((section_id, False), 0),
        )
        for intent, title, article, section, section_id in rows
    ]


def silent_sections(session: Session) -> list[tuple[str, str]]:
    """Return articles and sections that answer no question: they are only read on their pages."""
    answering = sa.union(sa.select(Question.section_id), sa.select(Variant.section_id))
    rows = session.execute(
        sa.select(Article.slug, Section.slug)
        .join(Section, Section.article_id == Article.id)
        .where(
            Article.retired_at.is_(None),
            Section.retired_at.is_(None),
            Section.id.not_in(answering),
        )
        .order_by(Article.slug, Section.position)
    )
    return [(article, section) for article, section in rows]


def intents_without_answer(session: Session) -> list[str]:
    """Return question intents that are taught and that no section answers."""
    answered = set(session.scalars(sa.select(Question.intent)))
    taught = filter(is_from_articles, examples.intents())
    return [name for name in taught if name not in answered]


def nearest_to_unanswered(session: Session) -> list[tuple[str, str, int, str]]:
    """Return the sections nearest to unanswered questions: article, section, how many, the newest.

    A section that stands here often is where an answer is missing.
    """
    count, newest = sa.func.count(), sa.func.max(Unanswered.id)
    groups = (
        sa.select(Unanswered.section_id, count.label("count"), newest.label("newest"))
        .where(Unanswered.section_id.is_not(None))
        .group_by(Unanswered.section_id)
        .order_by(count.desc())
        .limit(SHOWN)
        .subquery()
    )
    rows = session.execute(
        sa.select(Article.slug, Section.slug, groups.c.count, Unanswered.question)
        .join(Section, Section.id == groups.c.section_id)
        .join(Article, Article.id == Section.article_id)
        .join(Unanswered, Unanswered.id == groups.c.newest)
        .order_by(groups.c.count.desc(), Article.slug)
    )
    return [(article, section, number, question) for article, section, number, question in rows]


@dataclass(frozen=True)
class Asked:
    """What visitors asked in a week and no article answers, those together that say the same.

    nearest: article and section that come nearest, where something does.
    """

    week: date
    questions: list[str]
    nearest: tuple[str, str] | None


def unanswered_by_week(session: Session, weeks: int = 4) -> list[Asked]:
    """Return clusters of unanswered questions of the last weeks: newest week, largest first."""
    zone = ZoneInfo(clinic().opening.timezone)
    today = now().astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    first = datetime.combine(monday - timedelta(weeks=weeks - 1), datetime.min.time(), zone)
    rows = session.execute(
        sa.select(
            Unanswered.question, Unanswered.created_at, Unanswered.score, Article.slug, Section.slug
        )
        .outerjoin(Section, Section.id == Unanswered.section_id)
        .outerjoin(Article, Article.id == Section.article_id)
        .where(Unanswered.created_at >= first)
        .order_by(Unanswered.id.desc())
        .limit(MOST_CLUSTERED)
    ).all()
    by_week: dict[date, list[Any]] = defaultdict(list)
    for row in rows:
        day = row.created_at.astimezone(zone).date()
        by_week[day - timedelta(days=day.weekday())].append(row)
    found = []
    for week in sorted(by_week, reverse=True):
        asked = by_week[week]
        for places in likeness.clusters([row.question for row in asked])[:SHOWN]:
            own = [asked[place] for place in places]
            near = max(own, key=lambda row: row.score or 0.0)
            nearest = (near[3], near[4]) if near[3] else None
            found.append(Asked(week, [row.question for row in own], nearest))
    return found
