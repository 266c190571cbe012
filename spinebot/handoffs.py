"""Handoffs: visitors who left contact details, for staff to take over."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import outbox
from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.intake import NOT_GIVEN, slots_of
from spinebot.intake.contacts import contacts
from spinebot.keys import signatures
from spinebot.models import Attempt, Contact, Conversation, Handoff, HandoffChange, HandoffStatus

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
    needed = (*slots_of(reason, answers), "handoff_reason", "handoff_key")
    missing = [slot for slot in needed if not answers.get(slot)]
    if missing or answers.get("consent") != "yes":
        raise IncompleteError(f"The form is not complete: {', '.join(missing) or 'no consent'}")
    known = session.scalar(sa.select(Handoff).where(Handoff.key == key))
    if known is not None:
        return known
    handoff = _handoff(session, sender, answers, reason, key)
    handoff.consent_text, handoff.consented_at = consent_text, now()
    conversation = session.get(Conversation, handoff.conversation_id or 0)
    if conversation is not None and conversation.trial is not None:
        # A tester's: it looks as if it were sent, and nobody is called.
        return handoff
    return _stored(session, handoff)[0]


def _stored(session: Session, handoff: Handoff) -> tuple[Handoff, bool]:
    key = handoff.key
    try:
        with session.begin_nested():
            session.add(handoff)
    except sa.exc.IntegrityError:
        # Sent twice at the same moment: the other was first.
        return session.scalars(sa.select(Handoff).where(Handoff.key == key)).one(), False
    session.add(
        HandoffChange(
            handoff_id=handoff.id,
            changed_by="visitor",
            old_status=None,
            new_status=HandoffStatus.NEW.value,
        )
    )
    outbox.tell_new(session, handoff)
    return handoff, True


@dataclass(frozen=True)
class Details:
    """What a visitor left outside the conversation. red_flag: the action of one met in it."""

    key: str
    name: str
    phone: str
    email: str
    best_time: str
    message: str
    has_consented: bool
    red_flag: str | None = None


class FaultyDetailsError(SpinebotError):
    """Details that cannot be stored. fields: name of the field -> what is wrong with it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Name the fields."""
        super().__init__("Please look at: " + ", ".join(fields))
        self.fields = dict(fields)


def leave(
    session: Session,
    details: Details,
    conversation: Conversation | None,
    consent_text: str,
    region: str,
) -> tuple[Handoff, bool]:
    """Store details as a handoff; return it and whether it is new (the same key: the same one).

    region: how a phone number without a country code is read.

    Raises:
        FaultyDetailsError: a field is missing or cannot be used; all of them are named.
    """
    known = session.scalar(sa.select(Handoff).where(Handoff.key == details.key))
    if known is not None:
        return known, False
    contact = _checked(details, region)
    handoff = Handoff(
        reference=_new_reference(session),
        sender=conversation.sender if conversation else "",
        conversation_id=conversation.id if conversation else None,
        reason="callback",
        contact=new_contact(details.name, **contact),
        best_time=details.best_time or None,
        message=details.message or None,
        red_flag=details.red_flag,
        consent_text=consent_text,
        consented_at=now(),
        key=details.key,
    )
    if conversation is not None and conversation.trial is not None:
        return handoff, True
    return _stored(session, handoff)


def _checked(details: Details, region: str) -> dict[str, str | None]:
    """Return phone and email as they are kept."""
    faults: dict[str, str] = {}
    if not details.name:
        faults["name"] = "Please give your name."
    if not details.phone and not details.email:
        faults["phone"] = "Please give a phone number or an email address."
    contact: dict[str, str | None] = {"phone": None, "email": None}
    for field, wrong in (
        ("phone", "This does not look like a phone number. Please include the area code."),
        ("email", "This does not look like an email address."),
    ):
        if text := getattr(details, field):
            found = next((value for value, _, _ in contacts(text, region)), None)
            if found is None or ("@" in found) != (field == "email"):
                faults[field] = wrong
            else:
                contact[field] = found
    if not details.has_consented:
        faults["consent"] = "Please agree, so that we may keep your details."
    if faults:
        raise FaultyDetailsError(faults)
    return contact


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
        contact=new_contact(
            str(answers["name"]),
            phone=None if is_email else contact,
            email=contact if is_email else None,
        ),
        best_time=_given(answers, "best_time"),
        recent_mri=_given(answers, "recent_mri"),
        mri_date=_given(answers, "mri_date"),
        pain_area=_given(answers, "pain_area"),
        key=key,
    )


def erase(session: Session, handoff: Handoff) -> None:
    """Delete a handoff with all that was kept about it."""
    session.execute(
        sa.update(Handoff).where(Handoff.joined_to_id == handoff.id).values(joined_to_id=None)
    )
    for table in (HandoffChange, Attempt):
        session.execute(sa.delete(table).where(table.handoff_id == handoff.id))
    session.delete(handoff)
    session.flush()


def new_contact(name: str, phone: str | None, email: str | None) -> Contact:
    """Return a contact with the keys by which the same person is found again."""
    contact = Contact(name=name, phone=phone, email=email)
    _add_keys(contact)
    return contact


def add_missing_keys(session: Session) -> int:
    """Give keys to the contacts of a version that had none; return how many got some.

    A migration cannot: it has no secret key to open them with.
    """
    without = sa.and_(
        Contact.phone_key.is_(None),
        Contact.email_key.is_(None),
        sa.or_(Contact.phone.is_not(None), Contact.email.is_not(None)),
    )
    found = session.scalars(sa.select(Contact).where(without)).all()
    for each in found:
        _add_keys(each)
    return len(found)


def _add_keys(contact: Contact) -> None:
    contact.phone_key = person_key(contact.phone) if contact.phone else None
    contact.email_key = person_key(contact.email) if contact.email else None


def person_key(contact: str) -> str:
    """Return what stands for a normalised number or address where it must not be read."""
    return _person_keys(contact)[0]


def _person_keys(contact: str) -> list[str]:
    content = contact.strip().lower().encode()
    return [each.hex() for each in signatures("contact keys", content)]


def keys_of(text: str, region: str) -> set[str]:
    """Return the keys of a number or address however it is written; several of changed secrets."""
    return set(_person_keys(next((value for value, _, _ in contacts(text, region)), text)))


def renew_keys(session: Session) -> int:
    """Make the keys of all contacts with the newest secret; return how many were not."""
    count = 0
    for each in session.scalars(sa.select(Contact)):
        before = each.phone_key, each.email_key
        _add_keys(each)
        count += before != (each.phone_key, each.email_key)
    # Whoever goes on with the session may forget its objects.
    session.flush()
    return count


def _given(answers: Mapping[str, Any], slot: str) -> str | None:
    value = answers.get(slot)
    return None if value in (None, NOT_GIVEN) else str(value)


def random_reference() -> str:
    """Return a number of the form that handoffs have."""
    return "SB-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))


def _new_reference(session: Session) -> str:
    """Return a number that can be read out on the phone: SB- and six characters."""
    while True:
        reference = random_reference()
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
