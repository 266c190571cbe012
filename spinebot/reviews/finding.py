"""Finding conversations: lists with filters, full-text search, one conversation's last turns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator
from sqlalchemy.orm import Session

from spinebot.clinic import clinic
from spinebot.errors import NotFoundError
from spinebot.handoffs import keys_of
from spinebot.language.messages import clean
from spinebot.models import (
    Contact,
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

CONVERSATIONS_A_PAGE = 40
TURNS_SHOWN = 50
# Of the messages in which a word was found, the newest ones: more nobody looks through.
MOST_HITS = 2000
# What marks the words that were found, until a page makes an element of it.
FOUND, FOUND_END = "\x02", "\x03"


def _given(value: Any) -> Any:
    """An empty field of a form is no filter."""
    return None if value == "" else value


Day = Annotated[date | None, BeforeValidator(_given)]
Count = Annotated[int | None, BeforeValidator(_given)]
Share = Annotated[float | None, BeforeValidator(_given)]


LONGEST_SEARCH = 300  # characters


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


@dataclass
class Row:
    """A conversation in a list, with what is known of it."""

    conversation: Conversation
    opening: str = ""
    hits: list[tuple[int, str]] = field(default_factory=list)
    automatic: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    review: Review | None = None

    @property
    def state(self) -> str:
        """``open``, ``reviewed``, ``later``, or ``again`` where it went on after the review."""
        if self.review is None:
            return "open"
        went_on = self.review.number < self.conversation.last_number
        return "again" if went_on and self.review.state == "reviewed" else self.review.state


@dataclass
class Listed:
    """A page of a list. before: where the next begins; cut: the search stopped at its limit."""

    rows: list[Row]
    before: str | None
    cut: bool = False


def find_conversations(
    session: Session, filters: Filters, account_id: int, before: str = ""
) -> Listed:
    """Return the conversations that the filters leave, the newest activity first.

    The number of queries does not depend on how many there are.
    """
    query = sa.select(Conversation).where(Conversation.last_number > 0)
    query = query.where(*_conditions(filters, account_id))
    hits, cut = _hits(session, filters.q)
    if hits is not None:
        query = query.where(Conversation.id.in_(hits))
    if before:
        moment, number = _place(before)
        query = query.where(
            sa.tuple_(Conversation.last_message_at, Conversation.id)
            < sa.tuple_(sa.literal(moment, Conversation.last_message_at.type), sa.literal(number))
        )
    query = query.order_by(Conversation.last_message_at.desc(), Conversation.id.desc())
    found = list(session.scalars(query.limit(CONVERSATIONS_A_PAGE + 1)))
    shown = found[:CONVERSATIONS_A_PAGE]
    following = None
    if len(found) > CONVERSATIONS_A_PAGE:
        following = f"{shown[-1].last_message_at.isoformat()}|{shown[-1].id}"
    rows = {each.id: Row(each) for each in shown}
    _fill(session, rows)
    if hits is not None and _words(filters.q):
        for conversation_id, number, text in _snippets(session, filters.q, list(rows)):
            rows[conversation_id].hits.append((number, text))
    return Listed(list(rows.values()), following, cut)


def _place(before: str) -> tuple[datetime, int]:
    try:
        moment, number = before.split("|")
        return datetime.fromisoformat(moment), int(number)
    except ValueError:
        raise NotFoundError("That page of the list does not exist. Begin at its start.") from None


def _conditions(filters: Filters, account_id: int) -> Iterable[sa.ColumnElement[bool]]:
    """Yield what each filter asks of a conversation."""
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
    if filters.tag:
        yield _having(Tag, Tag.name == filters.tag)
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
    if filters.mentioned:
        notes = sa.select(Note.conversation_id).join(Mention, Mention.note_id == Note.id)
        yield Conversation.id.in_(notes.where(Mention.account_id == account_id))
    if filters.review == "open":
        yield _is_open()
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


def _is_open() -> sa.ColumnElement[bool]:
    """Nobody has reviewed all of it, and nobody put it off."""
    done = sa.exists().where(
        Review.conversation_id == Conversation.id,
        sa.or_(Review.number >= Conversation.last_number, Review.state == "later"),
    )
    return ~done


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)[:20]


def _hits(session: Session, text: str) -> tuple[set[int] | None, bool]:
    """Return the conversations in which all words stand, or that the number or contact names.

    None: there is nothing to search for.
    """
    # Nobody searches for more; what reads telephone numbers takes seconds over a long row of them.
    text = clean(text)[:LONGEST_SEARCH]
    if not text:
        return None, False
    if match := re.fullmatch(r"#(\d{1,15})", text):
        return {int(match[1])}, False
    by_reference = sa.select(Handoff.conversation_id).where(Handoff.reference == text.upper())
    keys = keys_of(text, clinic().region)
    by_contact = (
        sa.select(Handoff.conversation_id)
        .join(Contact)
        .where(sa.or_(Contact.phone_key.in_(keys), Contact.email_key.in_(keys)))
    )
    found = {each for each in session.scalars(by_reference.union(by_contact)) if each}
    if found or not _words(text):
        return found, False
    ids = list(session.scalars(_matching(session, text)))
    rows = session.scalars(sa.select(Message.conversation_id).where(Message.id.in_(ids)))
    return set(rows), len(ids) >= MOST_HITS


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _matching(session: Session, text: str) -> Any:
    """A query for the ids of the newest messages in which all words stand."""
    if _is_postgres(session):
        return (
            sa.select(Message.id)
            .where(_vector().op("@@")(_tsquery(text)))
            .order_by(Message.id.desc())
            .limit(MOST_HITS)
        )
    return sa.text(
        "SELECT rowid FROM message_search WHERE message_search MATCH :q "
        "ORDER BY rowid DESC LIMIT :most"
    ).bindparams(q=_fts(text), most=MOST_HITS)


def _fts(text: str) -> str:
    """FTS5's own signs are taken out with the quotation marks; a word may go on."""
    return " ".join(f'"{word}"*' for word in _words(text))


