"""Finds the section that answers a question, in its wording of today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from spinebot.models import Article, Question, Section, SectionRevision


@dataclass(frozen=True)
class Answer:
    """An answer: a section's reviewed wording, its source, and what one may ask next."""

    intent: str
    body: str
    article: str
    article_title: str
    section: str
    section_title: str
    revision: int
    reviewed_on: date | None
    review: str
    next_questions: list[tuple[str, str]]
    offer_mri_review: bool

    @property
    def url(self) -> str:
        """The address of the section on the article's page, without the host."""
        return f"/articles/{self.article}#{self.section}"

    def text(self, public_url: str, footnotes: Iterable[str], advice: str | None = None) -> str:
        """Return the whole answer as plain text: advice, wording, footnotes, source, link.

        advice: what must be said before the answer, as where the question is about an emergency.
        """
        source = (
            f"Source: {self.article_title} / {self.section_title} "
            f"({self.review}) {public_url}{self.url}"
        )
        return "\n\n".join([*([advice] if advice else []), self.body, *footnotes, source])

    def custom(self, footnotes: Iterable[str]) -> dict[str, Any]:
        """Return the answer's parts, for a channel that shows them its own way."""
        return {
            "type": "answer",
            "intent": self.intent,
            "body": self.body,
            "footnotes": list(footnotes),
            "article": self.article,
            "article_title": self.article_title,
            "section": self.section,
            "section_title": self.section_title,
            "url": self.url,
            "revision": self.revision,
            "reviewed_on": self.reviewed_on.isoformat() if self.reviewed_on else None,
            "review": self.review[:1].upper() + self.review[1:],
        }


def answer(session: Session, intent: str) -> Answer | None:
    """Return the answer to ``intent``, or None where no section in force answers it."""
    section = session.scalar(
        sa.select(Section)
        .join(Question, Question.section_id == Section.id)
        .where(Question.intent == intent, Section.retired_at.is_(None))
        .options(joinedload(Section.article))
    )
    if section is None:
        return None
    revision = newest_revision(session, section)
    titles = question_titles(session, section.next_intents)
    return Answer(
        intent=intent,
        body=revision.body,
        article=section.article.slug,
        article_title=section.article.title,
        section=section.slug,
        section_title=revision.heading,
        revision=revision.id,
        reviewed_on=revision.reviewed_on,
        review=review_line(revision),
        next_questions=list(titles.items()),
        offer_mri_review=section.offer_mri_review,
    )


def newest_revision(session: Session, section: Section) -> SectionRevision:
    """Return the section's wording in force, without reading all that came before it."""
    return session.scalars(
        sa.select(SectionRevision)
        .where(SectionRevision.section_id == section.id)
        .order_by(SectionRevision.number.desc())
        .limit(1)
    ).one()


def question_titles(session: Session, intents: Iterable[str]) -> dict[str, str]:
    """Return intent -> the question as a visitor would put it, in the order of ``intents``."""
    wanted = list(intents)
    rows = session.execute(
        sa.select(Question.intent, Question.title).where(Question.intent.in_(wanted))
    )
    titles: dict[str, str] = {row.intent: row.title for row in rows}
    return {intent: titles[intent] for intent in wanted if intent in titles}


def review_line(wording: SectionRevision | Article) -> str:
    """Return who reviewed the wording and when, or honestly that nobody has."""
    if wording.reviewed_on:
        return f"reviewed {long_date(wording.reviewed_on)} by {wording.reviewed_by}"
    return f"clinical review pending; written {long_date(wording.written_on)}"


def long_date(day: date) -> str:
    """Return a date as people write it: 3 May 2026."""
    return f"{day.day} {day:%B %Y}"
