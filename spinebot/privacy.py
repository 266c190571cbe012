"""What a person may ask of the clinic, and for how long data stay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from spinebot import audit, conversations, handoffs
from spinebot.accounts import IDLE_FOR, SIGNED_IN_FOR
from spinebot.clinic import clinic
from spinebot.db import create_engine, now
from spinebot.models import (
    AuditEntry,
    Contact,
    Conversation,
    Feedback,
    Handoff,
    HandoffStatus,
    Login,
    Message,
    Outgoing,
)
from spinebot.settings import settings

AT_ONCE = 200
SENT_KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Person:
    """What there is of somebody: their handoffs, and the conversations that led to them."""

    handoffs: Sequence[Handoff]
    conversations: Sequence[Conversation]

    @property
    def is_known(self) -> bool:
        """Whether there is anything."""
        return bool(self.handoffs)


def find(session: Session, contact: str) -> Person:
    """Return what there is of the person with this phone number or e-mail address.

    Whoever left two numbers in one conversation is found by either. Conversations in which nobody
    left a contact belong to nobody that we could know.
    """
    keys, talks, own = handoffs.keys_of(contact, clinic().region), set[int](), list[Handoff]()
    while True:
        more = session.scalars(
            sa.select(Handoff)
            .join(Contact)
            .where(
                sa.or_(
                    Contact.phone_key.in_(keys),
                    Contact.email_key.in_(keys),
                    Handoff.conversation_id.in_(talks),
                )
            )
            .options(joinedload(Handoff.contact))
            .order_by(Handoff.id)
        ).all()
        if len(more) == len(own):
            break
        own = list(more)
        talks |= {each.conversation_id for each in own if each.conversation_id}
        contacts_of = [each.contact for each in own]
        keys |= {key for each in contacts_of for key in (each.phone_key, each.email_key) if key}
    said = session.scalars(
        sa.select(Conversation).where(Conversation.id.in_(talks)).order_by(Conversation.id)
    )
    return Person(own, said.all())


def export(session: Session, person: Person) -> dict[str, Any]:
    """Return everything of a person, unmasked, as JSON would have it."""
    return {
        "made_at": now().isoformat(),
        "requests": [_request(handoff) for handoff in person.handoffs],
        "conversations": [_talk(session, each) for each in person.conversations],
    }


def _request(handoff: Handoff) -> dict[str, Any]:
    contact = handoff.contact
    return {
        "reference": handoff.reference,
        "created_at": handoff.created_at.isoformat(),
        "kind": handoff.reason,
        "status": handoff.status,
        "outcome": handoff.outcome,
        "name": contact.name,
        "phone": contact.phone,
        "email": contact.email,
        "best_time": handoff.best_time,
        "recent_mri": handoff.recent_mri,
        "mri_date": handoff.mri_date,
        "pain_area": handoff.pain_area,
        "message": handoff.message,
        "consent": handoff.consent_text,
        "consented_at": handoff.consented_at.isoformat(),
    }


def _talk(session: Session, conversation: Conversation) -> dict[str, Any]:
    ratings = session.scalars(
        sa.select(Feedback).where(Feedback.conversation_id == conversation.id)
    )
    return {
        "began_at": conversation.created_at.isoformat(),
        "page": conversation.page,
        "remembered": conversation.memory,
        "messages": [
            {"at": each.created_at.isoformat(), "from": each.sender, "text": each.said}
            for each in conversations.messages_after(session, conversation.id, 0)
        ],
        "ratings": [{"message": each.number, "helpful": each.helpful} for each in ratings],
    }


def erase(session: Session, person: Person, who: str) -> list[int]:
    """Delete all that there is of a person; return the conversations, for Rasa to forget too."""
    for handoff in person.handoffs:
        audit.record(session, who, "erased", f"handoff {handoff.id}")
        handoffs.erase(session, handoff)
    ids = [each.id for each in person.conversations]
    for conversation in person.conversations:
        audit.record(session, who, "erased", f"conversation {conversation.id}")
        conversations.erase(session, conversation)
    return ids


def forget_in_rasa(conversation_ids: Sequence[int]) -> None:
    """Delete what Rasa's working memory holds of conversations, whether Rasa runs or not."""
    url = settings().tracker_url
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    try:
        if not sa.inspect(engine).has_table("events"):
            return
        events = sa.table("events", sa.column("sender_id", sa.String))
        with engine.begin() as connection:
            for each in conversation_ids:
                connection.execute(
                    sa.delete(events).where(events.c.sender_id.like(f"{int(each)}.%"))
                )
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Cleaned:
    """How much was deleted because its time was over."""

    conversations: int
    handoffs: int
    unmasked: int

    def __str__(self) -> str:
        """In words."""
        return (
            f"{self.conversations} conversations and {self.handoffs} handoffs deleted, "
            f"{self.unmasked} originals of masked messages forgotten"
        )


def clean(session: Session) -> Cleaned:
    """Delete what is older than ``retention`` of clinic.yml; of each kind 200 at once at most.

    A handoff that is not done stays, however old: somebody waits for a call.
    """
    keep, moment = clinic().retention, now()
    old = session.scalars(
        sa.select(Conversation)
        .where(Conversation.last_message_at < moment - timedelta(days=keep.conversations))
        .limit(AT_ONCE)
    ).all()
    for conversation in old:
        conversations.erase(session, conversation)
    forget_in_rasa([each.id for each in old])
    over = session.scalars(
        sa.select(Handoff)
        .where(
            Handoff.status == HandoffStatus.DONE.value,
            Handoff.done_at < moment - timedelta(days=keep.handoffs),
        )
        .limit(AT_ONCE)
    ).all()
    for handoff in over:
        handoffs.erase(session, handoff)
    forgotten = session.execute(
        sa.update(Message)
        .where(
            Message.original.is_not(None),
            Message.created_at < moment - timedelta(days=keep.unmasked),
        )
        .values(original=None)
    )
    _clean_what_nobody_asks_for(session, moment)
    done = Cleaned(len(old), len(over), forgotten.rowcount)  # type: ignore[attr-defined]
    audit.record(session, "spinebot", "cleaned", details=str(done))
    return done


def _clean_what_nobody_asks_for(session: Session, moment: datetime) -> None:
    """Delete mail that was sent long ago, and logins that have ended."""
    session.execute(sa.delete(Outgoing).where(Outgoing.sent_at < moment - SENT_KEPT))
    session.execute(
        sa.delete(Login).where(
            sa.or_(
                Login.seen_at < moment - IDLE_FOR,
                Login.created_at < moment - SIGNED_IN_FOR,
            )
        )
    )


def is_due(session: Session) -> bool:
    """Return whether the nightly cleaning has not been done for a day."""
    last = session.scalar(
        sa.select(AuditEntry.at)
        .where(AuditEntry.what == "cleaned")
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    return last is None or last < now() - timedelta(hours=23)


def as_json(content: dict[str, Any]) -> str:
    """Return an export as a file's text."""
    return json.dumps(content, ensure_ascii=False, indent=2)
