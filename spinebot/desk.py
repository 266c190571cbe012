"""The desk: what staff do about handoffs, from the claim to the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from spinebot import working_time
from spinebot.clinic import clinic
from spinebot.db import now
from spinebot.errors import NotFoundError, SpinebotError
from spinebot.models import (
    Account,
    Attempt,
    CannedReply,
    Contact,
    Finding,
    Handoff,
    HandoffChange,
    HandoffStatus,
    Outcome,
)

# What is still to be done, in the order of the queue's tabs.
OPEN = (
    HandoffStatus.NEW.value,
    HandoffStatus.CLAIMED.value,
    HandoffStatus.CONTACTED.value,
    HandoffStatus.WAITING.value,
)
HANDOFFS_A_PAGE = 50
WAYS = ("phone", "e-mail", "chat")
RESULTS = ("reached", "no answer", "left a message", "busy", "wrong number", "sent")
# Which states staff may set by hand, from which.
STEPS = {
    HandoffStatus.CLAIMED.value: {HandoffStatus.CONTACTED.value, HandoffStatus.WAITING.value},
    HandoffStatus.CONTACTED.value: {HandoffStatus.WAITING.value},
    HandoffStatus.WAITING.value: {HandoffStatus.CONTACTED.value},
}
FIRST_REPLIES = (
    (
        "call",
        "On the phone",
        "Hello {name}, this is {me} from {clinic}. You asked us to call you (number {reference}). "
        "Is this a good moment?",
    ),
    (
        "voicemail",
        "On the answering machine",
        "Hello, this is {me} from {clinic}. You asked us to call. Please call back: {phone}, and "
        "give the number {reference}.",
    ),
    (
        "mri",
        "How to send an MRI",
        "Hello {name}, thank you for asking about the MRI review. Please call us at {phone} with "
        "the number {reference}; we will tell you how to get your MRI to us safely. Please do not "
        "send it by e-mail.",
    ),
)


class DeskError(SpinebotError):
    """A handoff cannot be changed like this."""


@dataclass(frozen=True)
class Waiting:
    """A handoff in the queue. waited: working time since it came; share: of the target."""

    handoff: Handoff
    owner: str
    waited: timedelta
    share: float
    is_urgent: bool

    @property
    def color(self) -> str:
        """``green``; ``amber`` from half of the target; ``red`` from all of it."""
        return "red" if self.share >= 1 else "amber" if self.share >= 0.5 else "green"


def queue(
    session: Session,
    status: str = "",
    account_id: int | None = None,
    *,
    snoozed: bool = False,
    skip: int = 0,
) -> list[Waiting]:
    """Return handoffs for the desk: those with a red flag first, then the longest waiting.

    status: one of the states, or empty for all that are open; account_id: whose; snoozed: only
    those that are put off, which else are left out; skip: how many from the front.
    """
    flagged = sa.exists().where(Finding.conversation_id == Handoff.conversation_id)
    urgent = sa.or_(Handoff.red_flag.is_not(None), flagged)
    query = (
        sa.select(Handoff, Account.name, urgent)
        .outerjoin(Account, Account.id == Handoff.owner_id)
        .where(Handoff.status == status if status else Handoff.status.in_(OPEN))
    )
    if account_id is not None:
        query = query.where(Handoff.owner_id == account_id)
    if status != HandoffStatus.DONE.value:
        put_off = sa.and_(Handoff.snoozed_until.is_not(None), Handoff.snoozed_until > now())
        query = query.where(put_off if snoozed else ~put_off)
        query = query.order_by(sa.case((urgent, 0), else_=1), Handoff.created_at)
    else:
        query = query.order_by(Handoff.done_at.desc())
    return [
        waiting(handoff, owner or "", bool(is_urgent))
        for handoff, owner, is_urgent in session.execute(query.offset(skip).limit(HANDOFFS_A_PAGE))
    ]


def waiting(handoff: Handoff, owner: str, is_urgent: bool) -> Waiting:
    """Return how long a handoff has waited, or did wait for the first attempt."""
    entries = clinic()
    end = handoff.first_attempt_at or handoff.done_at or now()
    waited = working_time.between(entries.opening, handoff.created_at, end)
    return Waiting(handoff, owner, waited, waited / entries.desk.answer_within, is_urgent)


def counts(session: Session) -> dict[str, int]:
    """Return state -> how many handoffs are in it."""
    rows = session.execute(sa.select(Handoff.status, sa.func.count()).group_by(Handoff.status))
    return {row[0]: row[1] for row in rows}


def get(session: Session, handoff_id: int) -> Handoff:
    """Return a handoff.

    Raises:
        NotFoundError: there is none.
    """
    found = session.get(Handoff, handoff_id)
    if found is None:
        raise NotFoundError("There is no such handoff: it was erased, or never was.")
    return found


def claim(session: Session, handoff_id: int, account: Account) -> Handoff:
    """Take a handoff that nobody has. One statement decides: of two who press, one has it.

    Raises:
        DeskError: a colleague has it; the message says who.
    """
    taken = session.execute(
        sa.update(Handoff)
        .where(Handoff.id == handoff_id, Handoff.status == HandoffStatus.NEW.value)
        .values(status=HandoffStatus.CLAIMED.value, owner_id=account.id, claimed_at=now())
    )
    handoff = get(session, handoff_id)
    session.refresh(handoff)
    if taken.rowcount:  # type: ignore[attr-defined]
        _changed(session, handoff, account, HandoffStatus.NEW.value)
        return handoff
    if handoff.owner_id == account.id:
        return handoff
    owner = session.get(Account, handoff.owner_id)
    raise DeskError(f"{owner.name if owner else 'Somebody'} has this handoff already.")


def release(session: Session, handoff: Handoff, account: Account) -> None:
    """Put a handoff back into the queue, for whoever has time."""
    _must_be_open(handoff)
    old = handoff.status
    handoff.status, handoff.owner_id = HandoffStatus.NEW.value, None
    handoff.claimed_at = handoff.snoozed_until = None
    _changed(session, handoff, account, old)


def move(session: Session, handoff: Handoff, account: Account, status: str) -> None:
    """Set a handoff that one works on to contacted or waiting for the patient.

    Raises:
        DeskError: it is not in a state from which that follows.
    """
    if status not in STEPS.get(handoff.status, set()):
        raise DeskError(f"From {handoff.status} a handoff does not go to {status}: claim it first.")
    old, handoff.status = handoff.status, status
    _changed(session, handoff, account, old)


def attempt(
    session: Session, handoff: Handoff, account: Account, way: str, result: str, note: str = ""
) -> Attempt:
    """Keep that somebody tried to reach the visitor; the first time makes the handoff contacted.

    Raises:
        DeskError: the handoff is done or nobody's, or the words are none of ``WAYS``, ``RESULTS``.
    """
    _must_be_open(handoff)
    if handoff.status == HandoffStatus.NEW.value:
        raise DeskError("Claim the handoff first: else two of you call.")
    if way not in WAYS or result not in RESULTS:
        raise DeskError("Choose how you tried and what came of it.")
    kept = Attempt(
        handoff_id=handoff.id,
        account_id=account.id,
        way=way,
        result=result,
        note=note.strip()[:2000] or None,
    )
    session.add(kept)
    handoff.first_attempt_at = handoff.first_attempt_at or now()
    if handoff.status == HandoffStatus.CLAIMED.value:
        move(session, handoff, account, HandoffStatus.CONTACTED.value)
    return kept


def snooze(session: Session, handoff: Handoff, until: datetime | None) -> None:
    """Put a handoff off until a moment; None takes that back.

    Raises:
        DeskError: the moment has passed, or the handoff is done.
    """
    _must_be_open(handoff)
    if until is not None and until <= now():
        raise DeskError("That moment has passed: choose a later one.")
    handoff.snoozed_until = until


def finish(session: Session, handoff: Handoff, account: Account, outcome: str) -> None:
    """Close a handoff with what became of it.

    Raises:
        DeskError: the outcome is unknown, or the handoff is done already.
    """
    _must_be_open(handoff)
    if outcome not in {each.value for each in Outcome}:
        raise DeskError("Choose what became of it.")
    old = handoff.status
    handoff.status, handoff.outcome, handoff.done_at = HandoffStatus.DONE.value, outcome, now()
    handoff.owner_id, handoff.snoozed_until = handoff.owner_id or account.id, None
    _changed(session, handoff, account, old)


def reopen(session: Session, handoff: Handoff, account: Account) -> None:
    """Open a handoff again that was closed; whoever opens it has it."""
    if handoff.status != HandoffStatus.DONE.value:
        raise DeskError("This handoff is open.")
    handoff.status, handoff.owner_id = HandoffStatus.CLAIMED.value, account.id
    handoff.outcome = handoff.done_at = handoff.joined_to_id = None
    _changed(session, handoff, account, HandoffStatus.DONE.value)


def _must_be_open(handoff: Handoff) -> None:
    if handoff.status == HandoffStatus.DONE.value:
        raise DeskError("This handoff is done. Open it again first.")


def _changed(session: Session, handoff: Handoff, account: Account, old: str) -> None:
    session.add(
        HandoffChange(
            handoff_id=handoff.id,
            changed_by=account.name,
            old_status=old,
            new_status=handoff.status,
        )
    )


def same_person(session: Session, handoff: Handoff) -> list[Handoff]:
    """Return the other handoffs with the same number or address, the newest first."""
    own = session.get(Contact, handoff.id)
    keys = [key for key in (own.phone_key, own.email_key) if key] if own else []
    if not keys:
        return []
    found = session.scalars(
        sa.select(Handoff)
        .join(Contact)
        .where(
            Handoff.id != handoff.id,
            sa.or_(Contact.phone_key.in_(keys), Contact.email_key.in_(keys)),
        )
        .order_by(Handoff.created_at.desc())
    )
    return list(found)


def join(session: Session, handoff: Handoff, other: Handoff, account: Account) -> None:
    """Close a handoff as a duplicate of another one of the same person.

    Raises:
        DeskError: they have neither number nor address in common.
    """
    if other.id not in {each.id for each in same_person(session, handoff)}:
        raise DeskError("These two have neither a phone number nor an address in common.")
    finish(session, handoff, account, Outcome.DUPLICATE.value)
    handoff.joined_to_id = other.id


def attempts_of(session: Session, handoff: Handoff) -> list[tuple[Attempt, str]]:
    """Return the attempts with the names of who made them, in order."""
    rows = session.execute(
        sa.select(Attempt, Account.name)
        .join(Account, Account.id == Attempt.account_id)
        .where(Attempt.handoff_id == handoff.id)
        .order_by(Attempt.id)
    )
    return [(each, name) for each, name in rows]


def changes_of(session: Session, handoff: Handoff) -> Sequence[HandoffChange]:
    """Return what was changed, in order."""
    return session.scalars(
        sa.select(HandoffChange)
        .where(HandoffChange.handoff_id == handoff.id)
        .order_by(HandoffChange.id)
    ).all()


def canned_replies(session: Session) -> list[CannedReply]:
    """Return the texts that staff use again and again; the first time those that come along."""
    found = list(session.scalars(sa.select(CannedReply).order_by(CannedReply.code)))
    return found or [
        CannedReply(code=code, title=title, text=text) for code, title, text in FIRST_REPLIES
    ]


def fill(text: str, handoff: Handoff, name: str, account_name: str) -> str:
    """Return a canned reply with its places filled in; an unknown place stays as it is."""
    entries = clinic()
    places = {
        "name": name,
        "me": account_name.split()[0],
        "clinic": entries.name,
        "phone": entries.phone,
        "hours": entries.hours,
        "reference": handoff.reference,
    }
    for place, value in places.items():
        text = text.replace("{" + place + "}", value)
    return text


def with_contact(session: Session, handoff_id: int) -> Handoff:
    """Return a handoff with its contact opened."""
    found = session.scalar(
        sa.select(Handoff).where(Handoff.id == handoff_id).options(joinedload(Handoff.contact))
    )
    if found is None:
        raise NotFoundError("There is no such handoff: it was erased, or never was.")
    return found
