"""How many turns may wait, so that who is let in is answered soon: measured, not configured.

Rasa understands one message after the other. Where more come than it can take, a queue without an
end would make everybody wait for ever longer; so a message that could not be answered in time is
refused at once, politely, and the widget sends it a little later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# So many may always be under way: a short queue is no overload.
FEWEST = 16
# Seconds within which the last of the queue should be answered.
LONGEST_WAIT = 1.0
# Share of the newest interval in the average.
_NEWEST = 0.1


class Pace:
    """Counts turns under way and measures how fast they end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, from whenever."""
        self._clock = clock
        self._under_way = 0
        self._arriving = 0
        self._since = 0.0
        # Seconds between two turns' ends while there was always one under way.
        self._interval: float | None = None

    @property
    def under_way(self) -> int:
        """How many turns have begun and not ended."""
        return self._under_way

    @property
    def most(self) -> int:
        """How many may be under way."""
        if self._interval is None:
            return FEWEST
        return max(FEWEST, int(LONGEST_WAIT / self._interval))

    @property
    def seconds(self) -> float:
        """How long one more turn would wait."""
        return self._under_way * (self._interval or 0.0)

    @property
    def is_full(self) -> bool:
        """Return whether one more would wait too long."""
        return self._under_way + self._arriving >= self.most

    @contextmanager
    def arrival(self) -> Iterator[None]:
        """Count a message that is being taken in: it has no turn yet, and will wait for one."""
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    def begin(self) -> None:
        """A turn begins."""
        if not self._under_way:
            self._since = self._clock()
        self._under_way += 1

    def end(self) -> None:
        """A turn has ended."""
        now = self._clock()
        taken = max(now - self._since, 1e-4)
        before = taken if self._interval is None else self._interval
        self._interval = before + _NEWEST * (taken - before)
        self._since = now
        self._under_way -= 1
