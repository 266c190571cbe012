"""Finding conversations: lists with filters, one conversation's last turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.errors import NotFoundError
from spinebot.models import (
    Conversation,
    Feedback,
    Finding,
    Flag,
    Handoff,
    Message,
    Note,
    Review,
    Sender,
    Tag,
    Unanswered,
)
from spinebot.reviews import search
from spinebot.reviews.filters import Filters, conditions, is_open

CONVERSATIONS_A_PAGE = 40
TURNS_SHOWN = 50


@dataclass
class Row:
    """A conversation in a list, with what is known of it."""

    conversation: Conversation
    opening: str = ""
    hits: list[tuple[int, str]] = field(default_factory=list)
    automatic: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    review: Review | None = None

    @property
    def state(self) -> str:
        """``open``, ``reviewed``, ``later``, or ``again`` where it went on after the review."""
        if self.review is None:
            return "open"
        went_on = self.review.number < self.conversation.last_number
        return "again" if went_on and self.review.state == "reviewed" else self.review.state


@dataclass
class Listed:
    """A page of a list. before: where the next begins; cut: the search stopped at its limit."""

    rows: list[Row]
    before: str | None
    cut: bool = False


def find_conversations(
    session: Session, filters: Filters, account_id: int, before: str = ""
) -> Listed:
    """Return the conversations that the filters leave, the newest activity first.

    The number of queries does not depend on how many there are.
    """
    query = sa.select(Conversation).where(Conversation.last_number > 0)
    query = query.where(*conditions(filters, account_id))
    hits, cut = search.hits(session, filters.q)
    if hits is not None:
        query = query.where(Conversation.id.in_(hits))
    if before:
        moment, number = _place(before)
        query = query.where(
            sa.tuple_(Conversation.last_message_at, Conversation.id)
            < sa.tuple_(sa.literal(moment, Conversation.last_message_at.type), sa.literal(number))
        )
    query = query.order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
    found = list(session.scalars(query.limit(CONVERSATIONS_A_PAGE + 1)))
    shown = found[:CONVERSATIONS_A_PAGE]
    following = None
    if len(found) > CONVERSATIONS_A_PAGE:
        following = f"{shown[-1].last_message_at.isoformat()}|{shown[-1].id}"
    rows = {each.id: Row(each) for each in shown}
    _fill(session, rows)
    if hits is not None and search.words_of(filters.q):
        for conversation_id, number, text in search.snippets(session, filters.q, list(rows)):
            rows[conversation_id].hits.append((number, text))
    return Listed(list(rows.values()), following, cut)


def _place(before: str) -> tuple[datetime, int]:
    try:
        moment, number = before.split("|")
        return datetime.fromisoformat(moment), int(number)
    except ValueError:
        raise NotFoundError("That page of the list does not exist. Begin at its start.") from None


def _fill(session: Session, rows: dict[int, Row]) -> None:
    """Add to each row what other tables know of it: one query a table."""
    ids = list(rows)
    first = sa.select(Message.conversation_id, Message.text).where(
        Message.conversation_id.in_(ids), Message.number == 1
    )
    for conversation_id, text in session.execute(first):
        rows[conversation_id].opening = text
    for words, query in _automatic_tags(ids).items():
        for found in session.scalars(query):
            rows[found].automatic.append(words)
    tags = sa.select(Tag.conversation_id, Tag.name).where(Tag.conversation_id.in_(ids))
    for conversation_id, name in session.execute(tags.order_by(Tag.name)):
        rows[conversation_id].tags.append(name)
    for review in session.scalars(sa.select(Review).where(Review.conversation_id.in_(ids))):
        rows[review.conversation_id].review = review


def _automatic_tags(ids: Sequence[int]) -> dict[str, Any]:
    """The tags that a conversation has by what happened in it, the weightiest first."""

    def having(table: Any, *conditions: Any) -> Any:
        where = (table.conversation_id.in_(ids), *conditions)
        return sa.select(table.conversation_id).where(*where).distinct()

    return {
        "red flag": having(Finding),
        "handoff": having(Handoff),
        "unanswered": having(Unanswered),
        "asked again": having(Message, Message.intent == "nlu_fallback"),
        "not helpful": having(Feedback, ~Feedback.helpful),
        "helpful": having(Feedback, Feedback.helpful),
        "staff": having(Message, Message.sender == Sender.STAFF.value),
        "flagged": having(Flag),
        "note": having(Note),
    }


def get(session: Session, conversation_id: int) -> Conversation:
    """Return a conversation.

    Raises:
        NotFoundError: there is none.
    """
    found = session.get(Conversation, conversation_id)
    if found is None:
        raise NotFoundError("There is no such conversation: it was deleted, or never was.")
    return found


def row_of(session: Session, conversation: Conversation) -> Row:
    """Return what a list would show of one conversation."""
    row = Row(conversation)
    _fill(session, {conversation.id: row})
    return row


def messages_until(
    session: Session, conversation: Conversation, last: int | None = None
) -> list[Message]:
    """Return the last 50 turns up to the message ``last`` (None: the newest), in order."""
    end = conversation.last_number if last is None else last
    found = session.scalars(
        sa.select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.number <= end,
            Message.number > end - 2 * TURNS_SHOWN,
        )
        .order_by(Message.number)
    )
    return list(found)


def next_unreviewed(session: Session, besides: int | None = None) -> int | None:
    """Return the conversation with the newest activity that nobody has reviewed or put off."""
    query = sa.select(Conversation.id).where(
        Conversation.last_number > 0, Conversation.trial.is_(None), is_open()
    )
    if besides is not None:
        query = query.where(Conversation.id != besides)
    return session.scalar(query.order_by(Conversation.last_message_at.desc()).limit(1))
