"""Rasa's tracker store with our database manners, and with failures that are not swallowed."""

from __future__ import annotations

import sqlite3
from typing import Any, Optional

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig

BUSY_MILLISECONDS = 5000


class WorkingMemory(SQLTrackerStore):
    """SQLTrackerStore on the address given as ``url``; SQLite in WAL mode.

    Rasa names it in ``endpoints.yml``; a misspelt name there would silently mean memory only, so
    ``spinebot.bot.serve`` checks that it is this class that runs.
    """

    def __init__(
        self,
        domain: Optional[Domain] = None,
        host: str = "sqlite://",
        event_broker: Optional[EventBroker] = None,
        **kwargs: Any,
    ) -> None:
        """Connect. Rasa hands an endpoint's ``url`` over as ``host``."""
        kwargs.pop("db", None)
        super().__init__(domain=domain, host=host, event_broker=event_broker, db="", **kwargs)


def primary(store: TrackerStore) -> TrackerStore:
    """Return the store itself from Rasa's wrapper.

    The wrapper answers a failed save or read with a memory that nobody reads: the visitor gets an
    answer, and the turn is lost. Our channel uses the store itself and lets the turn fail.
    """
    return getattr(store, "_tracker_store", store)


def endpoint_is_ours(endpoint: Optional[EndpointConfig]) -> bool:
    """Return whether ``endpoints.yml`` names this store."""
    return endpoint is not None and endpoint.type == f"{__name__}.{WorkingMemory.__name__}"


@sa.event.listens_for(sa.engine.Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
