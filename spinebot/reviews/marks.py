"""What staff put on conversations: marks, tags, flags, notes, corrections, tests."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.models import (
    Account,
    Conversation,
    Correction,
    Flag,
    Mention,
    Message,
    Note,
    Review,
    Sender,
    Tag,
)
from spinebot.reviews.finding import messages_until
from spinebot.training import stories

FLAG_REASONS = {
    "wrong_intent": "wrong intent",
    "wrong_answer": "wrong answer",
    "unsafe": "unsafe",
    "unclear": "unclear",
    "new_topic": "new topic",
}


class ReviewError(SpinebotError):
    """A mark, tag or note cannot be kept like this."""


def mark(session: Session, conversation: Conversation, state: str, account_id: int) -> None:
    """Mark a conversation ``reviewed`` or ``later``; with ``open`` take the mark off."""
    if state not in {"reviewed", "later", "open"}:
        raise ReviewError("A conversation is reviewed, for later, or open.")
    if state == "open":
        session.execute(sa.delete(Review).where(Review.conversation_id == conversation.id))
        return
    session.merge(
        Review(
            conversation_id=conversation.id,
            state=state,
            number=conversation.last_number,
            account_id=account_id,
            at=now(),
        )
    )


def tag(session: Session, conversation: Conversation, name: str, account_id: int) -> None:
    """Put a tag on a conversation."""
    name = " ".join(name.lower().split())[:40]
    if not name:
        raise ReviewError("A tag needs a name.")
    session.merge(Tag(conversation_id=conversation.id, name=name, account_id=account_id))


def untag(session: Session, conversation: Conversation, name: str) -> None:
    """Take a tag off."""
    session.execute(sa.delete(Tag).where(Tag.conversation_id == conversation.id, Tag.name == name))


def tag_names(session: Session) -> list[str]:
    """Return every tag that is in use."""
    return list(session.scalars(sa.select(Tag.name).distinct().order_by(Tag.name)))


def flag(
    session: Session, conversation: Conversation, number: int, reason: str, account_id: int
) -> None:
    """Flag a message.

    Raises:
        ReviewError: the reason is none of ``FLAG_REASONS``, or there is no such message.
    """
    if reason not in FLAG_REASONS:
        raise ReviewError("Choose a reason for the flag.")
    message(session, conversation, number)
    session.add(
        Flag(conversation_id=conversation.id, number=number, reason=reason, account_id=account_id)
    )


def unflag(session: Session, conversation: Conversation, flag_id: int) -> None:
    """Take a flag off."""
    session.execute(
        sa.delete(Flag).where(Flag.id == flag_id, Flag.conversation_id == conversation.id)
    )


def message(session: Session, conversation: Conversation, number: int) -> Message:
    """Return a message by its number.

    Raises:
        ReviewError: there is none.
    """
    found = session.scalar(
        sa.select(Message).where(
            Message.conversation_id == conversation.id, Message.number == number
        )
    )
    if found is None:
        raise ReviewError("There is no such message.")
    return found


def write_note(session: Session, conversation: Conversation, text: str, account_id: int) -> Note:
    """Keep a note; ``@name`` (the first name, or what stands before the @ of an address) calls."""
    if not text.strip():
        raise ReviewError("The note is empty.")
    note = Note(conversation_id=conversation.id, text=text.strip()[:5000], account_id=account_id)
    session.add(note)
    session.flush()
    called = {word.lower() for word in re.findall(r"@([\w.\-]+)", text)}
    if called:
        for account in session.scalars(sa.select(Account).where(Account.is_active)):
            names = {account.first_name.lower(), account.email.split("@")[0]}
            if names & called:
                session.add(Mention(note_id=note.id, account_id=account.id))
    return note


def notes_of(session: Session, conversation: Conversation) -> list[tuple[Note, str]]:
    """Return the notes with their writers' names, oldest first."""
    rows = session.execute(
        sa.select(Note, Account.name)
        .join(Account, Account.id == Note.account_id)
        .where(Note.conversation_id == conversation.id)
        .order_by(Note.id)
    )
    return [(note, name) for note, name in rows]


def see_mentions(session: Session, conversation: Conversation, account_id: int) -> None:
    """Keep that somebody has seen the notes that call them."""
    notes = sa.select(Note.id).where(Note.conversation_id == conversation.id)
    session.execute(
        sa.update(Mention)
        .where(
            Mention.note_id.in_(notes), Mention.account_id == account_id, Mention.seen_at.is_(None)
        )
        .values(seen_at=now())
    )


def unseen_mentions(session: Session, account_id: int) -> int:
    """Return how many notes call somebody who has not seen them."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Mention)
            .where(Mention.account_id == account_id, Mention.seen_at.is_(None))
        )
        or 0
    )


def correct(
    session: Session, conversation: Conversation, number: int, should_be: str, account_id: int
) -> Correction:
    """Put a masked message into the trainers' inbox, with what was said before it.

    Raises:
        ReviewError: the message is not the visitor's, or nothing was said that it should be.
    """
    said = message(session, conversation, number)
    if said.sender != Sender.VISITOR.value or said.payload:
        raise ReviewError("Only what a visitor typed can be understood as something else.")
    if not should_be.strip():
        raise ReviewError("Say what it should have been understood as.")
    before = session.scalars(
        sa.select(Message.text)
        .where(Message.conversation_id == conversation.id, Message.number < number)
        .order_by(Message.number.desc())
        .limit(4)
    ).all()
    correction = Correction(
        conversation_id=conversation.id,
        number=number,
        text=said.text,
        context=list(before)[::-1],
        understood_as=said.intent,
        should_be=should_be.strip()[:80],
        account_id=account_id,
    )
    session.add(correction)
    session.flush()
    return correction


def as_test(
    session: Session, conversation: Conversation, last: int
) -> tuple[str, list[stories.Step]]:
    """Return a conversation test, its name and its steps: what was said and done up to a message.

    What was typed is masked. Button presses are left as the intents behind them.
    """
    said = [
        stories.Step(each.text, each.intent, list(each.actions or []), bool(each.payload))
        for each in messages_until(session, conversation, last)
        if each.sender == Sender.VISITOR.value and each.intent
    ]
    if not said:
        raise ReviewError("Nothing was understood up to there: there is nothing to test.")
    return f"conversation {conversation.id} up to message {last}", said
