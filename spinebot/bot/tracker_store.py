"""Rasa's tracker store with our database manners, and with failures that are not swallowed."""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Optional

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

BUSY_MILLISECONDS = 5000
# A session ends after an hour of silence (domain.yml); after a day nothing asks for it.
KEPT_SECONDS = 86_400.0


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
        self._forgot_at = 0.0

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Save, and once an hour forget what no session can need any more."""
        await super().save(tracker)
        if time.time() - self._forgot_at > 3600:
            self._forgot_at = time.time()
            self.forget(older_than=KEPT_SECONDS)

    def forget(self, older_than: float) -> None:
        """Delete the events that are older than so many seconds: they hold what was typed."""
        events = self.SQLEvent.__table__
        with self.engine.begin() as connection:
            connection.execute(events.delete().where(events.c.timestamp < time.time() - older_than))


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
