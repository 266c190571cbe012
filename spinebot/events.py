"""How often the widget is used: counts by day, without text and without a visitor."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.models import EventCount


def count(session: Session, name: str, day: date) -> None:
    """Count one event of this name on this day."""
    again = (
        sa.update(EventCount)
        .where(EventCount.day == day, EventCount.name == name)
        .values(count=EventCount.count + 1)
    )
    if session.execute(again).rowcount:  # type: ignore[attr-defined]
        return
    try:
        with session.begin_nested():
            session.add(EventCount(day=day, name=name, count=1))
    except sa.exc.IntegrityError:
        # The day's first was counted by another process in the same moment.
        session.execute(again)
