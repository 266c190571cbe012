"""Time as the clinic's opening hours count it: a night and a weekend are no time at all."""

from __future__ import annotations

from datetime import datetime, timedelta

from spinebot.clinic import Opening

# Longer than this nobody needs to know it exactly; it also ends the loop at a clinic without hours.
LONGEST = timedelta(days=60)


def between(opening: Opening, start: datetime, end: datetime) -> timedelta:
    """Return how much of the time between two moments the clinic was open; 60 days at most."""
    total, moment = timedelta(0), max(start, end - LONGEST)
    while moment < end:
        is_open, changes = opening.turns(moment)
        until = min(changes or end, end)
        if is_open:
            total += until - moment
        moment = max(until, moment + timedelta(seconds=1))
    return total
