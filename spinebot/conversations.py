"""Conversations: the transcript, message by message, and what was understood of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import offers
from spinebot.db import clock, now
from spinebot.errors import NotFoundError
from spinebot.keys import fingerprint, is_own_token, new_token
from spinebot.language.redaction import redact
from spinebot.models import (
    Article,
    Conversation,
    Correction,
    Decision,
    Feedback,
    Finding,
    Flag,
    Handoff,
    Judgement,
    Label,
    Mention,
    Message,
    Note,
    Review,
    Section,
    SectionRevision,
    Sender,
    Tag,
    Unanswered,
)
from spinebot.safety import Finding as RedFlag

# A Rasa turn costs more the longer its session: a new one is begun where nothing is lost by it.
TURNS_A_SESSION = 40
# How many of the visitor's earlier messages the red-flag rules read with a new one.
EARLIER_MESSAGES = 20
APOLOGY = "apology"
_TOKENS = "conversation tokens"
# In a reply's custom data: the visitor's question has no answer; with it what came nearest to one.
UNANSWERED = "unanswered"
FAILURES_IN_A_ROW = 3
# What is typed in answer to these is masked whole; a correction may name anything.
_PERSONAL_SLOTS = {"name", "contact", "confirmed"}


@dataclass(frozen=True)
class Understood:
    """What Rasa made of a message: see ``spinebot.bot.channel``."""

    intent: str | None = None
    confidence: float | None = None
    ranking: Sequence[Mapping[str, Any]] = ()
    entities: Sequence[Mapping[str, Any]] = ()
    actions: Sequence[str] = ()
    model: str | None = None
    milliseconds: float | None = None


def start(session: Session, page: str, language: str = "en") -> tuple[Conversation, str]:
    """Begin a conversation; return it with the token that gives its visitor access."""
    token = new_token(_TOKENS)
    conversation = Conversation(
        token_hash=fingerprint(token), page=page[:500], language=language, memory={}
    )
    session.add(conversation)
    session.flush()
    return conversation, token


def find(session: Session, token: str) -> Conversation:
    """Return the token's conversation.

    Raises:
        NotFoundError: there is none.
    """
    found = None
    # What we did not sign is no token: the database is not asked.
    if is_own_token(_TOKENS, token):
        found = session.scalar(
            sa.select(Conversation).where(Conversation.token_hash == fingerprint(token))
        )
    if found is None:
        raise NotFoundError("This conversation does not exist, or no longer.")
    return found


def say(
    session: Session, conversation: Conversation, text: str, key: str, payload: str | None = None
) -> tuple[Message, bool]:
    """Store what the visitor said; return the message and whether it is new.

    key: the widget's name for the message: said twice with one key, it is one message.
    payload: what stands behind the button, if it was one.
    """
    # Said twice at the same moment, the second waits here until the first can be seen.
    session.execute(
        sa.select(Conversation.id).where(Conversation.id == conversation.id).with_for_update()
    )
    known = session.scalar(
        sa.select(Message).where(Message.conversation_id == conversation.id, Message.key == key)
    )
    if known is not None:
        return known, False
    asked = str(conversation.memory.get("requested") or "")
    masked = f"[{asked}]" if asked in _PERSONAL_SLOTS and payload is None else redact(text)
    message = add(session, conversation, Sender.VISITOR, text, masked)
    message.key, message.payload = key, payload
    return message, True


def reply(
    session: Session,
    conversation: Conversation,
    message: Message,
    replies: Sequence[Mapping[str, Any]],
    understood: Understood,
) -> list[Message]:
    """Store the bot's replies to ``message`` and what was understood of it."""
    stored = [_add_reply(session, conversation, message, each) for each in replies]
    message.answered_at = now()
    if "action_answer_question" in understood.actions:
        # It was masked whole as an answer to the form, and was a question.
        said = message.said
        message.text = redact(said)
        message.original = said if message.text != said else None
    message.intent, message.confidence = understood.intent, understood.confidence
    message.ranking = [dict(each) for each in understood.ranking]
    message.entities = [
        {**each, "value": redact(str(each.get("value")))} for each in understood.entities
    ]
    message.actions, message.model = list(understood.actions), understood.model
    message.milliseconds = understood.milliseconds
    for each in replies if conversation.trial is None else ():
        if (nearest := (each.get("custom") or {}).get(UNANSWERED)) is not None:
            _keep_unanswered(session, message, nearest)
    return stored


