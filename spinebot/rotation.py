"""A new secret key for a bot that has data: added, everything sealed anew with it, the old dropped.

Between adding and dropping both keys are good: the newest seals and signs, the older one opens and
checks. Nobody who chats notices, and each step can be broken off and begun anew.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.orm import Session

from spinebot import audit, handoffs
from spinebot.db import Base, Sealed, reading, writing
from spinebot.errors import SpinebotError
from spinebot.files import write_whole
from spinebot.keys import keys_for
from spinebot.settings import new_secret, secret_file, settings

AT_ONCE = 500  # values a transaction: visitors write meanwhile


class RotationError(SpinebotError):
    """The key cannot be changed now; the message says why, and nothing has changed."""


@dataclass(frozen=True)
class Resealed:
    """What was sealed or signed anew. trail: the audit trail's entries; newest: its newest hash."""

    values: int
    contacts: int
    trail: int
    newest: str


def add() -> Path:
    """Put a new key before the present one; return the file. It counts from the next start on.

    Raises:
        RotationError: the key is no file's, the file cannot be written, or a change goes on.
    """
    path = secret_file(os.environ)
    if path is None:
        raise RotationError(
            "The key stands in SPINEBOT_SECRET_KEY: put a new one of 32 characters or more before "
            "it there, with a blank between them, and restart the bot."
        )
    if len(settings().secret_keys) > 1:
        raise RotationError("There are two keys already: `spinebot keys reseal`, then `drop`.")
    _write(path, f"{new_secret()}\n{settings().secret_key}\n")
    return path


def reseal() -> Resealed:
    """Seal and sign with the newest key what older ones have sealed and signed, bit by bit.

    Raises:
        RotationError: a value cannot be opened with any key.
        AuditError: the audit trail is not in order.
    """
    values = 0
    for column in _columns():
        last: int | None = 0
        while last is not None:
            with writing() as session:
                last, count = _reseal(session, column, last)
            values += count
    with writing() as session:
        contacts = handoffs.renew_keys(session)
        count = audit.renew(session)
        audit.record(session, "spinebot", "sealed everything with a new key")
        return Resealed(values, contacts, count, audit.newest_hash(session))


def drop() -> Path:
    """Take the older keys away; return the file.

    Raises:
        RotationError: there is one key only, it is no file's, the file cannot be written, or
            something needs an older key.
    """
    path = secret_file(os.environ)
    if path is None:
        raise RotationError("Take the older key out of SPINEBOT_SECRET_KEY, and restart the bot.")
    if len(settings().secret_keys) == 1:
        raise RotationError("There is one key only: nothing to drop.")
    with reading() as session:
        if count := left(session):
            raise RotationError(f"{count} values need an older key: `spinebot keys reseal` first.")
    _write(path, f"{settings().secret_key}\n")
    return path


def _write(path: Path, keys: str) -> None:
    try:
        write_whole(path, keys)
    except OSError as error:
        raise RotationError(
            f"{path} cannot be written ({error.strerror}); nothing has changed. Where the file is "
            "not the bot's own, put the keys in by hand: a line each, the newest first."
        ) from error


def left(session: Session) -> int:
    """Return how many values are sealed with an older key."""
    newest = _fernets()[0]
    return sum(
        not _opens(newest, sealed)
        for column in _columns()
        for (sealed,) in session.execute(sa.select(_raw(column)).where(column.is_not(None)))
    )


def _columns() -> Iterator[sa.Column[str]]:
    for table in Base.metadata.sorted_tables:
        yield from (each for each in table.columns if isinstance(each.type, Sealed))


def _reseal(session: Session, column: sa.Column[str], last: int) -> tuple[int | None, int]:
    """Seal some rows behind ``last`` anew; return the last one (None: no more), and how many."""
    newest, *_ = fernets = _fernets()
    [key] = column.table.primary_key
    rows = session.execute(
        sa.select(key, _raw(column))
        .where(key > last, column.is_not(None))
        .order_by(key)
        .limit(AT_ONCE)
    ).all()
    count = 0
    for number, sealed in rows:
        if _opens(newest, sealed):
            continue
        try:
            new = MultiFernet(fernets).rotate(sealed).decode()
        except InvalidToken:
            raise RotationError(
                f"{column.table.name} {number}: {column.name} opens with none of the keys."
            ) from None
        session.execute(
            # Not if somebody has changed it meanwhile: then it has the newest key already.
            sa.update(column.table)
            .where(key == number, _raw(column) == sealed)
            .values({column.name: sa.literal(new, sa.Text)})
        )
        count += 1
    return (rows[-1][0] if rows else None), count


def _raw(column: sa.Column[str]) -> sa.ColumnElement[str]:
    """The column as it stands in the database."""
    return sa.type_coerce(column, sa.Text)


def _fernets() -> list[Fernet]:
    return [Fernet(base64.urlsafe_b64encode(key)) for key in keys_for("sealed columns")]


def _opens(fernet: Fernet, sealed: str) -> bool:
    try:
        fernet.decrypt(sealed)
    except InvalidToken:
        return False
    return True
