"""The trainers' inbox: messages that should have been understood as something else."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import now
from spinebot.errors import NotFoundError
from spinebot.models import Account, Correction

SHOWN = 200


def corrections(session: Session, *, is_done: bool) -> list[tuple[Correction, str]]:
    """Return corrections with the names of who made them, by what it should have been."""
    state = Correction.done_at.is_not(None) if is_done else Correction.done_at.is_(None)
    rows = session.execute(
        sa.select(Correction, Account.name)
        .join(Account, Account.id == Correction.account_id)
        .where(state)
        .order_by(Correction.should_be, Correction.id.desc())
        .limit(SHOWN)
    )
    return [(correction, name) for correction, name in rows]


def correction(session: Session, correction_id: int) -> Correction:
    """Return a correction.

    Raises:
        NotFoundError: there is none.
    """
    found = session.get(Correction, correction_id)
    if found is None:
        raise NotFoundError("There is no such correction.")
    return found


def deal_with(found: Correction, *, text: str | None = None, intent: str | None = None) -> None:
    """Take a correction off the list; text and intent: the example that was made of it."""
    found.done_at = now()
    found.text, found.should_be = text or found.text, intent or found.should_be
