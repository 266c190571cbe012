"""What a list of conversations is narrowed to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator

from spinebot.clinic import clinic
from spinebot.models import (
    Conversation,
    Feedback,
    Finding,
    Flag,
    Handoff,
    Mention,
    Message,
    Note,
    Review,
    Sender,
    Tag,
    Unanswered,
)


def _given(value: Any) -> Any:
    """An empty field of a form is no filter."""
    return None if value == "" else value


Day = Annotated[date | None, BeforeValidator(_given)]
Count = Annotated[int | None, BeforeValidator(_given)]
Share = Annotated[float | None, BeforeValidator(_given)]


class Filters(BaseModel):
    """What a list of conversations is narrowed to; all that are given must hold."""

    q: str = ""
    since: Day = None
    until: Day = None
    page: str = ""
    longer: Count = None
    shorter: Count = None
    unsure: Share = None
    intent: str = ""
    tag: str = ""
    owner: Literal["", "bot", "staff"] = ""
    feedback: Literal["", "helpful", "unhelpful"] = ""
    red_flag: Literal["", "yes", "no"] = ""
    unanswered: Literal["", "yes", "no"] = ""
    handoff: Literal["", "yes", "no"] = ""
    review: Literal["", "open", "reviewed", "later"] = ""
    flagged: Literal["", "yes", "no"] = ""
    mentioned: Literal["", "yes"] = ""
    resolved: Literal["", "yes"] = ""
    model: str = ""
    testers: Literal["", "yes"] = ""

    @property
    def given(self) -> dict[str, Any]:
        """The filters that are set, as they stand in an address."""
        return {name: value for name, value in self.model_dump().items() if value not in ("", None)}


def conditions(filters: Filters, account_id: int) -> Iterator[sa.ColumnElement[bool]]:
    """Yield what each filter asks of a conversation, for the account that looks."""
    yield from _of_the_conversation(filters)
    yield from _of_what_was_said(filters)
    yield from _of_what_came_of_it(filters)
    yield from _of_the_reviewers(filters, account_id)


def _of_the_conversation(filters: Filters) -> Iterator[sa.ColumnElement[bool]]:
    zone = ZoneInfo(clinic().opening.timezone)
    midnight = datetime.min.time()
    yield Conversation.trial.is_not(None) if filters.testers else Conversation.trial.is_(None)
    if filters.since:
        yield Conversation.last_message_at >= datetime.combine(filters.since, midnight, zone)
    if filters.until:
        end = filters.until + timedelta(days=1)
        yield Conversation.last_message_at < datetime.combine(end, midnight, zone)
    if filters.page:
        yield Conversation.page.contains(filters.page, autoescape=True)
    if filters.longer is not None:
        yield Conversation.last_number >= filters.longer
    if filters.shorter is not None:
        yield Conversation.last_number <= filters.shorter
    if filters.owner:
        yield Conversation.owner == filters.owner


def _of_what_was_said(filters: Filters) -> Iterator[sa.ColumnElement[bool]]:
    if filters.unsure is not None:
        yield _having(Message, Message.confidence < filters.unsure)
    if filters.intent:
        # out_of_scope* stands for all intents that begin like this.
        start = filters.intent.rstrip("*")
        is_start = start != filters.intent
        same = Message.intent.startswith(start, autoescape=True)
        yield _having(Message, same if is_start else Message.intent == start)
    if filters.model:
        yield _having(Message, Message.model == filters.model)


def _of_what_came_of_it(filters: Filters) -> Iterator[sa.ColumnElement[bool]]:
    if filters.feedback:
        yield _having(Feedback, Feedback.helpful == (filters.feedback == "helpful"))
    for wanted, table in (
        (filters.red_flag, Finding),
        (filters.unanswered, Unanswered),
        (filters.handoff, Handoff),
        (filters.flagged, Flag),
    ):
        if wanted:
            having = sa.exists().where(table.conversation_id == Conversation.id)
            yield having if wanted == "yes" else ~having
    if filters.resolved:
        yield is_resolved()


def _of_the_reviewers(filters: Filters, account_id: int) -> Iterator[sa.ColumnElement[bool]]:
    if filters.tag:
        yield _having(Tag, Tag.name == filters.tag)
    if filters.mentioned:
        notes = sa.select(Note.conversation_id).join(Mention, Mention.note_id == Note.id)
        yield Conversation.id.in_(notes.where(Mention.account_id == account_id))
    if filters.review == "open":
        yield is_open()
    elif filters.review:
        yield sa.exists().where(
            Review.conversation_id == Conversation.id, Review.state == filters.review
        )


def is_resolved() -> sa.ColumnElement[bool]:
    """The bot resolved it alone.

    An article was shown; there is no unanswered question, no handoff, no red flag, no staff in the
    chat, and nothing was rated as not helpful.
    """

    def none(table: Any, *conditions: Any) -> sa.ColumnElement[bool]:
        return ~sa.exists().where(table.conversation_id == Conversation.id, *conditions)

    return sa.and_(
        ~none(Message, Message.section_revision_id.is_not(None)),
        *(none(table) for table in (Unanswered, Handoff, Finding)),
        none(Message, Message.sender == Sender.STAFF.value),
        none(Feedback, ~Feedback.helpful),
    )


def _having(table: Any, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return Conversation.id.in_(sa.select(table.conversation_id).where(condition))


def is_open() -> sa.ColumnElement[bool]:
    """Nobody has reviewed all of it, and nobody put it off."""
    done = sa.exists().where(
        Review.conversation_id == Conversation.id,
        sa.or_(Review.number >= Conversation.last_number, Review.state == "later"),
    )
    return ~done
