"""Handoffs: visitors who left contact details, for staff to take over."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.intake import NOT_GIVEN, slots_of
from spinebot.models import Conversation, Handoff, HandoffChange, HandoffStatus

# Without the letters and digits that are misheard or misread for one another.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class IncompleteError(SpinebotError):
    """A form was to be stored before all its questions were answered."""


def create(session: Session, sender: str, answers: Mapping[str, Any], consent_text: str) -> Handoff:
    """Store a complete form as one handoff and return it; the same form again is the same handoff.

    sender: Rasa's name of the session; answers: slot -> value, with ``handoff_reason`` and
    ``handoff_key``.

    Raises:
        IncompleteError: an answer or the consent is missing. (With the action server away, Rasa
            may ask for this although the form was never gone through.)
    """
    reason = str(answers.get("handoff_reason") or "")
    key = str(answers.get("handoff_key") or "")
    missing = [slot for slot in slots_of(reason, answers) if not answers.get(slot)]
    if missing or not reason or not key or answers.get("consent") != "yes":
        raise IncompleteError(f"The form is not complete: {', '.join(missing) or 'no consent'}")
    known = session.scalar(sa.select(Handoff).where(Handoff.key == key))
    if known is not None:
        return known
    handoff = _handoff(session, sender, answers, reason, key)
    handoff.consent_text, handoff.consented_at = consent_text, now()
    try:
        with session.begin_nested():
            session.add(handoff)
    except sa.exc.IntegrityError:
        # Sent twice at the same moment: the other was first.
        return session.scalars(sa.select(Handoff).where(Handoff.key == key)).one()
    session.add(
        HandoffChange(
            handoff_id=handoff.id,
            changed_by="visitor",
            old_status=None,
            new_status=HandoffStatus.NEW.value,
        )
    )
    return handoff


def _handoff(
    session: Session, sender: str, answers: Mapping[str, Any], reason: str, key: str
) -> Handoff:
    contact = str(answers["contact"])
    is_email = "@" in contact
    return Handoff(
        reference=_new_reference(session),
        sender=sender,
        conversation_id=_conversation_id(session, sender),
        reason=reason,
        status=HandoffStatus.NEW.value,
        name=answers["name"],
        phone=None if is_email else contact,
        email=contact if is_email else None,
        best_time=_given(answers, "best_time"),
        recent_mri=_given(answers, "recent_mri"),
        mri_date=_given(answers, "mri_date"),
        pain_area=_given(answers, "pain_area"),
        key=key,
    )


def _given(answers: Mapping[str, Any], slot: str) -> str | None:
    value = answers.get(slot)
    return None if value in (None, NOT_GIVEN) else str(value)


def _new_reference(session: Session) -> str:
    """Return a number that can be read out on the phone: SB- and six characters."""
    while True:
        reference = "SB-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
        taken = session.scalar(sa.select(Handoff.id).where(Handoff.reference == reference))
        if taken is None:
            return reference


def _conversation_id(session: Session, sender: str) -> int | None:
    """Return the conversation behind Rasa's session; tools that talk to Rasa directly have none."""
    # Such a tool may send as sender what it likes, for instance a phone number.
    match = re.fullmatch(r"([0-9]{1,9})\.[0-9]+", sender)
    if match is None:
        return None
    return session.scalar(sa.select(Conversation.id).where(Conversation.id == int(match[1])))
