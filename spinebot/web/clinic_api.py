"""For the clinic's own systems: handoffs, conversations and events, behind a token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session, joinedload

from spinebot import accounts, audit, conversations
from spinebot.db import now, reading, writing
from spinebot.models import AuditEntry, Conversation, Finding, Handoff, HandoffChange

router = APIRouter(prefix="/api/v1", tags=["clinic"])
MOST = 100
# The largest id that every database can hold.
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
_bearer = HTTPBearer(auto_error=False, description="A token that an administrator has made.")


def _system(
    request: Request,
    sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """Return the name of the system that asks, and keep in the audit trail that it did."""
    with writing() as session:
        found = accounts.system_of(session, sent.credentials) if sent else None
        if found is None:
            raise HTTPException(
                401, "A token is missing, wrong or revoked.", {"WWW-Authenticate": "Bearer"}
            )
        found.used_at = now()
        name = f"system: {found.name}"
        audit.record(session, name, "read", request.url.path)
    return name


System = Annotated[str, Depends(_system)]
After = Annotated[int, Query(ge=0, le=2**31 - 1, description="the last id that was read")]
Limit = Annotated[int, Query(ge=1, le=MOST)]


class Error(BaseModel):
    """The body of every error."""

    error: dict[str, Any]


_ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": Error} for status in (401, 404, 422)}


class ApiHandoff(BaseModel):
    """A request that a visitor left."""

    id: int
    reference: str
    created_at: datetime
    kind: str
    status: str
    outcome: str | None
    red_flag: bool
    conversation: int | None
    name: str
    phone: str | None
    email: str | None
    best_time: str | None
    recent_mri: str | None
    mri_date: str | None
    pain_area: str | None
    message: str | None
    consent: str
    consented_at: datetime


class ApiMessage(BaseModel):
    """A message, masked."""

    number: int
    sender: str
    at: datetime
    text: str
    intent: str | None
    confidence: float | None


class ApiConversation(BaseModel):
    """A conversation; ``messages`` only when one is asked for."""

    id: int
    began_at: datetime
    last_message_at: datetime
    page: str
    messages: int
    owner: str


class ApiTranscript(ApiConversation):
    """A conversation with what was said."""

    transcript: list[ApiMessage]


@router.get("/handoffs", responses=_ERRORS)
def handoffs(_: System, after: After = 0, limit: Limit = 50) -> list[ApiHandoff]:
    """Return requests with their contact, behind the id ``after``, oldest first."""
    with reading() as session:
        found = session.scalars(
            sa.select(Handoff)
            .where(Handoff.id > after)
            .order_by(Handoff.id)
            .limit(limit)
            .options(joinedload(Handoff.contact))
        ).all()
        flagged = _flagged(session, found)
        return [_handoff(each, flagged) for each in found]


@router.get("/handoffs/{handoff_id}", responses=_ERRORS)
def handoff(_: System, handoff_id: Id) -> ApiHandoff:
    """Return one request."""
    with reading() as session:
        found = session.scalar(
            sa.select(Handoff).where(Handoff.id == handoff_id).options(joinedload(Handoff.contact))
        )
        if found is None:
            raise HTTPException(404, "There is no such handoff.")
        return _handoff(found, _flagged(session, [found]))


def _flagged(session: Session, found: Sequence[Handoff]) -> set[int | None]:
    """Return the conversations of these handoffs in which a red flag was met."""
    ids = [each.conversation_id for each in found]
    query = sa.select(Finding.conversation_id).where(Finding.conversation_id.in_(ids))
    return set(session.scalars(query))


def _handoff(found: Handoff, flagged: set[int | None]) -> ApiHandoff:
    return ApiHandoff(
        id=found.id,
        reference=found.reference,
        created_at=found.created_at,
        kind=found.reason,
        status=found.status,
        outcome=found.outcome,
        red_flag=bool(found.red_flag) or found.conversation_id in flagged,
        conversation=found.conversation_id,
        name=found.contact.name,
        phone=found.contact.phone,
        email=found.contact.email,
        best_time=found.best_time,
        recent_mri=found.recent_mri,
        mri_date=found.mri_date,
        pain_area=found.pain_area,
        message=found.message,
        consent=found.consent_text,
        consented_at=found.consented_at,
    )


@router.get("/conversations", responses=_ERRORS)
def list_conversations(_: System, after: After = 0, limit: Limit = 50) -> list[ApiConversation]:
    """Return conversations behind the id ``after``, oldest first."""
    with reading() as session:
        found = session.scalars(
            sa.select(Conversation)
            .where(Conversation.id > after, Conversation.last_number > 0)
            .order_by(Conversation.id)
            .limit(limit)
        )
        return [ApiConversation(**_conversation(each)) for each in found]


@router.get("/conversations/{conversation_id}", responses=_ERRORS)
def conversation(_: System, conversation_id: Id) -> ApiTranscript:
    """Return one conversation with what was said, masked."""
    with reading() as session:
        found = session.get(Conversation, conversation_id)
        if found is None:
            raise HTTPException(404, "There is no such conversation.")
        transcript = [
            ApiMessage(
                number=each.number,
                sender=each.sender,
                at=each.created_at,
                text=each.text,
                intent=each.intent,
                confidence=each.confidence,
            )
            for each in conversations.messages_after(session, found.id, 0)
        ]
        return ApiTranscript(**_conversation(found), transcript=transcript)


def _conversation(found: Conversation) -> dict[str, Any]:
    return {
        "id": found.id,
        "began_at": found.created_at,
        "last_message_at": found.last_message_at,
        "page": found.page,
        "messages": found.last_number,
        "owner": found.owner,
    }


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={**_ERRORS, 200: {"content": {"application/x-ndjson": {}}}},
)
def events(_: System, since: datetime, until: datetime | None = None) -> StreamingResponse:
    """Return what happened, as JSON lines in order: changes of handoffs, red flags, staff's deeds.

    A moment without a zone is in UTC. It holds records' numbers, no text and no contact.
    """
    start, end = _utc(since), _utc(until or now())
    return StreamingResponse(_lines(start, end), media_type="application/x-ndjson")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        raise HTTPException(422, "That moment is no moment of ours.") from None


def _lines(start: datetime, end: datetime) -> Iterator[str]:
    with reading() as session:
        found: list[tuple[datetime, dict[str, Any]]] = []
        changed = HandoffChange.changed_at
        for change in session.scalars(
            sa.select(HandoffChange).where(changed >= start, changed < end)
        ):
            content = {"event": f"handoff.{change.new_status}", "handoff": change.handoff_id}
            found.append((change.changed_at, content))
        for flag in session.scalars(
            sa.select(Finding).where(Finding.created_at >= start, Finding.created_at < end)
        ):
            content = {"event": "red_flag", "conversation": flag.conversation_id, "rule": flag.rule}
            found.append((flag.created_at, content))
        for entry in session.scalars(
            sa.select(AuditEntry).where(AuditEntry.at >= start, AuditEntry.at < end)
        ):
            content = {"event": "audit", "who": entry.who, "what": entry.what, "about": entry.about}
            found.append((entry.at, content))
    for at, content in sorted(found, key=lambda each: each[0]):
        yield json.dumps({"at": at.isoformat(), **content}) + "\n"
