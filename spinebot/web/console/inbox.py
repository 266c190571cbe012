"""The trainers' inbox: messages that should have been understood as something else."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from spinebot import audit
from spinebot.accounts import Right
from spinebot.db import now, reading, writing
from spinebot.models import Account, Correction
from spinebot.web.console.auth import Staff, allow, page, see

router = APIRouter(prefix="/console/inbox", include_in_schema=False)
Corrector = Annotated[Staff, allow(Right.CORRECT)]
Trainer = Annotated[Staff, allow(Right.TRAIN)]
SHOWN = 200


@router.get("")
def inbox(request: Request, staff: Corrector, show: str = "") -> Response:
    """What is open, by what it should have been."""
    is_done = Correction.done_at.is_not(None) if show == "done" else Correction.done_at.is_(None)
    with reading() as session:
        found = session.execute(
            sa.select(Correction, Account.name)
            .join(Account, Account.id == Correction.account_id)
            .where(is_done)
            .order_by(Correction.should_be, Correction.id.desc())
            .limit(SHOWN)
        ).all()
    return page(request, "inbox.html", staff, corrections=found, show=show)


@router.post("/{item_id}/done")
def done(staff: Trainer, item_id: int) -> Response:
    """A trainer has dealt with it."""
    with writing() as session:
        session.execute(sa.update(Correction).where(Correction.id == item_id).values(done_at=now()))
        audit.record(session, staff.email, "dealt with", f"correction {item_id}")
    return see("/console/inbox")
