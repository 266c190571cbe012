"""The tables. One noun a class; statuses are plain text; every time is UTC."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from spinebot.db import Base, Moment, Sealed, now


class Article(Base):
    """An article of the knowledge base: the index of one file under ``knowledge/``."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    topic: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str]
    opening: Mapped[str]
    written_on: Mapped[date]
    reviewed_by: Mapped[str]
    reviewed_on: Mapped[date | None]
    review_due: Mapped[date]
    sources: Mapped[list[dict[str, str]]] = mapped_column(sa.JSON)
    # An article whose file is gone is no longer shown, but what was said of it stays readable.
    retired_at: Mapped[datetime | None] = mapped_column(Moment)

    sections: Mapped[list[Section]] = relationship(
        back_populates="article", order_by="Section.position"
    )


class Section(Base):
    """A part of an article that can stand alone as an answer."""

    __tablename__ = "section"
    __table_args__ = (sa.UniqueConstraint("article_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(sa.ForeignKey("article.id"))
    slug: Mapped[str]
    position: Mapped[int]
    facts: Mapped[list[str]] = mapped_column(sa.JSON)
    next_intents: Mapped[list[str]] = mapped_column(sa.JSON)
    offer_mri_review: Mapped[bool]
    # What must have been said for this section to answer in place of the plain one; empty: plain.
    when: Mapped[dict[str, list[str]]] = mapped_column(sa.JSON, default=dict, server_default="{}")
    retired_at: Mapped[datetime | None] = mapped_column(Moment)

    article: Mapped[Article] = relationship(back_populates="sections")
    revisions: Mapped[list[SectionRevision]] = relationship(
        back_populates="section", order_by="SectionRevision.number"
    )

    @property
    def revision(self) -> SectionRevision:
        """The wording in force."""
        return self.revisions[-1]


class SectionRevision(Base):
    """One wording of a section. Rows are only ever added: what was shown stays as it was."""

    __tablename__ = "section_revision"
    __table_args__ = (sa.UniqueConstraint("section_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    section_id: Mapped[int] = mapped_column(sa.ForeignKey("section.id"))
    number: Mapped[int]
    heading: Mapped[str]
    body: Mapped[str]
    reviewed_by: Mapped[str]
    reviewed_on: Mapped[date | None]
    written_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    # For the search: vectors of the wording (`spinebot.articles.vectors`), and of which encoder.
    # Made from the wording; the only columns that may be written anew.
    vectors: Mapped[bytes | None] = mapped_column(deferred=True)
    encoder: Mapped[str | None] = mapped_column(deferred=True)

    section: Mapped[Section] = relationship(back_populates="revisions")


class Question(Base):
    """An intent, its plain section, and the question as a visitor would put it."""

    __tablename__ = "question"

    intent: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    section_id: Mapped[int] = mapped_column(sa.ForeignKey("section.id"))

    section: Mapped[Section] = relationship()


class Variant(Base):
    """A section that answers an intent in place of the plain one, when its `when` is met."""

    __tablename__ = "variant"

    intent: Mapped[str] = mapped_column(primary_key=True)
    section_id: Mapped[int] = mapped_column(sa.ForeignKey("section.id"), primary_key=True)
    title: Mapped[str]
    # The order of the files: of two that fit equally well, the first answers.
    position: Mapped[int]


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
    page: Mapped[str]
    # Of the widget's own texts, as the visitor's browser or the page asked for.
    language: Mapped[str] = mapped_column(default="en", server_default="en")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    last_message_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    last_number: Mapped[int] = mapped_column(default=0)
    # Rasa's tracker is working memory: a new session forgets it, `memory` is carried over.
    rasa_session: Mapped[int] = mapped_column(default=1)
    rasa_turns: Mapped[int] = mapped_column(default=0)
    memory: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)

    @property
    def sender(self) -> str:
        """The name under which Rasa knows the conversation's present session."""
        return f"{self.id}.{self.rasa_session}"


class Sender(str, Enum):
    """Who said a message."""

    VISITOR = "visitor"
    BOT = "bot"
    STAFF = "staff"


class Message(Base):
    """One message, numbered within its conversation from 1 without gaps.

    ``text`` has personal data masked; ``original`` holds what was really said, sealed, where the
    two differ.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.UniqueConstraint("conversation_id", "number"),
        sa.UniqueConstraint("conversation_id", "key"),
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
    intent: Mapped[str | None] = mapped_column(index=True)
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


class HandoffStatus(str, Enum):
    """Where a handoff stands."""

    NEW = "new"


class Handoff(Base):
    """A visitor who left contact details, for staff to take over. Contact data are sealed."""

    __tablename__ = "handoff"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    # Rasa's name of the session, also from tools that talk to Rasa directly.
    sender: Mapped[str] = mapped_column(index=True)
    conversation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("conversation.id"))
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(default=HandoffStatus.NEW.value, index=True)
    name: Mapped[str] = mapped_column(Sealed)
    phone: Mapped[str | None] = mapped_column(Sealed)
    email: Mapped[str | None] = mapped_column(Sealed)
    best_time: Mapped[str | None] = mapped_column(Sealed)
    recent_mri: Mapped[str | None]
    mri_date: Mapped[str | None] = mapped_column(Sealed)
    pain_area: Mapped[str | None] = mapped_column(Sealed)
    # What the visitor wrote beside the form's questions.
    message: Mapped[str | None] = mapped_column(Sealed)
    # The action of the red flag that was met in it, if any: such a handoff comes first.
    red_flag: Mapped[str | None]
    consent_text: Mapped[str]
    consented_at: Mapped[datetime] = mapped_column(Moment)
    # The same form sent twice is one handoff.
    key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class HandoffChange(Base):
    """Who changed a handoff's status, when, from what, to what."""

    __tablename__ = "handoff_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    handoff_id: Mapped[int] = mapped_column(sa.ForeignKey("handoff.id"), index=True)
    changed_at: Mapped[datetime] = mapped_column(Moment, default=now)
    changed_by: Mapped[str]
    old_status: Mapped[str | None]
    new_status: Mapped[str]
