"""Finds the section that answers a question, in its wording of today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from spinebot.articles.cases import Case, Choice, Said, choose, is_case
from spinebot.models import Article, Question, Section, SectionRevision, Variant


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
    # What the visitor said that made this section answer in place of the plain one: kind -> value.
    because: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The section's name among all sections: article and section."""
        return f"{self.article}#{self.section}"

    @property
    def url(self) -> str:
        """The address of the section on the article's page, without the host."""
        return f"/articles/{self.place}"

    def text(self, public_url: str, footnotes: Iterable[str], advice: str | None = None) -> str:
        """Return the whole answer as plain text: advice, wording, footnotes, source, link.

        advice: what must be said before the answer, as where the question is about an emergency.
        """
        source = (
            f"Source: {self.article_title} / {self.section_title} "
            f"({self.review}) {public_url}{self.url}"
        )
        return "\n\n".join([*([advice] if advice else []), self.body, *footnotes, source])

    def reference(self) -> dict[str, Any]:
        """Return what the answer is and where it stands, without its wording."""
        return {
            "intent": self.intent,
            "because": dict(self.because),
            "article": self.article,
            "article_title": self.article_title,
            "section": self.section,
            "section_title": self.section_title,
            "url": self.url,
        }

    def custom(self, footnotes: Iterable[str]) -> dict[str, Any]:
        """Return the answer's parts, for a channel that shows them its own way."""
        return {
            "type": "answer",
            **self.reference(),
            "body": self.body,
            "footnotes": list(footnotes),
            "revision": self.revision,
            "reviewed_on": self.reviewed_on.isoformat() if self.reviewed_on else None,
            "review": self.review[:1].upper() + self.review[1:],
        }


def answer(
    session: Session, intent: str, said: Said | None = None, remembered: Said | None = None
) -> Answer | None:
    """Return the answer to ``intent``, or None where no section in force answers it.

    said: what the visitor says of themselves in this message (``cases.said_in``);
    remembered: what they said before. A section for their case wins over the plain one.
    """
    choice: Choice | None = None
    if said or remembered:
        choice = choose(_cases(session, intent), said or {}, remembered or {})
    if choice is not None:
        return _answer(session, intent, Section.id == choice.section_id, choice.because)
    plain = sa.select(Question.section_id).where(Question.intent == intent).scalar_subquery()
    return _answer(session, intent, Section.id == plain, {})


def answer_of(session: Session, section_id: int, intent: str) -> Answer | None:
    """Return a section as an answer, or None where it is not in force.

    intent: what the message was understood as; the section need not be an answer to it.
    """
    return _answer(session, intent, Section.id == section_id, {})


def following(session: Session, place: str, intent: str, said: Said) -> Iterator[Answer]:
    """Yield the sections behind one of an article, in the article's order.

    place: ``article#section``, as ``Answer.place`` gives it; intent: as in ``answer_of``.
    said: what the visitor said of themselves; a section for another case is left out.
    """
    article, _, slug = place.partition("#")
    rows = session.execute(
        sa.select(Section.id, Section.slug, Section.when)
        .join(Section.article)
        .where(Article.slug == article, Section.retired_at.is_(None))
        .order_by(Section.position)
    ).all()
    slugs = [row.slug for row in rows]
    begin = slugs.index(slug) + 1 if slug in slugs else 0
    for row in rows[begin:]:
        found = answer_of(session, row.id, intent) if is_case(row.when, said) else None
        if found is not None:
            yield found


def _cases(session: Session, intent: str) -> list[Case]:
    rows = session.execute(
        sa.select(Section.id, Section.when)
        .join(Variant, Variant.section_id == Section.id)
        .where(Variant.intent == intent, Section.retired_at.is_(None))
        .order_by(Variant.position)
    )
    return [Case(section_id, when) for section_id, when in rows]


def _answer(
    session: Session, intent: str, which: sa.ColumnElement[bool], because: Mapping[str, str]
) -> Answer | None:
    found = session.execute(
        sa.select(Section, SectionRevision)
        .join(SectionRevision, is_in_force())
        .join(Section.article)
        .options(contains_eager(Section.article))
        .where(which)
    ).first()
    if found is None:
        return None
    section, revision = found
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
        because=because,
    )


def is_in_force() -> sa.ColumnElement[bool]:
    """Return the condition that joins a section in force with its wording in force."""
    newest = (
        sa.select(sa.func.max(SectionRevision.number))
        .where(SectionRevision.section_id == Section.id)
        .correlate(Section)
        .scalar_subquery()
    )
    return sa.and_(
        SectionRevision.section_id == Section.id,
        SectionRevision.number == newest,
        Section.retired_at.is_(None),
    )


def newest_revision(session: Session, section: Section) -> SectionRevision:
    """Return the section's wording in force, without reading all that came before it."""
    return session.scalars(
        sa.select(SectionRevision)
        .where(SectionRevision.section_id == section.id)
        .order_by(SectionRevision.number.desc())
        .limit(1)
    ).one()


def question_titles(
    session: Session, intents: Iterable[str], besides: int | None = None
) -> dict[str, str]:
    """Return intent -> the question as a visitor would put it, in the order of ``intents``.

    besides: a section whose own questions are left out: it is shown already.
    """
    wanted = list(intents)
    asked = sa.select(Question.intent, Question.title).where(Question.intent.in_(wanted))
    if besides is not None:
        asked = asked.where(Question.section_id != besides)
    titles: dict[str, str] = {row.intent: row.title for row in session.execute(asked)}
    return {intent: titles[intent] for intent in wanted if intent in titles}


def review_line(wording: SectionRevision | Article) -> str:
    """Return who reviewed the wording and when, or honestly that nobody has."""
    if wording.reviewed_on:
        return f"reviewed {long_date(wording.reviewed_on)} by {wording.reviewed_by}"
    return f"clinical review pending; written {long_date(wording.written_on)}"


def long_date(day: date) -> str:
    """Return a date as people write it: 3 May 2026."""
    return f"{day.day} {day:%B %Y}"
