"""Staff: who they are, what they did, and what they think of conversations."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from spinebot.db import Base, Moment, Sealed, now


class Role(str, Enum):
    """What an account is for; what it may do stands in ``spinebot.accounts.RIGHTS``."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    DESK = "desk"
    TRAINER = "trainer"
    ADMIN = "admin"


class Account(Base):
    """A member of staff. Accounts are switched off, never deleted: the audit trail names them."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None] = mapped_column(Sealed)
    # The last time step whose code was used: a code counts once.
    totp_step: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    # A link that may be used once, to set a password.
    invite_hash: Mapped[str | None] = mapped_column(unique=True)
    invited_until: Mapped[datetime | None] = mapped_column(Moment)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def first_name(self) -> str:
        """The name that visitors see."""
        return self.name.split()[0]


class Login(Base):
    """A browser that an account is signed in with."""

    __tablename__ = "login"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    browser: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    seen_at: Mapped[datetime] = mapped_column(Moment, default=now)

    account: Mapped[Account] = relationship()


class AuditEntry(Base):
    """Something that somebody opened, revealed, exported, changed or deleted.

    Rows are only added, each with a hash over itself and the one before
    (``spinebot.audit``). It holds no health text and no contact.
    """

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    who: Mapped[str] = mapped_column(index=True)
    what: Mapped[str] = mapped_column(index=True)
    about: Mapped[str] = mapped_column(index=True)
    details: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)


class Review(Base):
    """What became of a conversation's review.

    number: the last message then; a conversation that went on is to be reviewed again.
    """

    __tablename__ = "review"

    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"), primary_key=True)
    state: Mapped[str]
    number: Mapped[int]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    at: Mapped[datetime] = mapped_column(Moment, default=now)


class Tag(Base):
    """A word that staff put on a conversation."""

    __tablename__ = "tag"

    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True, index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))


class Flag(Base):
    """A message that staff found fault with."""

    __tablename__ = "flag"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"), index=True)
    number: Mapped[int]
    reason: Mapped[str]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    at: Mapped[datetime] = mapped_column(Moment, default=now)


class Note(Base):
    """What staff tell one another about a conversation. Visitors never see it."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(sa.ForeignKey("conversation.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    text: Mapped[str] = mapped_column(Sealed)
    at: Mapped[datetime] = mapped_column(Moment, default=now)


class Mention(Base):
    """Somebody whom a note calls; ``seen_at`` is when they opened it."""

    __tablename__ = "mention"

    note_id: Mapped[int] = mapped_column(sa.ForeignKey("note.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("account.id"), primary_key=True, index=True
    )
    seen_at: Mapped[datetime | None] = mapped_column(Moment)


class SavedFilter(Base):
    """A set of filters that the team uses again."""

    __tablename__ = "saved_filter"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    query: Mapped[str]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))


class Correction(Base):
    """The trainers' inbox: a masked message, and what it should have been understood as."""

    __tablename__ = "correction"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("conversation.id"), index=True
    )
    number: Mapped[int | None]
    text: Mapped[str]
    context: Mapped[list[str]] = mapped_column(sa.JSON)
    understood_as: Mapped[str | None]
    should_be: Mapped[str]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    done_at: Mapped[datetime | None] = mapped_column(Moment)


class Judgement(Base):
    """An answer of the weekly sample, and whether staff found it right."""

    __tablename__ = "judgement"

    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id"), primary_key=True)
    week: Mapped[date] = mapped_column(index=True)
    is_right: Mapped[bool | None]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    at: Mapped[datetime | None] = mapped_column(Moment)


class ApiToken(Base):
    """A token with which the clinic's own systems read handoffs and conversations."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class Release(Base):
    """A model that somebody put live. outcome: what became of it; is_served: None until known."""

    __tablename__ = "release"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(index=True)
    previous: Mapped[str | None]
    who: Mapped[str]
    why: Mapped[str]
    figures: Mapped[dict[str, float]] = mapped_column(sa.JSON)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    outcome: Mapped[str | None]
    is_served: Mapped[bool | None]
