"""What is sent to staff and to the clinic's webhook, and what could not be sent."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from spinebot import audit, outbox
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.models import Outgoing
from spinebot.settings import settings
from spinebot.web.console.auth import Staff, allow, page, see

router = APIRouter(prefix="/console/outgoing", include_in_schema=False)
Admin = Annotated[Staff, allow(Right.ACCOUNTS)]
SHOWN = 100


@router.get("")
def outgoing(request: Request, staff: Admin) -> Response:
    """First what was given up, then what waits, then what was sent."""
    with reading() as session:
        found = session.scalars(
            sa.select(Outgoing)
            .order_by(
                Outgoing.failed_at.is_(None), Outgoing.sent_at.is_not(None), Outgoing.id.desc()
            )
            .limit(SHOWN)
        ).all()
    current = settings()
    return page(
        *(request, "outgoing.html", staff),
        items=found,
        has_mail=bool(current.smtp_url),
        has_webhook=bool(current.webhook_url),
    )


@router.post("/{item_id}/again")
def again(staff: Admin, item_id: int) -> Response:
    """Try something once more."""
    with writing() as session:
        outbox.send_again(session, item_id)
        audit.record(session, staff.email, "sent again", f"outgoing {item_id}")
    return see("/console/outgoing", "It is tried again within ten seconds.")
