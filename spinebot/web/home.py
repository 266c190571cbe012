"""What the widget shows before and beside the conversation; none of it needs Rasa."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from spinebot import articles, emergencies, events, safety
from spinebot.clinic import WidgetTexts, clinic
from spinebot.db import now, reading, writing
from spinebot.language.messages import clean
from spinebot.models import Question, Section
from spinebot.web.bodies import Body

router = APIRouter(prefix="/api", tags=["home"])

LANGUAGES = ("en", "es")
LONGEST_MESSAGE = 500  # characters; the bot would read more, but nobody asks it better
MOST_RESULTS = 8
MOST_STARTERS = 6


class WidgetClinic(BaseModel):
    """The clinic, as the widget names it."""

    name: str
    phone: str
    phone_link: str


class Hours(BaseModel):
    """When staff are there. The moments are in UTC, for the visitor's own time zone."""

    text: str
    open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    timezone: str
    reply: str


class WidgetSettings(BaseModel):
    """What the widget needs before it says anything."""

    version: int
    languages: list[str]
    language: str
    clinic: WidgetClinic
    title: str
    greeting: str
    notice: str
    placeholder: str
    unreachable: str
    starters: list[str]
    colors: dict[str, str]
    hours: Hours
    consent: str
    limit: int


class Shown(BaseModel):
    """A section of an article, with its source."""

    title: str
    article_title: str
    section_title: str
    body: str
    footnotes: list[str]
    url: str
    review: str


class Topic(BaseModel):
    """Questions of one topic, in the order of the files."""

    title: str
    questions: list[Shown]


class Topics(BaseModel):
    """All questions by topic; ``top`` are the titles of those that are offered first."""

    topics: list[Topic]
    top: list[str]


class Found(BaseModel):
    """What the search found; an emergency in the words comes before all results."""

    results: list[Shown]
    emergency: dict[str, Any] | None = None


class Event(Body):
    """Something was done in the widget."""

    name: Literal["opened", "sent", "answered", "button", "link", "feedback", "search"]


@router.get("/widget")
async def widget(
    response: Response,
    language: Annotated[str, Query(max_length=20)] = "en",
    topic: Annotated[str, Query(max_length=80)] = "",
) -> WidgetSettings:
    """What the widget needs before it says anything. topic: an article's or its topic's slug."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return await to_thread.run_sync(_widget, language, topic)


@router.get("/topics")
async def topics(request: Request) -> Response:
    """Every question that an article answers, with the answer."""
    body = (await to_thread.run_sync(_topics)).model_dump_json()
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:20]}"'
    headers = {"Cache-Control": "public, max-age=300", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.get("/search")
async def search(q: Annotated[str, Query(min_length=1, max_length=200)]) -> Found:
    """Search the articles. Works without Rasa."""
    return await to_thread.run_sync(_search, clean(q))


@router.post("/events", status_code=204)
async def event(body: Event) -> None:
    """Count something that was done: by day, without text, without a visitor."""
    await to_thread.run_sync(_count, body.name)


def _widget(language: str, topic: str) -> WidgetSettings:
    entries = clinic()
    language = language[:2].lower() if language[:2].lower() in LANGUAGES else "en"
    own = entries.widget_es if language == "es" else entries.widget
    texts = {name: entries.fill(getattr(own, name)) for name in WidgetTexts.model_fields}
    with reading() as session:
        starters = _starters(session, topic) or list(
            articles.question_titles(session, entries.starters).values()
        )
    is_open, changes = entries.opening.turns(now())
    moment = changes.astimezone(timezone.utc) if changes else None
    return WidgetSettings(
        version=2,
        languages=list(LANGUAGES),
        language=language,
        clinic=WidgetClinic(name=entries.name, phone=entries.phone, phone_link=entries.phone_link),
        starters=starters,
        colors=entries.colors.model_dump(),
        hours=Hours(
            text=entries.hours,
            open=is_open,
            opens_at=None if is_open else moment,
            closes_at=moment if is_open else None,
            timezone=entries.opening.timezone,
            reply=entries.fill(entries.reply_time),
        ),
        consent=entries.fill(entries.consent.callback),
        limit=LONGEST_MESSAGE,
        **texts,
    )


def _starters(session: Session, topic: str) -> list[str]:
    """Return the first questions of an article or a topic; none where nobody knows it."""
    if not topic:
        return []
    found = [
        (question, section)
        for question, section in _questions(session)
        if topic in {section.article.slug, section.article.topic}
    ]
    return [question.title for question, _ in found[:MOST_STARTERS]]


def _questions(session: Session) -> list[tuple[Question, Section]]:
    rows = session.execute(
        sa.select(Question, Section)
        .join(Question.section)
        .join(Section.article)
        .where(Section.retired_at.is_(None))
        .order_by(Section.article_id, Section.position)
    )
    return [(question, section) for question, section in rows]


def _topics() -> Topics:
    with reading() as session:
        by_topic: dict[str, list[Shown]] = {}
        for question, section in _questions(session):
            shown = _shown(session, section.id, question.intent, question.title)
            if shown:
                by_topic.setdefault(section.article.topic, []).append(shown)
        top = list(articles.question_titles(session, clinic().starters).values())
    return Topics(
        topics=[
            Topic(title=name[:1].upper() + name[1:].replace("-", " "), questions=questions)
            for name, questions in sorted(by_topic.items())
        ],
        top=top,
    )


def _shown(session: Session, section_id: int, intent: str, title: str = "") -> Shown | None:
    answer = articles.answer_of(session, section_id, intent)
    if answer is None:
        return None
    custom = answer.custom(clinic().footnotes_of(answer.body))
    return Shown(
        title=title or answer.section_title,
        article_title=answer.article_title,
        section_title=answer.section_title,
        body=answer.body,
        footnotes=custom["footnotes"],
        url=custom["url"],
        review=custom["review"],
    )


def _search(text: str) -> Found:
    flags = safety.check(text)
    if flags:
        reply = emergencies.reply(flags)
        calls = {"calls": reply["custom"]["calls"], "action": reply["custom"]["action"]}
        return Found(results=[], emergency={"text": reply["text"], **calls})
    with reading() as session:
        hits = articles.nearest(session, text, MOST_RESULTS)
        found = [_shown(session, hit.section_id, "") for hit in hits]
    return Found(results=[each for each in found if each])


def _count(name: str) -> None:
    with writing() as session:
        events.count(session, name, now().date())
