"""The database's own manners, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from spinebot import conversations, db, demo, desk, handoffs, privacy, reviews
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


def test_a_clinic_of_the_first_version_keeps_everything(database: str, migrations: Config) -> None:
    load_articles()  # so that what the first version had of them is found again
    command.downgrade(migrations, "0001")
    began = db.now() - timedelta(days=300)
    _fill_the_first_version(began)
    db.upgrade()
    load_articles()
    with db.writing() as session:
        assert handoffs.add_missing_keys(session) == 1
    with db.reading() as session:
        [row] = reviews.find_conversations(session, reviews.Filters(q="cramps"), 1).rows
        assert (row.opening, row.conversation.page) == ("My back cramps. [phone]", "/spasms")
        assert set(row.automatic) == {"red flag", "handoff"}
        said = conversations.messages_after(session, row.conversation.id, 0)
        assert [(m.sender, m.said) for m in said] == [
            ("visitor", "My back cramps. 202-555-0143"),
            ("bot", "Rest a little."),
        ]
        assert said[0].created_at == began
        assert reviews.find_conversations(session, reviews.Filters(red_flag="yes"), 1).rows
        [waiting] = desk.queue(session)
        assert (waiting.is_urgent, waiting.color) == (True, "red")
        found = desk.with_contact(session, waiting.handoff.id)
        assert found.contact is not None
        assert (found.contact.name, found.contact.phone) == ("Ann Sample", "+12025550143")
        assert (found.best_time, found.pain_area) == ("mornings", "lower back")
        assert [change.new_status for change in desk.changes_of(session, found)] == ["new"]
        assert privacy.find(session, "(202) 555-0143").handoffs == [found]
    command.check(migrations)


def _fill_the_first_version(began: datetime) -> None:
    """One conversation with a red flag and a handoff, as the first version wrote it."""
    tables = sa.MetaData()
    with db.engine().begin() as connection:
        tables.reflect(connection)

        def insert(table: str, /, **values: object) -> None:
            connection.execute(tables.tables[table].insert().values(id=1, **values))

        def sealed(text: str) -> str:
            return str(db.Sealed().process_bind_param(text, connection.dialect))

        insert(
            "conversation",
            **{"token_hash": "x", "owner": "bot", "page": "/spasms", "created_at": began},
            **{"last_message_at": began, "last_number": 2, "rasa_session": 1, "rasa_turns": 1},
            memory={"red_flag": True},
        )
        said = tables.tables["message"].insert()
        common = {"conversation_id": 1, "created_at": began}
        connection.execute(
            said.values(
                **{"id": 1, "number": 1, "sender": "visitor", "key": "k", "answered_at": began},
                **{"text": "My back cramps. [phone]", "intent": "report_emergency"},
                **{"original": sealed("My back cramps. 202-555-0143"), **common},
            )
        )
        connection.execute(
            said.values(
                **{"id": 2, "number": 2, "sender": "bot", "text": "Rest a little."},
                **{"in_reply_to": 1, **common},
            )
        )
        insert(
            "finding",
            **{"conversation_id": 1, "message_id": 1, "rule": "RF01", "action": "call_911"},
            **{"evidence": ["cramps"], "created_at": began},
        )
        insert(
            "handoff",
            **{"reference": "ABC234", "sender": "1-1", "conversation_id": 1, "status": "new"},
            **{"reason": "mri_review", "name": sealed("Ann Sample"), "key": "h"},
            **{"phone": sealed("+12025550143"), "best_time": sealed("mornings")},
            **{"recent_mri": "no", "pain_area": sealed("lower back"), "consent_text": "Yes."},
            **{"consented_at": began, "created_at": began},
        )
        insert(
            "handoff_change",
            **{"handoff_id": 1, "changed_at": began, "changed_by": "visitor", "new_status": "new"},
        )


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
