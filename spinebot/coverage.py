"""What the articles cover: questions nobody asks, answers that do not help, where none is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import now
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

WEEKS = 12
LEAST_RATINGS = 3
SHOWN = 10


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


def questions(session: Session) -> list[Covered]:
    """Return every question with how often it was asked in twelve weeks and how it was rated."""
    since = now() - timedelta(weeks=WEEKS)
    asked = dict[str, int]()
    for intent, count in session.execute(
        sa.select(Message.intent, sa.func.count(sa.distinct(Message.conversation_id)))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.last_message_at >= since,
            Conversation.trial.is_(None),
            Message.intent.is_not(None),
        )
        .group_by(Message.intent)
    ):
        asked[intent or ""] = count
    rated = dict[tuple[int, bool], int]()
    for section, helpful, count in session.execute(
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
    ):
        rated[section, helpful] = count
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
