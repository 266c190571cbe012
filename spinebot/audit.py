"""The audit trail: who opened, revealed, exported, changed or deleted what.

Rows are only added. Each holds a keyed hash over itself and the hash before it, so that a row that
was changed, taken out or put in between shows; the key is derived from the clinic's secret key,
so that nobody who can only write to the database can make the chain anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.keys import signatures
from spinebot.models import AuditEntry

FIRST = "0" * 64
ROWS_AT_ONCE = 1000


class AuditError(SpinebotError):
    """The trail is not as it should be; the message says what."""


def record(session: Session, who: str, what: str, about: str = "", details: str = "") -> None:
    """Add an entry, in the transaction of what it tells.

    who: an account's e-mail address, ``visitor`` or ``spinebot``; what: a verb; about: the thing,
    as ``conversation 12``. None of them may hold health text or a visitor's contact.
    """
    _one_writer(session)
    last = session.scalar(sa.select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1))
    # Databases keep microseconds; the hash must be over what is kept.
    entry = AuditEntry(at=now(), who=who, what=what, about=about, details=details)
    entry.hash = _hashes(last or FIRST, entry)[0]
    session.add(entry)
    session.flush()


def verify(session: Session) -> tuple[int, int | None]:
    """Return how many entries are in order, and the id of the first that is not (None: all are).

    That the newest entries were cut off shows only against a count or a hash kept elsewhere:
    ``spinebot audit verify`` prints both.
    """
    before, count = FIRST, 0
    for entry in _all(session):
        if entry.hash not in _hashes(before, entry):
            return count, entry.id
        before, count = entry.hash, count + 1
    return count, None


def newest_hash(session: Session) -> str:
    """Return the hash of the newest entry, which stands for the whole trail."""
    return (
        session.scalar(sa.select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)) or FIRST
    )


def _all(session: Session) -> Iterator[AuditEntry]:
    last = 0
    while True:
        rows = session.scalars(
            sa.select(AuditEntry)
            .where(AuditEntry.id > last)
            .order_by(AuditEntry.id)
            .limit(ROWS_AT_ONCE)
        ).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].id
        session.expunge_all()


def renew(session: Session) -> int:
    """Make the whole trail's hashes anew with the newest secret key; return how many entries.

    Raises:
        AuditError: it is not in order; a new chain would hide that.
    """
    _one_writer(session)
    count, broken = verify(session)
    if broken is not None:
        raise AuditError(
            f"The audit trail is broken at entry {broken}: find out why (`spinebot audit verify`)."
        )
    before = FIRST
    for entry in _all(session):
        before = _hashes(before, entry)[0]
        session.execute(sa.update(AuditEntry).where(AuditEntry.id == entry.id).values(hash=before))
    return count


def _one_writer(session: Session) -> None:
    """Let nobody else write: two entries behind the same one would break the chain."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SELECT pg_advisory_xact_lock(7463289)"))


def _hashes(before: str, entry: AuditEntry) -> list[str]:
    """Return an entry's hash with each of our keys, the newest key's first."""
    moment: datetime = entry.at
    parts = [before, moment.isoformat(), entry.who, entry.what, entry.about, entry.details]
    return [each.hex() for each in signatures("audit trail", json.dumps(parts).encode())]
