"""The console of staff: pages and forms under ``/console``, one file a noun."""

from __future__ import annotations

import asyncio
import logging

from anyio import to_thread
from fastapi import APIRouter

from spinebot import outbox
from spinebot import takeover as live
from spinebot.db import writing
from spinebot.web.console import (
    accounts,
    conversations,
    handoffs,
    inbox,
    outgoing,
    reports,
    takeover,
)
from spinebot.web.turns import NEWS, Turns

router = APIRouter()
NOUNS = (accounts, takeover, conversations, handoffs, inbox, outgoing, reports)
for _noun in NOUNS:
    router.include_router(_noun.router)

logger = logging.getLogger(__name__)
CHORES_SECONDS = 10


async def chores(turns: Turns) -> None:
    """What must be done now and then, for as long as the web process lives."""
    while True:
        await asyncio.sleep(CHORES_SECONDS)
        try:
            for conversation_id in await to_thread.run_sync(_deserted):
                turns.tell(conversation_id, NEWS)
                turns.tell(conversation_id, ("owner", {}))
            await to_thread.run_sync(_tell)
        except Exception as error:  # the database may be away: the next time
            logger.error("the console's chores failed: %s", type(error).__name__)


def _deserted() -> list[int]:
    with writing() as session:
        return live.give_back_deserted(session)


def _tell() -> None:
    with writing() as session:
        outbox.tell_waiting(session)
        outbox.tell_digest(session)
    outbox.send_due()