def _keep_unanswered(session: Session, message: Message, nearest: Mapping[str, Any]) -> None:
    """Keep the message as a question that no section answers, once."""
    known = sa.select(Unanswered.id).where(Unanswered.message_id == message.id)
    if session.scalar(known) is not None:
        return
    session.add(
        Unanswered(
            message_id=message.id,
            conversation_id=message.conversation_id,
            question=message.text,
            ranking=message.ranking or [],
            section_id=nearest.get("section_id"),
            score=nearest.get("score"),
        )
    )
    session.flush()


def _add_reply(
    session: Session, conversation: Conversation, message: Message, each: Mapping[str, Any]
) -> Message:
    text, custom = str(each.get("text") or ""), dict(each.get("custom") or {})
    custom.pop(UNANSWERED, None)  # a note for us, nothing to show
    personal = bool(custom.get("personal"))
    stored = add(session, conversation, Sender.BOT, text, "[summary]" if personal else text)
    stored.in_reply_to = message.number
    stored.buttons = [dict(button) for button in each.get("buttons") or []]
    stored.custom = custom or None
    stored.section_revision_id = custom.get("revision")
    return stored


def add(
    session: Session,
    conversation: Conversation,
    sender: Sender,
    text: str,
    masked: str | None = None,
) -> Message:
    """Add a message with the conversation's next number. masked: None where it is to be masked."""
    if masked is None:
        masked = redact(text)
    # The row is the lock: whoever updates it first has the number.
    number, moment = session.execute(
        sa.update(Conversation)
        .where(Conversation.id == conversation.id)
        .values(last_number=Conversation.last_number + 1, last_message_at=clock(session))
        .returning(Conversation.last_number, Conversation.last_message_at)
    ).one()
    message = Message(
        conversation_id=conversation.id,
        number=number,
        sender=sender.value,
        text=masked,
        original=text if masked != text else None,
        created_at=moment,
    )
    session.add(message)
    session.flush()
    return message


def rate(
    session: Session,
    conversation: Conversation,
    number: int | None,
    helpful: bool,
    reason: str | None,
) -> None:
    """Keep what the visitor thinks of a reply, or with ``number`` None of the conversation.

    Raises:
        NotFoundError: there is no reply with that number.
    """
    if number is not None:
        rated = sa.select(Message.id).where(
            Message.conversation_id == conversation.id,
            Message.number == number,
            Message.sender != Sender.VISITOR.value,
        )
        if session.scalar(rated) is None:
            raise NotFoundError("There is no such reply.")
    session.merge(
        Feedback(
            conversation_id=conversation.id,
            number=number or 0,
            helpful=helpful,
            reason=reason,
            created_at=now(),
        )
    )


def ratings(session: Session, conversation_id: int) -> dict[int, bool]:
    """Return number -> whether the visitor found that reply helpful, of those that were rated."""
    rows = session.execute(
        sa.select(Feedback.number, Feedback.helpful).where(
            Feedback.conversation_id == conversation_id
        )
    )
    return {row.number: row.helpful for row in rows}


def erase(session: Session, conversation: Conversation) -> None:
    """Delete all that was said, as the visitor wishes. A handoff that was sent stays."""
    session.execute(
        sa.update(Handoff)
        .where(Handoff.conversation_id == conversation.id)
        .values(conversation_id=None)
    )
    own = sa.select(Note.id).where(Note.conversation_id == conversation.id)
    session.execute(sa.delete(Mention).where(Mention.note_id.in_(own)))
    said = sa.select(Message.id).where(Message.conversation_id == conversation.id)
    for per_message in (Judgement, Label, Decision):
        session.execute(sa.delete(per_message).where(per_message.message_id.in_(said)))
    for table in (
        *(Feedback, Finding, Unanswered, Correction, Flag, Tag, Note, Review),
        Message,
        Note,
        Review,
    ):
        session.execute(sa.delete(table).where(table.conversation_id == conversation.id))
    session.delete(conversation)


def messages_after(session: Session, conversation_id: int, number: int) -> list[Message]:
    """Return the messages behind ``number``, in order."""
    found = session.scalars(
        sa.select(Message)
        .where(Message.conversation_id == conversation_id, Message.number > number)
        .order_by(Message.number)
    )
    return list(found)


