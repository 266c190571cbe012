"""The articles as trainers need them: brought into the database, searched, and asked for."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import articles
from spinebot.articles import Answer, Loaded
from spinebot.db import now, reading, writing
from spinebot.models import Account, Article, ArticleRequest, Question, Section
from spinebot.training.changes import project

# Trainers look further than visitors are shown.
FLOOR, SEARCHED = 0.2, 10


@dataclass(frozen=True)
class Place:
    """A section that may answer a question, and the questions that it answers already."""

    name: str
    heading: str
    answers: list[str]


def load() -> Loaded:
    """Load the project's articles into the database.

    Raises:
        ArticleError: an article has faults; the database is as it was.
    """
    files = articles.read_articles(project() / "knowledge")
    with reading() as session:
        vectors = articles.make_vectors(session, files)
    with writing() as session:
        return articles.load(session, files, vectors)


def sections_near(session: Session, text: str) -> list[Place]:
    """Return the sections nearest to a question; those for a certain case are left out."""
    if not text.strip():
        return []
    found = []
    for hit in articles.nearest(session, text, SEARCHED, floor=FLOOR):
        answer = articles.answer_of(session, hit.section_id, "")
        if answer is None or session.get_one(Section, hit.section_id).when:
            continue
        titles = sa.select(Question.title).where(Question.section_id == hit.section_id)
        heading = f"{answer.article_title}: {answer.section_title}"
        found.append(Place(hit.place, heading, list(session.scalars(titles))))
    return found


def answer_at(session: Session, place: str, intent: str) -> Answer | None:
    """Return a section, ``<article>#<section>``, as the answer to an intent, as it is in force."""
    article, _, slug = place.partition("#")
    section_id = session.scalar(
        sa.select(Section.id)
        .join(Article, Article.id == Section.article_id)
        .where(Article.slug == article, Section.slug == slug, Section.retired_at.is_(None))
    )
    return articles.answer_of(session, section_id, intent) if section_id else None


def answered(session: Session) -> dict[str, tuple[str, str, str]]:
    """Return intent -> the question on its button, the article and the section that answer it."""
    rows = session.execute(
        sa.select(Question.intent, Question.title, Article.slug, Section.slug)
        .join(Section, Section.id == Question.section_id)
        .join(Article, Article.id == Section.article_id)
    )
    return {intent: (title, article, section) for intent, title, article, section in rows}


def ask_for(session: Session, question: str, sentences: list[str], account_id: int) -> None:
    """Ask for an article that answers a question; sentences: what visitors say."""
    session.add(
        ArticleRequest(question=question[:300], sentences=sentences[:50], account_id=account_id)
    )


def wanted(session: Session) -> list[tuple[ArticleRequest, str]]:
    """Return the articles that are asked for, with who asked, the newest first."""
    rows = session.execute(
        sa.select(ArticleRequest, Account.name)
        .join(Account, Account.id == ArticleRequest.account_id)
        .where(ArticleRequest.done_at.is_(None))
        .order_by(ArticleRequest.id.desc())
    )
    return [(request, name) for request, name in rows]


def deal_with(session: Session, request_id: int) -> None:
    """Take a request off the list: the article is there, or not wanted any more."""
    session.execute(
        sa.update(ArticleRequest).where(ArticleRequest.id == request_id).values(done_at=now())
    )
