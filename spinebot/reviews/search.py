"""Full-text search in what was said: SQLite's FTS5 or PostgreSQL's text search."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.clinic import clinic
from spinebot.handoffs import keys_of
from spinebot.language.messages import clean
from spinebot.models import Contact, Handoff, Message

# Of the messages in which a word was found, the newest ones: more nobody looks through.
MOST_HITS = 2000
# What marks the words that were found, until a page makes an element of it.
FOUND, FOUND_END = "\x02", "\x03"
LONGEST_SEARCH = 300  # characters


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text)[:20]


def hits(session: Session, text: str) -> tuple[set[int] | None, bool]:
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
    if found or not words_of(text):
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
    return " ".join(f'"{word}"*' for word in words_of(text))


def _vector() -> sa.ColumnElement[Any]:
    # A column that the migrations make on PostgreSQL alone.
    return sa.literal_column("message.words")


def _tsquery(text: str) -> sa.ColumnElement[Any]:
    words = " & ".join(f"{word}:*" for word in words_of(text))
    return sa.func.to_tsquery(sa.literal_column("'english'"), words)


def snippets(session: Session, text: str, ids: Sequence[int]) -> Iterable[tuple[int, int, str]]:
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
