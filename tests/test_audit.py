"""The audit trail: whatever is done to it in the database shows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from spinebot import audit
from spinebot.db import now, reading, writing
from spinebot.models import AuditEntry
from tests.factories import at_once


def record(what: str = "opened") -> None:
    with writing() as session:
        audit.record(session, "ann@clinic.example", what, "conversation 1")


def verified() -> tuple[int, int | None]:
    with reading() as session:
        return audit.verify(session)


def test_entries_are_in_order(database: str) -> None:
    for _ in range(3):
        record()
    assert verified() == (3, None)


def test_entries_written_at_once_are_in_order(database: str) -> None:
    assert at_once(record) == [None] * 8
    assert verified() == (8, None)


@pytest.mark.parametrize(
    "damage",
    [
        sa.update(AuditEntry).where(AuditEntry.id == 2).values(who="bo@clinic.example"),
        sa.update(AuditEntry).where(AuditEntry.id == 2).values(what="deleted"),
        sa.update(AuditEntry).where(AuditEntry.id == 2).values(at=now()),
        sa.delete(AuditEntry).where(AuditEntry.id == 2),
        sa.delete(AuditEntry).where(AuditEntry.id == 1),
        sa.insert(AuditEntry).values(
            id=9, at=now(), who="x", what="x", about="x", details="x", hash="f" * 64
        ),
    ],
)
def test_damage_shows(sqlite_database: object, damage: sa.Executable) -> None:
    for _ in range(3):
        record()
    with writing() as session:
        session.execute(damage)
    assert verified()[1] is not None


def test_an_entry_is_gone_with_what_it_tells(sqlite_database: object) -> None:

    def fail_half_way() -> None:
        with writing() as session:
            audit.record(session, "ann@clinic.example", "deleted")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert verified() == (0, None)
