"""The database: engine, sessions, and the column types that several tables share."""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy.engine import URL, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from spinebot.keys import keys_for
from spinebot.settings import ROOT, settings

if TYPE_CHECKING:
    from alembic.config import Config

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_SECONDS = 5  # how long a writer waits for another one on SQLite


class Base(DeclarativeBase):
    """The root of every table of ours."""

    metadata = sa.MetaData(naming_convention=NAMING)


class Moment(TypeDecorator[datetime]):
    """A time in UTC. SQLite keeps no zone, so it is taken off and put back on here."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: nobody could say what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(timezone.utc)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time with its zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)
        return value.astimezone(timezone.utc)


class Sealed(TypeDecorator[str]):
    """Text that is encrypted in the database with the clinic's key (Fernet)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal."""
        return None if value is None else _fernet().encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open."""
        return None if value is None else _fernet().decrypt(value.encode()).decode()


@functools.cache
def _fernet() -> MultiFernet:
    keys = map(base64.urlsafe_b64encode, keys_for("sealed columns"))
    return MultiFernet([*map(Fernet, keys)])


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(timezone.utc)


def clock(session: Session) -> Any:
    """Return the present by the one clock that all processes have: PostgreSQL's, as an expression.

    The clocks of several machines differ, and one of them may jump. With SQLite there is one.
    """
    if session.get_bind().dialect.name == "postgresql":
        return sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))
    return now()


def create_engine(url: URL) -> Engine:
    """Return an engine with the manners that each kind of database needs."""
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: _begin_immediate does.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    """Take the write lock at once, unless the transaction said that it only reads.

    A reader that turns writer in mid-transaction cannot wait for another writer: it fails.
    """
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@functools.cache
def engine() -> Engine:
    """Return this process's engine."""
    return create_engine(settings().database_url)


@functools.lru_cache(maxsize=2)
def _sessions(bind: Engine, read_only: bool) -> sessionmaker[Session]:
    """Return what makes the sessions; made once, since that takes as long as a query."""
    if read_only:
        bind = bind.execution_options(read_only=True)
    return sessionmaker(bind, expire_on_commit=False)


@contextmanager
def writing() -> Iterator[Session]:
    """A session in one transaction: committed at the end, rolled back on an error."""
    with _sessions(engine(), False).begin() as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads: it waits for no writer."""
    with _sessions(engine(), True)() as session:
        yield session


@dataclass(frozen=True)
class Revisions:
    """present: the database's, None without tables; known: this program's, the newest first."""

    present: str | None
    known: tuple[str, ...]

    @property
    def is_ahead(self) -> bool:
        """Whether a newer program has brought the tables up to date."""
        return self.present is not None and self.present not in self.known


def revisions() -> Revisions:
    """Return how far the tables are, and how far this program would bring them."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with engine().connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_migrations()).walk_revisions()
    return Revisions(present, tuple(script.revision for script in scripts))


def upgrade() -> None:
    """Bring the tables to the newest revision (Alembic).

    A database that is ahead of this program is left as it is: revisions add and take nothing away,
    so the version before goes on with it when an upgrade is taken back.
    """
    from alembic import command

    if not revisions().is_ahead:
        command.upgrade(_migrations(), "head")


def _migrations() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config
