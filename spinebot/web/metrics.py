"""Figures for Prometheus: turns, waiting, refusals, red flags, the desk's queue, the outbox.

They count; nothing that anybody said is in them. ``GET /metrics`` answers who reaches the web
process itself; through a proxy there is no such page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from spinebot import desk
from spinebot.db import now, reading
from spinebot.errors import NotFoundError
from spinebot.models import Handoff, HandoffStatus, Outgoing
from spinebot.training.models import live_model

if TYPE_CHECKING:
    from spinebot.web.turns import Turns

router = APIRouter(include_in_schema=False)
_registry = CollectorRegistry()
TURNS = Counter(
    "spinebot_turns",
    "Visitors' messages that were dealt with: answered, red_flag, staff (in the chat), apology.",
    ["outcome"],
    registry=_registry,
)
UNSURE = Counter(
    "spinebot_unsure", "Messages that were not understood well enough.", registry=_registry
)
TURN_SECONDS = Histogram(
    "spinebot_turn_seconds",
    "From the acceptance of a message to its stored replies.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
    registry=_registry,
)
TRIED_AGAIN = Counter(
    "spinebot_turns_tried_again",
    "Tries of a turn that failed because Rasa, the actions or the database were away.",
    registry=_registry,
)
REFUSED = Counter(
    "spinebot_refused",
    "Messages that were refused, to be sent again: too_many (of one visitor), busy (of all).",
    ["why"],
    registry=_registry,
)
_UNDER_WAY = Gauge(
    "spinebot_turns_under_way", "Turns that have begun and not ended.", registry=_registry
)
_QUEUE_SECONDS = Gauge(
    "spinebot_queue_seconds", "How long one more message would wait.", registry=_registry
)
_READY = Gauge("spinebot_ready", "1 while a part is there.", ["part"], registry=_registry)
_HANDOFFS = Gauge("spinebot_handoffs", "Handoffs by state.", ["state"], registry=_registry)
_OLDEST = Gauge(
    "spinebot_handoff_oldest_seconds",
    "How long the oldest handoff has waited that nobody has claimed.",
    registry=_registry,
)
_OUTBOX = Gauge(
    "spinebot_outbox", "Mails and calls: due, and dead (given up).", ["state"], registry=_registry
)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return all figures in Prometheus' text format."""
    if "x-forwarded-for" in request.headers:
        raise NotFoundError("There is no such page.")
    turns: Turns = request.app.state.turns
    _UNDER_WAY.set(turns.pace.under_way)
    _QUEUE_SECONDS.set(turns.pace.seconds)
    missing = await request.app.state.rasa.missing()
    for part in ("rasa", "actions"):
        _READY.labels(part).set(part not in missing)
    _READY.labels("model").set(live_model() is not None)
    try:
        await to_thread.run_sync(_count)
        _READY.labels("database").set(1)
    except sa.exc.OperationalError:
        _READY.labels("database").set(0)
    return Response(generate_latest(_registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _count() -> None:
    with reading() as session:
        states = desk.counts(session)
        oldest = session.scalar(
            sa.select(sa.func.min(Handoff.created_at)).where(
                Handoff.status == HandoffStatus.NEW.value
            )
        )
        waiting = (Outgoing.sent_at.is_(None), Outgoing.failed_at.is_(None))
        due = session.scalar(sa.select(sa.func.count(Outgoing.id)).where(*waiting))
        dead = session.scalar(
            sa.select(sa.func.count(Outgoing.id)).where(Outgoing.failed_at.is_not(None))
        )
    for state in HandoffStatus:
        _HANDOFFS.labels(state.value).set(states.get(state.value, 0))
    _OLDEST.set((now() - oldest).total_seconds() if oldest else 0)
    _OUTBOX.labels("due").set(due or 0)
    _OUTBOX.labels("dead").set(dead or 0)
