"""Reading and reviewing conversations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query, Request, Response
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from spinebot import audit, desk, reviews
from spinebot import conversations as said
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.models import (
    Account,
    Article,
    Conversation,
    Feedback,
    Finding,
    Flag,
    Handoff,
    Message,
    Question,
    SavedFilter,
    Section,
    SectionRevision,
)
from spinebot.reviews import FLAG_REASONS, FOUND, FOUND_END, Filters, ReviewError
from spinebot.training import changes, stories
from spinebot.web.console.auth import HOME, Staff, act, allow, page, safe_back, see
from spinebot.web.pages import templates

router = APIRouter(prefix="/console/conversations", include_in_schema=False)
Reader = Annotated[Staff, allow(Right.READ)]
Reviewer = Annotated[Staff, allow(Right.REVIEW)]
Corrector = Annotated[Staff, allow(Right.CORRECT)]
Exporter = Annotated[Staff, allow(Right.EXPORT)]
Text = Annotated[str, Form()]


def _found(text: str) -> Markup:
    """Return an excerpt with what was found marked."""
    safe = str(escape(text))
    marked = safe.replace(FOUND, "<mark>").replace(FOUND_END, "</mark>")
    return Markup(marked)  # noqa: S704  escaped above


templates.env.filters["found"] = _found


@router.get("")
def conversations(
    request: Request,
    staff: Reader,
    filters: Annotated[Filters, Query()],
    before: str = "",
) -> Response:
    """The list."""
    with reading() as session:
        listed = reviews.find_conversations(session, filters, staff.id, before)
        saved = session.scalars(sa.select(SavedFilter).order_by(SavedFilter.name)).all()
        intents = session.scalars(sa.select(Question.intent).order_by(Question.intent)).all()
        tags = reviews.tag_names(session)
        mentions = reviews.unseen_mentions(session, staff.id)
    return page(
        *(request, "conversations.html", staff),
        listed=listed,
        filters=filters,
        query=urlencode(filters.given),
        saved=saved,
        intents=intents,
        tags=tags,
        mentions=mentions,
    )


@router.post("/filters")
def save_filter(staff: Reviewer, name: Text = "", query: Text = "") -> Response:
    """Keep the filters of this moment for the team."""
    name = name.strip()[:60]
    if not name:
        return see(f"{HOME}?{query}", "Give the filters a name.")
    with writing() as session:
        known = session.scalar(sa.select(SavedFilter).where(SavedFilter.name == name))
        if known is None:
            session.add(SavedFilter(name=name, query=query[:2000], account_id=staff.id))
        else:
            known.query = query[:2000]
    return see(f"{HOME}?{query}", f"Saved as {name}.")


@router.post("/filters/{filter_id}/delete")
def delete_filter(staff: Reviewer, filter_id: int) -> Response:
    """Delete saved filters."""
    with writing() as session:
        session.execute(sa.delete(SavedFilter).where(SavedFilter.id == filter_id))
    return see(HOME)


@router.get("/next")
def next_unreviewed(
    staff: Reader, besides: int | None = None, marked: int | None = None
) -> Response:
    """Go to the next conversation that nobody has reviewed.

    marked: the conversation that was marked a moment ago; there it can be taken back.
    """
    with reading() as session:
        found = reviews.next_unreviewed(session, besides)
    if found is None:
        return see(HOME, "Everything is reviewed.")
    return see(f"{HOME}/{found}" + (f"?marked={marked}" if marked else ""))


@router.get("/{conversation_id}")
def conversation(
    request: Request,
    staff: Reader,
    conversation_id: int,
    until: int | None = None,
    reveal: str = "",
    back: str = HOME,
    marked: int | None = None,
) -> Response:
    """One conversation, from its last 50 turns. marked: the one that was marked before it."""
    is_revealed = bool(reveal) and staff.may("REVEAL")
    what = "revealed" if is_revealed else "opened"
    with writing() as session:
        found = reviews.get(session, conversation_id)
        audit.record(session, staff.email, what, f"conversation {conversation_id}")
        reviews.see_mentions(session, found, staff.id)
        content = _content(session, found, until, is_revealed)
        content["canned"] = desk.canned_replies(session)
        content["key"] = uuid4().hex
        before = session.get(Conversation, marked) if marked else None
        content["marked"] = reviews.row_of(session, before) if before else None
    return page(request, "conversation.html", staff, back=safe_back(back), **content)


def _content(
    session: Any, found: Conversation, until: int | None, is_revealed: bool
) -> dict[str, Any]:
    messages = reviews.messages_until(session, found, until)
    flags: dict[int, list[Flag]] = defaultdict(list)
    for each in session.scalars(sa.select(Flag).where(Flag.conversation_id == found.id)):
        flags[each.number].append(each)
    findings: dict[int, list[Finding]] = defaultdict(list)
    for finding in said.findings_of(session, found.id):
        findings[finding.message_id].append(finding)
    ratings = session.scalars(sa.select(Feedback).where(Feedback.conversation_id == found.id))
    owner = session.get(Account, found.staff_id) if found.staff_id else None
    return {
        "conversation": found,
        "row": reviews.row_of(session, found),
        "messages": messages,
        "is_revealed": is_revealed,
        "flags": flags,
        "findings": findings,
        "ratings": {each.number: each for each in ratings},
        "sources": _sources(session, messages),
        "notes": reviews.notes_of(session, found),
        "handoffs": list(
            session.scalars(sa.select(Handoff).where(Handoff.conversation_id == found.id))
        ),
        "owner": owner,
        "reasons": FLAG_REASONS,
        "intents": list(session.scalars(sa.select(Question.intent).order_by(Question.intent))),
        "tags": reviews.tag_names(session),
        "earlier": messages[0].number - 1 if messages and messages[0].number > 1 else None,
    }


def _sources(session: Any, messages: list[Message]) -> dict[int, tuple[str, str, int]]:
    """Return revision -> article's slug, section's slug, number of the wording."""
    shown = {each.section_revision_id for each in messages if each.section_revision_id}
    rows = session.execute(
        sa.select(SectionRevision.id, Article.slug, Section.slug, SectionRevision.number)
        .join(Section, Section.id == SectionRevision.section_id)
        .join(Article, Article.id == Section.article_id)
        .where(SectionRevision.id.in_(shown))
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _act(
    staff: Staff,
    conversation_id: int,
    what: str,
    do_it: Callable[[Session, Conversation], Any],
    done: str = "",
) -> Response:
    """Do something to a conversation, keep it in the audit trail, and show the conversation."""

    def do(session: Session, _account: Account) -> str:
        do_it(session, reviews.get(session, conversation_id))
        return done

    place, about = f"{HOME}/{conversation_id}", f"conversation {conversation_id}"
    return act(staff, place, what, do, about)


@router.post("/{conversation_id}/mark")
def mark(staff: Reviewer, conversation_id: int, state: Text, then: Text = "") -> Response:
    """Reviewed, for later, or open again; ``then`` next goes on to the next unreviewed one."""
    response = _act(
        *(staff, conversation_id, f"marked {state}"),
        lambda session, found: reviews.mark(session, found, state, staff.id),
        {"reviewed": "Reviewed.", "later": "Put off for later.", "open": "Open again."}.get(
            state, ""
        ),
    )
    if then != "next":
        return response
    return see(f"{HOME}/next?besides={conversation_id}&marked={conversation_id}")


@router.post("/{conversation_id}/tags")
def tag(staff: Reviewer, conversation_id: int, name: Text = "", remove: Text = "") -> Response:
    """Put a tag on, or take one off."""
    if remove:
        return _act(
            *(staff, conversation_id, "took a tag off"),
            lambda session, found: reviews.untag(session, found, remove),
        )
    return _act(
        *(staff, conversation_id, "put a tag on"),
        lambda session, found: reviews.tag(session, found, name, staff.id),
    )


@router.post("/{conversation_id}/notes")
def note(staff: Reviewer, conversation_id: int, text: Text = "") -> Response:
    """Write a note."""
    return _act(
        *(staff, conversation_id, "wrote a note"),
        lambda session, found: reviews.write_note(session, found, text, staff.id),
    )


@router.post("/{conversation_id}/messages/{number}/flag")
def flag(
    staff: Reviewer, conversation_id: int, number: int, reason: Text = "", remove: Text = ""
) -> Response:
    """Flag a message, or take a flag off."""
    if remove.isdecimal():
        return _act(
            *(staff, conversation_id, f"unflagged message {number}"),
            lambda session, found: reviews.unflag(session, found, int(remove)),
        )
    return _act(
        *(staff, conversation_id, f"flagged message {number}"),
        lambda session, found: reviews.flag(session, found, number, reason, staff.id),
    )


@router.post("/{conversation_id}/messages/{number}/correct")
def correct(staff: Corrector, conversation_id: int, number: int, should_be: Text = "") -> Response:
    """Put a message into the trainers' inbox."""
    return _act(
        *(staff, conversation_id, f"corrected message {number}"),
        lambda session, found: reviews.correct(session, found, number, should_be, staff.id),
        "It is in the trainers' inbox.",
    )