def findings_of(session: Session, conversation_id: int) -> list[Finding]:
    """Return the red flags that were met, in order."""
    query = sa.select(Finding).where(Finding.conversation_id == conversation_id)
    return list(session.scalars(query.order_by(Finding.id)))


def articles_read(session: Session, conversation_id: int) -> list[tuple[str, str]]:
    """Return the slugs and titles of the articles that were shown, each once."""
    rows = session.execute(
        sa.select(Article.slug, Article.title)
        .join(Section, Section.article_id == Article.id)
        .join(SectionRevision, SectionRevision.section_id == Section.id)
        .join(Message, Message.section_revision_id == SectionRevision.id)
        .where(Message.conversation_id == conversation_id)
        .distinct()
    )
    return [(slug, title) for slug, title in rows]


def earlier_texts(session: Session, message: Message) -> list[str]:
    """Return what the visitor said before ``message``, oldest first."""
    # These two columns only: it is asked for with every message.
    found = session.execute(
        sa.select(Message.text, Message.original)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.sender == Sender.VISITOR.value,
            Message.payload.is_(None),
            Message.number < message.number,
        )
        .order_by(Message.number.desc())
        .limit(EARLIER_MESSAGES)
    )
    return [masked if original is None else original for masked, original in found][::-1]


def raise_flags(
    session: Session, conversation: Conversation, message: Message, found: Sequence[RedFlag]
) -> None:
    """Keep the red flags met in ``message``; from now on nothing is offered, no form goes on."""
    for each in found:
        session.add(
            Finding(
                conversation_id=conversation.id,
                message_id=message.id,
                rule=each.rule,
                action=each.action.value,
                evidence=[redact(words) for words in each.evidence],
            )
        )
    conversation.memory = {
        **conversation.memory,
        "red_flag": True,
        "requested": None,
        "mri_offer": offers.after_red_flag(conversation.memory.get("mri_offer")),
    }
    begin_session(conversation)


def remember(conversation: Conversation, memory: Mapping[str, Any], requested: str | None) -> None:
    """Keep what must outlive Rasa's session, and begin a new one when this has become long."""
    conversation.memory = {**memory, "requested": requested}
    conversation.rasa_turns += 1
    if conversation.rasa_turns >= TURNS_A_SESSION and requested is None:
        begin_session(conversation)


def begin_session(conversation: Conversation) -> None:
    """Let Rasa begin with an empty tracker: an open form is gone, `memory` is carried over."""
    conversation.rasa_session += 1
    conversation.rasa_turns = 0


def begin_session_after_failures(session: Session, conversation: Conversation) -> None:
    """Begin a new session when the last turns all failed: it may be the old one that is broken."""
    last = session.scalars(
        sa.select(Message.actions)
        .where(Message.conversation_id == conversation.id, Message.sender == Sender.VISITOR.value)
        .order_by(Message.number.desc())
        .limit(FAILURES_IN_A_ROW)
    ).all()
    if len(last) == FAILURES_IN_A_ROW and all(actions == [APOLOGY] for actions in last):
        conversation.memory = {**conversation.memory, "requested": None}
        begin_session(conversation)


def has_older_waiting(session: Session, message_id: int, within: timedelta) -> bool:
    """Return whether an older message of the same conversation has not been answered yet."""
    message = session.get_one(Message, message_id)
    query = sa.select(Message.id).where(
        Message.conversation_id == message.conversation_id,
        Message.number < message.number,
        Message.sender == Sender.VISITOR.value,
        Message.answered_at.is_(None),
        Message.created_at > clock(session) - within,
    )
    return session.scalar(query.limit(1)) is not None


def unanswered(
    session: Session, within: timedelta, longer_than: timedelta = timedelta()
) -> list[Message]:
    """Return the visitors' messages that nobody has answered, oldest first.

    There are some when the process died in the middle of a turn. within: how old they may be;
    longer_than: for how long they have waited.
    """
    moment = clock(session)
    found = session.scalars(
        sa.select(Message)
        .where(
            Message.sender == Sender.VISITOR.value,
            Message.answered_at.is_(None),
            Message.created_at > moment - within,
            # A clock that was set back: what was said in the future has waited, too.
            sa.or_(Message.created_at <= moment - longer_than, Message.created_at > moment),
        )
        .order_by(Message.id)
    )
    return list(found)