def _vector() -> sa.ColumnElement[Any]:
    # A column that the migrations make on PostgreSQL alone.
    return sa.literal_column("message.words")


def _tsquery(text: str) -> sa.ColumnElement[Any]:
    words = " & ".join(f"{word}:*" for word in _words(text))
    return sa.func.to_tsquery(sa.literal_column("'english'"), words)


def _snippets(session: Session, text: str, ids: Sequence[int]) -> Iterable[tuple[int, int, str]]:
    """Yield conversation, message number and the words around what was found, three at most."""
    if _is_postgres(session):
        marks = f"StartSel={FOUND}, StopSel={FOUND_END}, MaxWords=18, MinWords=8"
        excerpt = sa.func.ts_headline("english", Message.text, _tsquery(text), marks)
        query: Any = (
            sa.select(Message.conversation_id, Message.number, excerpt)
            .where(Message.conversation_id.in_(ids), _vector().op("@@")(_tsquery(text)))
            .order_by(Message.id)
        )
    else:
        query = sa.text(
            "SELECT m.conversation_id, m.number, "
            "snippet(message_search, 0, :start, :stop, '...', 16) "
            "FROM message_search JOIN message m ON m.id = message_search.rowid "
            "WHERE message_search MATCH :q AND m.id IN "
            "(SELECT id FROM message WHERE conversation_id IN :ids) ORDER BY m.id"
        ).bindparams(
            sa.bindparam("ids", list(ids), expanding=True),
            q=_fts(text),
            start=FOUND,
            stop=FOUND_END,
        )
    counts: dict[int, int] = defaultdict(int)
    for conversation_id, number, excerpt in session.execute(query):
        counts[conversation_id] += 1
        if counts[conversation_id] <= 3:
            yield conversation_id, number, excerpt


def _fill(session: Session, rows: dict[int, Row]) -> None:
    """Add to each row what other tables know of it: one query a table."""
    ids = list(rows)
    first = sa.select(Message.conversation_id, Message.text).where(
        Message.conversation_id.in_(ids), Message.number == 1
    )
    for conversation_id, text in session.execute(first):
        rows[conversation_id].opening = text
    for words, query in _automatic_tags(ids).items():
        for found in session.scalars(query):
            rows[found].automatic.append(words)
    tags = sa.select(Tag.conversation_id, Tag.name).where(Tag.conversation_id.in_(ids))
    for conversation_id, name in session.execute(tags.order_by(Tag.name)):
        rows[conversation_id].tags.append(name)
    for review in session.scalars(sa.select(Review).where(Review.conversation_id.in_(ids))):
        rows[review.conversation_id].review = review


def _automatic_tags(ids: Sequence[int]) -> dict[str, Any]:
    """The tags that a conversation has by what happened in it, the weightiest first."""

    def having(table: Any, *conditions: Any) -> Any:
        where = (table.conversation_id.in_(ids), *conditions)
        return sa.select(table.conversation_id).where(*where).distinct()

    return {
        "red flag": having(Finding),
        "handoff": having(Handoff),
        "unanswered": having(Unanswered),
        "asked again": having(Message, Message.intent == "nlu_fallback"),
        "not helpful": having(Feedback, ~Feedback.helpful),
        "helpful": having(Feedback, Feedback.helpful),
        "staff": having(Message, Message.sender == Sender.STAFF.value),
        "flagged": having(Flag),
        "note": having(Note),
    }


def get(session: Session, conversation_id: int) -> Conversation:
    """Return a conversation.

    Raises:
        NotFoundError: there is none.
    """
    found = session.get(Conversation, conversation_id)
    if found is None:
        raise NotFoundError("There is no such conversation: it was deleted, or never was.")
    return found


def row_of(session: Session, conversation: Conversation) -> Row:
    """Return what a list would show of one conversation."""
    row = Row(conversation)
    _fill(session, {conversation.id: row})
    return row


def messages_until(
    session: Session, conversation: Conversation, last: int | None = None
) -> list[Message]:
    """Return the last 50 turns up to the message ``last`` (None: the newest), in order."""
    end = conversation.last_number if last is None else last
    found = session.scalars(
        sa.select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.number <= end,
            Message.number > end - 2 * TURNS_SHOWN,
        )
        .order_by(Message.number)
    )
    return list(found)


def next_unreviewed(session: Session, besides: int | None = None) -> int | None:
    """Return the conversation with the newest activity that nobody has reviewed or put off."""
    query = sa.select(Conversation.id).where(
        Conversation.last_number > 0, Conversation.trial.is_(None), _is_open()
    )
    if besides is not None:
        query = query.where(Conversation.id != besides)
    return session.scalar(query.order_by(Conversation.last_message_at.desc()).limit(1))
