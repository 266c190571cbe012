"""The trainers' work: messages that are labelled, articles asked for, models tried out."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from spinebot.db import Base, Moment, now


class Label(Base):
    """What a member of staff says that a message should be understood as; the last word counts.

    intent: empty where the message should teach nothing.
    """

    __tablename__ = "label"
    __table_args__ = (sa.UniqueConstraint("message_id", "account_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    intent: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment, default=now)


class Decision(Base):
    """What became of a labelled message: it is an example of ``intent`` now, or (empty) none.

    batch: what was decided with one press of a button, and is undone with one; text: the example
    in the trainer's words; change_id: the change of the training data, where there was one.
    """

    __tablename__ = "decision"

    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id"), primary_key=True)
    intent: Mapped[str]
    text: Mapped[str]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    batch: Mapped[str] = mapped_column(index=True)
    change_id: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(Moment, default=now)


class ArticleRequest(Base):
    """A question that no article answers yet, and that somebody wants one for."""

    __tablename__ = "article_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str]
    sentences: Mapped[list[str]] = mapped_column(sa.JSON)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    at: Mapped[datetime] = mapped_column(Moment, default=now)
    done_at: Mapped[datetime | None] = mapped_column(Moment)


class Trial(str, Enum):
    """Which model a tester's conversation talks to."""

    LIVE = "live"
    CANDIDATE = "candidate"


class TrialLink(Base):
    """A link for a guest who tries the bot out; what is said there counts in no statistics."""

    __tablename__ = "trial_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    trial: Mapped[str]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    expires_at: Mapped[datetime] = mapped_column(Moment)
