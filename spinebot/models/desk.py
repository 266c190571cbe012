"""Handoffs: visitors who left contact details, and what staff do about them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from spinebot.db import Base, Moment, Sealed, now


class HandoffStatus(str, Enum):
    """Where a handoff stands."""

    NEW = "new"
    CLAIMED = "claimed"
    CONTACTED = "contacted"
    WAITING = "waiting"  # for the patient
    DONE = "done"


class Outcome(str, Enum):
    """What became of a handoff that is done."""

    REACHED = "reached"
    SENT_MRI = "sent_mri"
    BOOKED = "booked"
    NOT_SUITABLE = "not_suitable"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    WRONG_NUMBER = "wrong_number"
    DUPLICATE = "duplicate"


class Handoff(Base):
    """A visitor who left contact details, for staff to take over.

    The contact is a table of its own: a list that does not show it does not load it.
    """

    __tablename__ = "handoff"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    # Rasa's name of the session, also from tools that talk to Rasa directly.
    sender: Mapped[str] = mapped_column(index=True)
    conversation_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("conversation.id"), index=True
    )
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(default=HandoffStatus.NEW.value, index=True)
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
    # Who works on it, and since when; the first attempt; the end of it.
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    first_attempt_at: Mapped[datetime | None] = mapped_column(Moment)
    snoozed_until: Mapped[datetime | None] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    outcome: Mapped[str | None]
    # When staff were told a second time, because nobody had claimed it.
    escalated_at: Mapped[datetime | None] = mapped_column(Moment)
    # The handoff of the same person that this one was joined to.
    joined_to_id: Mapped[int | None] = mapped_column(sa.ForeignKey("handoff.id"))

    contact: Mapped[Contact] = relationship(cascade="all, delete-orphan", uselist=False)


class Contact(Base):
    """How to reach the visitor of a handoff, sealed.

    ``phone_key`` and ``email_key`` find the same person again without opening anything: they are
    made from the normalised number or address with a key of ours.
    """

    __tablename__ = "contact"

    handoff_id: Mapped[int] = mapped_column(sa.ForeignKey("handoff.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Sealed)
    phone: Mapped[str | None] = mapped_column(Sealed)
    email: Mapped[str | None] = mapped_column(Sealed)
    phone_key: Mapped[str | None] = mapped_column(index=True)
    email_key: Mapped[str | None] = mapped_column(index=True)


class HandoffChange(Base):
    """Who changed a handoff's status, when, from what, to what."""

    __tablename__ = "handoff_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    handoff_id: Mapped[int] = mapped_column(sa.ForeignKey("handoff.id"), index=True)
    changed_at: Mapped[datetime] = mapped_column(Moment, default=now)
    # "visitor", "spinebot", or an account's name at that time.
    changed_by: Mapped[str]
    old_status: Mapped[str | None]
    new_status: Mapped[str]


class Attempt(Base):
    """A try to reach the visitor of a handoff."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    handoff_id: Mapped[int] = mapped_column(sa.ForeignKey("handoff.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    way: Mapped[str]
    result: Mapped[str]
    note: Mapped[str | None] = mapped_column(Sealed)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class CannedReply(Base):
    """A text that staff need again and again, found by its short code."""

    __tablename__ = "canned_reply"

    code: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]


class Outgoing(Base):
    """An e-mail or a call of the clinic's webhook that is to be sent, was sent, or failed for good.

    It holds no health text and no contact.
    """

    __tablename__ = "outgoing"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    event: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    due_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    failed_at: Mapped[datetime | None] = mapped_column(Moment)
