"""What must be done now and then, for as long as the web process lives."""

from __future__ import annotations

import asyncio
import logging

from anyio import to_thread

from spinebot import handoffs, outbox, privacy, takeover
from spinebot.db import now, reading, writing
from spinebot.web.console import reports
from spinebot.web.pages import local
from spinebot.web.turns import NEWS, Turns

logger = logging.getLogger(__name__)
SECONDS = 10
ADOPT_SECONDS = 1
ROUNDS_A_COUNT = 6
# At night, when nobody waits for the database. A bot that was off then cleans the next night.
CLEANING_HOUR = 3


async def chores(turns: Turns) -> None:
    """Do them, over and over."""
    rounds = 0
    while True:
        await asyncio.sleep(SECONDS)
        try:
            if rounds == 0:
                await to_thread.run_sync(_add_missing_keys)
            for conversation_id in await to_thread.run_sync(_give_back_deserted):
                turns.tell(conversation_id, NEWS)
                turns.tell(conversation_id, ("owner", {}))
            await to_thread.run_sync(_tell)
            await to_thread.run_sync(_clean)
            if rounds % ROUNDS_A_COUNT == 0:
                await to_thread.run_sync(reports.count_ahead)
            rounds += 1
        except Exception as error:  # the database may be away: the next time
            logger.error("the chores failed: %s", type(error).__name__)


async def adopt(turns: Turns) -> None:
    """Answer what a process that died has left, over and over, where there are several."""
    while not turns.is_alone:
        await asyncio.sleep(ADOPT_SECONDS)
        try:
            await turns.adopt()
        except Exception as error:  # the database may be away: the next time
            logger.error("nothing is adopted: %s", type(error).__name__)


def _add_missing_keys() -> None:
    with writing() as session:
        if count := handoffs.add_missing_keys(session):
            logger.info("%d contacts of an older version can be found by number now", count)


def _give_back_deserted() -> list[int]:
    with reading() as session:
        if not takeover.has_deserted(session):
            return []
    with writing() as session:
        return takeover.give_back_deserted(session)


def _tell() -> None:
    with reading() as session:
        if not outbox.has_work(session):
            return
    with writing() as session:
        outbox.tell_waiting(session)
        outbox.tell_digest(session)
    outbox.send_due()


def _clean() -> None:
    if local(now()).hour != CLEANING_HOUR:
        return
    with reading() as session:
        if not privacy.is_due(session):
            return
    with writing() as session:
        logger.info("cleaned: %s", privacy.clean(session))
