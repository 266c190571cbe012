"""Who may ask, and how often: allowed sites, and limits for each address and conversation."""

from __future__ import annotations

import functools
import logging
import math
import secrets
import time
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from starlette.requests import Request

from spinebot.clinic import clinic
from spinebot.errors import SpinebotError
from spinebot.settings import settings

logger = logging.getLogger(__name__)


class LaterError(SpinebotError):
    """Not now. ``code``: why; ``wait``: seconds until the next try."""

    def __init__(self, code: str, words: str, wait: int) -> None:
        """words: the clinic's, said calmly."""
        super().__init__(words)
        self.code, self.wait = code, wait


class TooManyError(LaterError):
    """Somebody asks more often than a person would."""

    def __init__(self, wait: int) -> None:
        """wait: until the window of the limit is over."""
        super().__init__("too_many", clinic().say("too_many"), wait)


class BusyError(LaterError):
    """More people write than can be answered in time."""

    def __init__(self) -> None:
        """Not all may come again at the same moment."""
        super().__init__("busy", clinic().say("busy"), 2 + secrets.randbelow(4))


def is_allowed_origin(request: Request) -> bool:
    """Return whether the page behind a request may use this: our own, or one of ``sites``.

    Programs that are no browsers send no origin; what they may do the limits say.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return True
    own = {request.headers.get("host", ""), urlsplit(settings().public_url).netloc}
    return urlsplit(origin).netloc in own or origin in clinic().sites


async def count(what: str, who: str) -> None:
    """Count one request.

    what: ``messages``, ``address``, ``conversations`` or ``handoffs``; who: the token or address.

    Raises:
        TooManyError: it is one too many.
    """
    limit = _limits()[what]
    try:
        if await _limiter().hit(limit, what, who):
            return
        window = await _limiter().get_window_stats(limit, what, who)
    except StorageError as error:
        # Nobody in pain is turned away because we cannot count.
        logger.error("the limits cannot be counted: %s", type(error.storage_error).__name__)
        return
    raise TooManyError(max(1, math.ceil(window.reset_time - time.time())))


def address(request: Request) -> str:
    """Return the visitor's address; behind a proxy on this machine, the one that it names."""
    return request.client.host if request.client else ""


@functools.cache
def _limits() -> dict[str, RateLimitItem]:
    return {name: parse(text) for name, text in settings().limits.items()}


@functools.cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    # Counts of one process; several processes share them in Redis. Two counts a window for each
    # visitor: the strategy that keeps every moment looks through those of all visitors each time.
    options = {"implementation": "redispy"} if settings().redis_url else {}
    url = f"async+{settings().redis_url or 'memory://'}"
    counts = storage_from_string(url, wrap_exceptions=True, **options)
    return SlidingWindowCounterRateLimiter(counts)
