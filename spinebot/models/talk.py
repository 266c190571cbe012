"""Conversations: what was said, what was understood of it, and what visitors think of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from spinebot.db import Base, Moment, Sealed, now


class Owner(str, Enum):
    """Who answers in a conversation."""

    BOT = "bot"
    STAFF = "staff"


class Conversation(Base):
    """A visitor's conversation. The id is for us; only the token gives a visitor access."""

    __tablename__ = "conversation"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str] = mapped_column(default=Owner.BOT.value)
    # Which member of staff, while the owner is staff, and when they were last seen there.
    staff_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    staff_seen_at: Mapped[datetime | None] = mapped_column(Moment)
    page: Mapped[str] = mapped_column(index=True)
    # Of the widget's own texts, as the visitor's browser or the page asked for.
    language: Mapped[str] = mapped_column(default="en", server_default="en")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    last_message_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    last_number: Mapped[int] = mapped_column(default=0)
    # Rasa's tracker is working memory: a new session forgets it, `memory` is carried over.
    rasa_session: Mapped[int] = mapped_column(default=1)
    rasa_turns: Mapped[int] = mapped_column(default=0)
    memory: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    # A tester's (`Trial`): it counts in no statistics and teaches nothing. Empty for visitors.
    trial: Mapped[str | None] = mapped_column(index=True)

    @property
    def sender(self) -> str:
        """The name under which Rasa knows the conversation's present session."""
        return f"{self.id}.{self.rasa_session}"


class Sender(str, Enum):
    """Who said a message."""

    VISITOR = "visitor"
    BOT = "bot"
    STAFF = "staff"
    NOTE = "note"


class Message(Base):
    """One message, numbered within its conversation from 1 without gaps.

    ``text`` has personal data masked; ``original`` holds what was really said, sealed, where the
    two differ.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.UniqueConstraint("conversation_id", "number"),
        sa.UniqueConstraint("conversation_id", "key"),
        sa.Index("ix_message_intent_conversation_id", "intent", "conversation_id"),
        sa.Index("ix_message_confidence_conversation_id", "confidence", "conversation_id"),
        sa.Index("ix_message_model_conversation_id", "model", "conversation_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"))
    number: Mapped[int]
    sender: Mapped[str]
    text: Mapped[str]
    original: Mapped[str | None] = mapped_column(Sealed)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)

    # A visitor's message: the widget's key for it, the button behind it, what became of it.
    key: Mapped[str | None]
    payload: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    intent: Mapped[str | None]
    confidence: Mapped[float | None]
    ranking: Mapped[list[dict[str, Any]] | None] = mapped_column(sa.JSON)
    entities: Mapped[list[dict[str, Any]] | None] = mapped_column(sa.JSON)
    actions: Mapped[list[str] | None] = mapped_column(sa.JSON)
    model: Mapped[str | None]
    milliseconds: Mapped[float | None]

    # A reply: the number of the message it answers, what goes with it, and where it came from.
    in_reply_to: Mapped[int | None]
    buttons: Mapped[list[dict[str, str]] | None] = mapped_column(sa.JSON)
    custom: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    section_revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("section_revision.id"))

    @property
    def said(self) -> str:
        """The text as it was said, unmasked."""
        return self.text if self.original is None else self.original


class Feedback(Base):
    """What a visitor thinks of an answer, or of the whole conversation; the last word counts."""

    __tablename__ = "feedback"

    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"), primary_key=True)
    # The number of the message; 0 is the conversation as a whole.
    number: Mapped[int] = mapped_column(primary_key=True)
    helpful: Mapped[bool]
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class EventCount(Base):
    """How often something was done in the widget on a day (UTC): no text, no visitor."""

    __tablename__ = "event_count"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


class Finding(Base):
    """A red flag that was met in a message."""

    __tablename__ = "finding"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"), index=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id"))
    rule: Mapped[str]
    action: Mapped[str]
    evidence: Mapped[list[str]] = mapped_column(sa.JSON)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Unanswered(Base):
    """A question that no section answers: what to write next, for whoever keeps the articles."""

    __tablename__ = "unanswered"

    id: Mapped[int] = mapped_column(primary_key=True)
    # A message is at most one such question, however often its turn is stored.
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id"), unique=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"), index=True)
    # Masked like the message's text.
    question: Mapped[str]
    ranking: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)
    # What the search found nearest, shown or not; empty where nothing came near.
    section_id: Mapped[int | None] = mapped_column(sa.ForeignKey("section.id"))
    score: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
