"""Staff in the chat: they come, the bot falls silent; they go, the bot goes on."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import conversations
from spinebot.clinic import clinic
from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.models import Account, Conversation, Message, Owner, Sender

# A page that is open says so every 20 seconds. Longer than this without it, and nobody is there.
AWAY_AFTER = timedelta(seconds=90)
LONGEST_TEXT = 2000


class TakenError(SpinebotError):
    """Somebody else is in the chat, or nobody is and it is the bot's."""


def join(session: Session, conversation: Conversation, account: Account) -> Message | None:
    """Take the chat over; return the note that the visitor sees (None: we were there already).

    Raises:
        TakenError: a colleague was faster.
    """
    taken = session.execute(
        sa.update(Conversation)
        .where(Conversation.id == conversation.id, Conversation.owner == Owner.BOT.value)
        .values(owner=Owner.STAFF.value, staff_id=account.id, staff_seen_at=now())
    )
    session.refresh(conversation)
    if not taken.rowcount:  # type: ignore[attr-defined]
        if conversation.staff_id == account.id:
            return None
        colleague = session.get(Account, conversation.staff_id)
        raise TakenError(f"{colleague.name if colleague else 'A colleague'} is in this chat.")
    # A form that was open is over: the bot must not go on asking when it is back.
    conversation.memory = {**conversation.memory, "requested": None}
    conversations.begin_session(conversation)
    name = account.first_name
    text = clinic().say("note_joined", name=name)
    return _note(session, conversation, "joined", name, text)


def say(
    session: Session, conversation: Conversation, account: Account, text: str, key: str
) -> Message:
    """Store what staff say; said twice with one key, it is one message.

    Raises:
        TakenError: the chat is not (any more) this account's.
    """
    known = session.scalar(
        sa.select(Message).where(Message.conversation_id == conversation.id, Message.key == key)
    )
    if known is not None:
        return known
    _must_be_there(conversation, account)
    custom = {"type": "staff", "name": account.first_name}
    conversation.staff_seen_at = now()
    message = conversations.add(session, conversation, Sender.STAFF, text[:LONGEST_TEXT])
    message.key, message.custom = key, custom
    return message


def leave(session: Session, conversation: Conversation, account: Account) -> list[Message]:
    """Give the chat back to the bot, with its closing words; return what the visitor sees.

    Raises:
        TakenError: the chat is not this account's.
    """
    _must_be_there(conversation, account)
    closing = clinic().say("staff_left", name=account.first_name)
    return _give_back(session, conversation, account.first_name, closing)


def give_back_deserted(session: Session) -> list[int]:
    """Give back the chats whose staff have gone without a word; return the conversations."""
    deserted = session.scalars(
        sa.select(Conversation).where(_is_deserted()).with_for_update(skip_locked=True)
    ).all()
    for conversation in deserted:
        account = session.get(Account, conversation.staff_id)
        name = account.first_name if account else ""
        _give_back(session, conversation, name, clinic().say("staff_gone", name=name))
    return [each.id for each in deserted]


def has_deserted(session: Session) -> bool:
    """Return whether there are such chats. Only reads: asked every few seconds."""
    return session.scalar(sa.select(Conversation.id).where(_is_deserted()).limit(1)) is not None


def _is_deserted() -> sa.ColumnElement[bool]:
    return sa.and_(
        Conversation.owner == Owner.STAFF.value,
        Conversation.staff_seen_at < now() - AWAY_AFTER,
    )


def presence(session: Session, conversation_id: int, account_id: int) -> None:
    """Keep that staff still have the chat open."""
    session.execute(
        sa.update(Conversation)
        .where(Conversation.id == conversation_id, Conversation.staff_id == account_id)
        .values(staff_seen_at=now())
    )


def _must_be_there(conversation: Conversation, account: Account) -> None:
    if conversation.owner != Owner.STAFF.value or conversation.staff_id != account.id:
        raise TakenError("You are not in this chat (any more). Take it over first.")


def _give_back(
    session: Session, conversation: Conversation, name: str, closing: str
) -> list[Message]:
    conversation.owner, conversation.staff_id = Owner.BOT.value, None
    conversation.staff_seen_at = None
    conversations.begin_session(conversation)
    if conversation.memory.get("red_flag"):
        # Nothing is asked after an emergency, not even whether the answer was good.
        closing = clinic().say("after_red_flag")
    text = clinic().say("note_left", name=name)
    note = _note(session, conversation, "left", name, text)
    return [note, conversations.add(session, conversation, Sender.BOT, closing, closing)]


def _note(
    session: Session, conversation: Conversation, state: str, name: str, text: str
) -> Message:
    message = conversations.add(session, conversation, Sender.NOTE, text, text)
    message.custom = {"type": "presence", "state": state, "name": name}
    return message
