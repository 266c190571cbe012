"""What several web processes share through Redis: who runs a turn, and that there is news.

A conversation's widget may be connected to one process while a message of it, or a reply of staff,
comes in at another one. The database has everything; Redis only says that there is something to
read, and that no two processes answer the same conversation at once. Without ``SPINEBOT_REDIS_URL``
there is one process, and nothing to share. While Redis is away, nobody waits for it: listeners look
into the database every two seconds, and turns run without its lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

CHANNEL = "spinebot:news"
LOCK = "spinebot:turn:{}"
# A process that dies leaves its locks behind for so long; one that lives renews them in time.
LOCK_SECONDS, RENEW_SECONDS = 5.0, 1.0
POLL_SECONDS = 0.05
LOOK_SECONDS = 2.0
# Longer than any turn: whoever waits so long goes on without the lock rather than never.
PATIENCE = 90.0
# Deletes or renews a lock only if it is still ours.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"
_RENEW = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then "
    "return redis.call('pexpire', KEYS[1], ARGV[2]) end"
)
Event = tuple[str, dict[str, Any]]


class Shared:
    """The way to the other web processes; without a Redis there are none."""

    def __init__(self, url: str | None) -> None:
        """url: of Redis, as in the settings."""
        self._name = uuid4().hex
        self._redis: Redis | None = None
        if url:
            self._redis = Redis.from_url(
                url.replace("redis+unix://", "unix://", 1),
                socket_timeout=2,
                socket_connect_timeout=2,
            )
        self._says: set[asyncio.Task[None]] = set()

    @property
    def is_alone(self) -> bool:
        """Whether there is no other process."""
        return self._redis is None

    def tell(self, conversation_id: int, event: Event) -> None:
        """Tell the other processes; does not wait for it."""
        if self._redis is None:
            return
        text = json.dumps([self._name, conversation_id, *event])
        task = asyncio.create_task(self._publish(self._redis, text))
        self._says.add(task)
        task.add_done_callback(self._says.discard)

    async def _publish(self, redis: Redis, text: str) -> None:
        # While Redis is away the others look for themselves.
        with contextlib.suppress(RedisError, OSError, asyncio.TimeoutError):
            await redis.publish(CHANNEL, text)

    async def listen(self, hear: Callable[[int, Event], None], look: Callable[[], None]) -> None:
        """Hand on what other processes tell, for ever.

        look: wakes every listener; called while Redis is away, and when it is back.
        """
        if self._redis is None:
            return
        is_away = False
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as news:
                    await news.subscribe(CHANNEL)
                    if is_away:
                        logger.warning("Redis is back")
                        is_away = False
                        look()
                    while True:
                        message = await news.get_message(timeout=1.0)
                        if message is None:
                            continue
                        sender, conversation_id, name, content = json.loads(message["data"])
                        if sender != self._name:
                            hear(conversation_id, (name, content))
            except (RedisError, OSError) as error:
                if not is_away:
                    logger.error("Redis is away: %s", type(error).__name__)
                is_away = True
                look()
                await asyncio.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def turn(self, conversation_id: int) -> AsyncIterator[None]:
        """Hold a conversation while a turn of it runs: other processes wait."""
        if self._redis is None:
            yield
            return
        key = LOCK.format(conversation_id)
        token = uuid4().hex
        is_held = await self._acquire(self._redis, key, token)
        renewing = asyncio.create_task(self._renew(self._redis, key, token)) if is_held else None
        try:
            yield
        finally:
            if renewing is not None:
                renewing.cancel()
                with contextlib.suppress(RedisError, OSError, asyncio.TimeoutError):
                    await self._redis.eval(_RELEASE, 1, key, token)

    async def _acquire(self, redis: Redis, key: str, token: str) -> bool:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        try:
            while not await redis.set(key, token, nx=True, px=int(LOCK_SECONDS * 1000)):
                if asyncio.get_running_loop().time() > deadline:
                    return False
                await asyncio.sleep(POLL_SECONDS)
        except (RedisError, OSError, asyncio.TimeoutError):
            return False
        return True

    async def _renew(self, redis: Redis, key: str, token: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(RedisError, OSError, asyncio.TimeoutError):
                await redis.eval(_RENEW, 1, key, token, str(int(LOCK_SECONDS * 1000)))

    async def close(self) -> None:
        """Close the connections."""
        if self._redis is not None:
            await self._redis.aclose()
