"""Alembic's environment: our tables only, on the database that the settings name."""

from __future__ import annotations

from alembic import context
from sqlalchemy.types import TypeDecorator

import spinebot.models  # noqa: F401  fills the metadata
from spinebot.db import Base, engine


def _is_ours(_object: object, name: str | None, kind: str, reflected: bool, _to: object) -> bool:
    # Rasa may keep its table `events` in the same PostgreSQL database; the search has tables too.
    if (kind, name) in {("index", "ix_message_search"), ("column", "words")}:
        return False
    return not (kind == "table" and reflected and name not in Base.metadata.tables)


def _plain_types(kind: str, item: object, _context: object) -> str | bool:
    # A migration says what lies in the database and must not change with our classes.
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


with engine().connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=_is_ours,
        compare_type=True,
        render_item=_plain_types,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
