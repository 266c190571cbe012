"""Tokens of the clinic's own systems."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Request, Response

from spinebot import accounts, audit
from spinebot.accounts import Right
from spinebot.db import now, reading, writing
from spinebot.models import ApiToken
from spinebot.web.console.auth import Staff, allow, page, see

router = APIRouter(prefix="/console/tokens", include_in_schema=False)
Admin = Annotated[Staff, allow(Right.ACCOUNTS)]


def _page(request: Request, staff: Staff, token: str = "") -> Response:
    with reading() as session:
        found = session.scalars(sa.select(ApiToken).order_by(ApiToken.id.desc())).all()
    return page(request, "tokens.html", staff, tokens=found, token=token)


@router.get("")
def tokens(request: Request, staff: Admin) -> Response:
    """All tokens."""
    return _page(request, staff)


@router.post("")
def make(request: Request, staff: Admin, name: Annotated[str, Form()] = "") -> Response:
    """Make a token; it is shown once."""
    with writing() as session:
        token = accounts.new_system(session, name)
        audit.record(session, staff.email, "made a token", name[:80])
    return _page(request, staff, token)


@router.post("/{token_id}/revoke")
def revoke(staff: Admin, token_id: int) -> Response:
    """Make a token worthless."""
    with writing() as session:
        session.execute(sa.update(ApiToken).where(ApiToken.id == token_id).values(revoked_at=now()))
        audit.record(session, staff.email, "revoked a token", f"token {token_id}")
    return see("/console/tokens", "The token is revoked.")