@router.get("/{conversation_id}/messages/{number}/test")
def as_test(staff: Exporter, conversation_id: int, number: int) -> Response:
    """A conversation test as a file."""
    try:
        with writing() as session:
            found = reviews.as_test(session, reviews.get(session, conversation_id), number)
            about = f"conversation {conversation_id}"
            audit.record(session, staff.email, "exported a test", about)
    except ReviewError as error:
        return see(f"{HOME}/{conversation_id}", str(error))
    name = f"test_conversation_{conversation_id}_{number}.yml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    text = stories.with_story("", *found)
    return Response(text, media_type="application/yaml", headers=headers)


@router.post("/{conversation_id}/messages/{number}/test")
def save_test(staff: Corrector, conversation_id: int, number: int) -> Response:
    """Keep the conversation up to there among the project's conversation tests."""
    name = ""

    def keep(session: Any, found: Conversation) -> None:
        nonlocal name
        name, steps = reviews.as_test(session, found, number)
        with changes.change(f"Save {name} as a test", staff.email) as writer:
            known = writer.read(stories.SAVED)
            if f"- story: {name}\n" in known:
                raise ReviewError("It is among the tests already.")
            writer.write(stories.SAVED, stories.with_story(known, name, steps))

    return _act(
        *(staff, conversation_id, f"saved message {number} as a test", keep),
        f"It is a test now, in {stories.SAVED}: every model must go through it.",
    )
