"""The database's own manners, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from spinebot import db, demo
from spinebot.models import Contact, Conversation, Handoff, Message, Role
from tests.conftest import ROOT
from tests.console import new_account
from tests.factories import load_articles


@pytest.fixture
def migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config


def test_migrations_make_what_the_models_say(database: str, migrations: Config) -> None:
    command.check(migrations)


def test_versions_can_be_taken_back_under_a_clinics_data(database: str, migrations: Config) -> None:
    load_articles()
    account = new_account(Role.ADMIN)
    with db.writing() as session:
        demo.fill(session, 30, account)

    def kept() -> list[object]:
        with db.reading() as session:
            query = sa.select(Message.number, Message.conversation_id, Message.text)
            contacts = sa.select(Contact.name, Contact.phone, Contact.email)
            return [
                session.execute(query.order_by(Message.id)).all(),
                session.execute(contacts.order_by(Contact.handoff_id)).all(),
            ]

    before = kept()
    for _ in range(6):
        command.downgrade(migrations, "-1")
    command.upgrade(migrations, "head")
    assert kept() == before
    command.check(migrations)


def test_a_database_that_is_ahead_is_left_as_it_is(database: str) -> None:
    """An upgrade was taken back: the version before goes on with the newer tables."""
    load_articles()
    with db.engine().begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    db.upgrade()
    with db.engine().connect() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"
        assert connection.scalar(sa.text("SELECT count(*) FROM article")) > 0


def test_a_time_comes_back_with_its_zone(database: str) -> None:
    moment = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    with db.writing() as session:
        session.add(Conversation(token_hash="x", page="", created_at=moment))
    with db.reading() as session:
        found = session.scalars(sa.select(Conversation)).one()
    assert found.created_at == moment
    assert found.created_at.tzinfo is timezone.utc


def test_a_time_without_zone_is_refused(database: str) -> None:
    with pytest.raises(sa.exc.StatementError, match="no time zone"), db.writing() as session:
        session.add(Conversation(token_hash="x", page="", created_at=datetime(2026, 3, 1)))


def test_sealed_text_is_not_in_the_file(sqlite_database: Path) -> None:
    with db.writing() as session:
        session.add(
            Handoff(
                reference="SB-1",
                sender="1.1",
                reason="callback",
                contact=Contact(name="Ann Sample"),
                consent_text="",
                consented_at=db.now(),
                key="k",
            )
        )
    with db.reading() as session:
        assert session.scalars(sa.select(Contact.name)).one() == "Ann Sample"
    raw = b"".join(path.read_bytes() for path in sqlite_database.parent.glob("spinebot.db*"))
    assert b"Ann Sample" not in raw


def test_an_error_rolls_everything_back(database: str) -> None:
    def fail_in_the_middle() -> None:
        with db.writing() as session:
            session.add(Conversation(token_hash="x", page=""))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Conversation)) == 0


def test_sqlite_runs_in_wal_mode(sqlite_database: Path) -> None:
    with db.engine().connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
