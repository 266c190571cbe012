"""Loads articles into the tables. Loading twice changes nothing; a wording is never overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.articles.files import ArticleFile, SectionFile
from spinebot.articles.vectors import Vectors, add_vectors
from spinebot.db import now
from spinebot.models import Article, Question, Section, SectionRevision, Variant


@dataclass(frozen=True)
class Loaded:
    """What a load did: counts."""

    articles: int
    sections: int
    new_revisions: int
    retired: int

    def __str__(self) -> str:
        return (
            f"{self.articles} articles, {self.sections} sections; "
            f"{self.new_revisions} new wordings, {self.retired} retired"
        )


@dataclass
class _Answering:
    """Which section answers which intent, in file order."""

    # intent -> title and section of the plain answer
    plain: dict[str, tuple[str, Section]] = field(default_factory=dict)
    # intent, title and section of the answers for a case
    variants: list[tuple[str, str, Section]] = field(default_factory=list)

    def add(self, part: SectionFile, section: Section) -> None:
        for intent, title in part.front.answers.items():
            if part.front.when:
                self.variants.append((intent, title, section))
            else:
                self.plain[intent] = (title, section)


def load(
    session: Session, articles: Sequence[ArticleFile], vectors: Vectors | None = None
) -> Loaded:
    """Make the tables say what the files say; keep what they said before as revisions.

    vectors: what ``make_vectors`` gave for the search; what is missing in it is made here.

    Raises:
        SpinebotError: the sentence encoder, which the search needs, is not there.
    """
    known = {article.slug: article for article in session.scalars(sa.select(Article))}
    new_revisions = sections = 0
    answering = _Answering()
    for file in articles:
        article = known.pop(file.slug, None) or Article(slug=file.slug)
        session.add(article)
        _describe(article, file)
        new_revisions += _load_sections(article, file, answering)
        sections += len(file.sections)
    retired = sum(_retire(article) for article in known.values())
    session.flush()
    _replace_questions(session, answering.plain)
    _replace_variants(session, answering.variants)
    add_vectors(session, vectors)
    return Loaded(len(articles), sections, new_revisions, retired)


def _describe(article: Article, file: ArticleFile) -> None:
    front = file.front
    article.topic, article.title, article.summary = file.topic, front.title, front.summary
    article.opening = file.opening
    article.written_on, article.review_due = front.written_on, front.review_due
    article.reviewed_by, article.reviewed_on = front.reviewed_by, front.reviewed_on
    article.sources = [{"title": source.title, "url": source.url} for source in front.sources]
    article.retired_at = None


def _load_sections(article: Article, file: ArticleFile, answering: _Answering) -> int:
    known = {section.slug: section for section in article.sections}
    new_revisions = 0
    for position, part in enumerate(file.sections):
        section = known.pop(part.front.slug, None)
        if section is None:
            section = Section(slug=part.front.slug)
            article.sections.append(section)
        section.position = position
        section.facts, section.next_intents = list(part.front.facts), list(part.front.next)
        section.offer_mri_review = part.front.offer_mri_review
        section.when = dict(part.front.when)
        section.retired_at = None
        new_revisions += _revise(section, part, article)
        answering.add(part, section)
    for section in known.values():
        section.retired_at = section.retired_at or now()
    return new_revisions


def _revise(section: Section, part: SectionFile, article: Article) -> int:
    """Add a revision if anything that a visitor sees has changed; return how many were added."""
    shown = (part.heading, part.body, article.reviewed_by, article.reviewed_on, article.written_on)
    if section.revisions:
        last = section.revision
        if shown == (
            last.heading,
            last.body,
            last.reviewed_by,
            last.reviewed_on,
            last.written_on,
        ):
            return 0
    heading, body, reviewed_by, reviewed_on, written_on = shown
    section.revisions.append(
        SectionRevision(
            number=len(section.revisions) + 1,
            heading=heading,
            body=body,
            reviewed_by=reviewed_by,
            reviewed_on=reviewed_on,
            written_on=written_on,
        )
    )
    return 1


def _retire(article: Article) -> int:
    if article.retired_at:
        return 0
    article.retired_at = now()
    for section in article.sections:
        section.retired_at = section.retired_at or now()
    return 1


def _replace_questions(session: Session, questions: dict[str, tuple[str, Section]]) -> None:
    kept = {question.intent: question for question in session.scalars(sa.select(Question))}
    for intent, (title, section) in questions.items():
        question = kept.pop(intent, None) or Question(intent=intent)
        question.title, question.section_id = title, section.id
        session.add(question)
    for question in kept.values():
        session.delete(question)


def _replace_variants(session: Session, variants: Sequence[tuple[str, str, Section]]) -> None:
    kept = {(each.intent, each.section_id): each for each in session.scalars(sa.select(Variant))}
    for position, (intent, title, section) in enumerate(variants):
        key = (intent, section.id)
        variant = kept.pop(key, None) or Variant(intent=intent, section_id=section.id)
        variant.title, variant.position = title, position
        session.add(variant)
    for variant in kept.values():
        session.delete(variant)
