"""Rasa's tracker store with our database manners, and with failures that are not swallowed."""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Dict, List, Optional

import sqlalchemy as sa
import ujson
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy.pool import QueuePool

BUSY_MILLISECONDS = 5000
# A session ends after an hour of silence (domain.yml); after a day nothing asks for it.
KEPT_SECONDS = 86_400.0
# So many of a conversation's last messages are loaded. Policies look at five turns.
MESSAGES_KEPT = 10

# Where a conversation's session begins, and the message with which its last ones begin, if there
# are so many.
_BOUNDS = sa.text(
    "SELECT begun.id, (SELECT id FROM events WHERE sender_id = :sender AND type_name = 'user' "
    "AND id >= coalesce(begun.id, 0) ORDER BY id DESC LIMIT 1 OFFSET :earlier) "
    "FROM (SELECT max(id) AS id FROM events "
    "WHERE sender_id = :sender AND type_name = 'session_started') AS begun"
)
_ALL = sa.text("SELECT data FROM events WHERE sender_id = :sender AND id >= :first ORDER BY id")
# The last messages, and of what came before the newest event of each slot and of each form. A
# slot's event bears its name in the column that an action's has.
_LAST = sa.text(
    "SELECT data FROM events WHERE sender_id = :sender AND (id >= :last OR id IN ("
    "SELECT max(id) FROM events WHERE sender_id = :sender AND id >= :first AND id < :last "
    "AND type_name IN ('session_started', 'slot', 'active_loop') "
    "GROUP BY type_name, action_name)) ORDER BY id"
)


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
        engine: Any = self.engine
        if engine.dialect.name == "sqlite":
            # By default a SQLite file is opened and closed again for every query.
            engine.dispose()
            self.engine: Any = sa.create_engine(
                host, poolclass=QueuePool, connect_args={"check_same_thread": False}
            )
            self.sessionmaker: Any = sa.orm.session.sessionmaker(bind=self.engine)
        else:
            # A connection that a restart of the server has closed is noticed and made anew.
            engine.pool._pre_ping = True
        self._forgot_at = 0.0

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """Return the tracker of the sender's last session, or None.

        Plain columns instead of Rasa's objects: half the time of a load. Of a long conversation the
        last messages, and what the earlier ones left behind: the newest value of each slot, and
        the form that is open. So the 200th turn takes no longer than the tenth.
        """
        with self.engine.connect() as connection:
            rows = self._rows_of(connection, sender_id)
        found = [ujson.loads(data) for data in rows]
        if not found:
            return None
        tracker = DialogueStateTracker.from_dict(sender_id, found, self.domain.slots)
        tracker.stored_events = len(tracker.events)
        return tracker

    @staticmethod
    def _rows_of(connection: sa.engine.Connection, sender_id: str) -> List[str]:
        """Return the data of the events that a tracker is made from, in their order."""
        values: Dict[str, Any] = {"sender": sender_id}
        first, last = connection.execute(_BOUNDS, {**values, "earlier": MESSAGES_KEPT - 1}).one()
        values["first"] = first or 0
        if last is None:
            return list(connection.execute(_ALL, values).scalars())
        return list(connection.execute(_LAST, {**values, "last": last}).scalars())

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Append the tracker's new events; once an hour forget what no session needs any more.

        How many are stored is remembered with the tracker, where Rasa counts them anew each time.
        """
        stored = getattr(tracker, "stored_events", None)
        if stored is None and await self.retrieve(tracker.sender_id) is not None:
            # A tracker that was not loaded from here: Rasa's own way compares.
            await super().save(tracker)
        else:
            new = [self._row(tracker.sender_id, event) for event in list(tracker.events)[stored:]]
            with self.engine.begin() as connection:
                if new:
                    connection.execute(self.SQLEvent.__table__.insert(), new)
        tracker.stored_events = len(tracker.events)
        if time.time() - self._forgot_at > 3600:
            self._forgot_at = time.time()
            self.forget(older_than=KEPT_SECONDS)

    @staticmethod
    def _row(sender_id: str, event: Event) -> Dict[str, Any]:
        data = event.as_dict()
        intent = (data.get("parse_data") or {}).get("intent") or {}
        return {
            "sender_id": sender_id,
            "type_name": event.type_name,
            "timestamp": data.get("timestamp"),
            "intent_name": intent.get("name"),
            "action_name": data.get("name"),
            "data": ujson.dumps(data),
        }

    def forget(self, older_than: float) -> None:
        """Delete the events that are older than so many seconds: they hold what was typed."""
        events = self.SQLEvent.__table__
        with self.engine.begin() as connection:
            connection.execute(events.delete().where(events.c.timestamp < time.time() - older_than))

    def forget_conversation(self, number: int) -> None:
        """Delete all events of a conversation's sessions (``<number>.<session>``)."""
        events = self.SQLEvent.__table__
        with self.engine.begin() as connection:
            connection.execute(events.delete().where(events.c.sender_id.like(f"{number}.%")))


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
