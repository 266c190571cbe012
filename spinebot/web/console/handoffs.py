"""The handoff desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy.orm import Session

from spinebot import audit, conversations, desk, reviews
from spinebot.accounts import Right
from spinebot.clinic import clinic
from spinebot.db import reading, writing
from spinebot.desk import DeskError
from spinebot.models import Account, CannedReply, Handoff, HandoffStatus, Outcome
from spinebot.web.console.auth import Staff, act, allow, page, see

router = APIRouter(prefix="/console/handoffs", include_in_schema=False)
PLACE = "/console/handoffs"
Reader = Annotated[Staff, allow(Right.READ)]
Desk = Annotated[Staff, allow(Right.DESK)]
Text = Annotated[str, Form()]
TABS = [("", "Open"), *((each.value, each.value.capitalize()) for each in HandoffStatus)]


@router.get("")
def handoffs(
    request: Request,
    staff: Reader,
    status: str = "",
    show: str = "",
    skip: Annotated[int, Query(ge=0, le=10**6)] = 0,
) -> Response:
    """The queue: who has a red flag first, then who waits longest."""
    status = status if status in {each.value for each in HandoffStatus} else ""
    mine = staff.id if show == "mine" else None
    with reading() as session:
        queue = desk.queue(session, status, mine, snoozed=show == "snoozed", skip=skip)
        counts = desk.counts(session)
    return page(
        *(request, "handoffs.html", staff),
        queue=queue,
        counts=counts,
        tabs=TABS,
        status=status,
        show=show,
        more=skip + len(queue) if len(queue) == desk.HANDOFFS_A_PAGE else None,
    )


@router.get("/replies")
def replies(request: Request, staff: Desk) -> Response:
    """The texts that staff use again and again."""
    with reading() as session:
        found = desk.canned_replies(session)
    return page(request, "replies.html", staff, replies=found)


@router.post("/replies")
def save_reply(
    staff: Desk, code: Text = "", title: Text = "", text: Text = "", remove: Text = ""
) -> Response:
    """Add, change or delete a text."""
    code = "".join(c for c in code.lower() if c.isalnum() or c in "-_")[:20]
    with writing() as session:
        # The texts that come along are kept with the first change, or they would be gone.
        for each in desk.canned_replies(session):
            session.merge(each)
        session.flush()
        if remove:
            if known := session.get(CannedReply, remove):
                session.delete(known)
            return see(f"{PLACE}/replies", f"/{remove} is deleted.")
        if not code or not text.strip():
            return see(f"{PLACE}/replies", "A text needs a short code and words.")
        session.merge(CannedReply(code=code, title=title.strip()[:80], text=text.strip()[:2000]))
    return see(f"{PLACE}/replies", f"/{code} is saved.")


@router.get("/{handoff_id}")
def handoff(request: Request, staff: Reader, handoff_id: int, reveal: str = "") -> Response:
    """One handoff on one screen, printable."""
    is_revealed = bool(reveal) and staff.may("REVEAL")
    what = "revealed" if is_revealed else "opened"
    with writing() as session:
        desk.get(session, handoff_id)
        audit.record(session, staff.email, what, f"handoff {handoff_id}")
        return page(
            request, "handoff.html", staff, **_packet(session, staff, handoff_id, is_revealed)
        )


def _packet(session: Session, staff: Staff, handoff_id: int, is_revealed: bool) -> dict[str, Any]:
    found = desk.with_contact(session, handoff_id) if is_revealed else desk.get(session, handoff_id)
    owner = session.get(Account, found.owner_id) if found.owner_id else None
    messages, findings, articles = [], [], []
    if found.conversation_id:
        said = reviews.get(session, found.conversation_id)
        messages = reviews.messages_until(session, said)
        findings = conversations.findings_of(session, said.id)
        articles = conversations.articles_read(session, said.id)
    name = found.contact.name if is_revealed else "..."
    return {
        "handoff": found,
        "waiting": desk.waiting(found, owner.name if owner else "", bool(found.red_flag)),
        "owner": owner,
        "is_mine": found.owner_id == staff.id,
        "is_revealed": is_revealed,
        "messages": messages,
        "findings": findings,
        "articles": articles,
        "attempts": desk.attempts_of(session, found),
        "changes": desk.changes_of(session, found),
        "others": desk.same_person(session, found),
        "replies": [
            (each, desk.fill(each.text, found, name, staff.name))
            for each in desk.canned_replies(session)
        ],
        "ways": desk.WAYS,
        "results": desk.RESULTS,
        "outcomes": [each.value for each in Outcome if each is not Outcome.DUPLICATE],
        "steps": sorted(desk.STEPS.get(found.status, ())),
    }


def _act(
    staff: Staff, handoff_id: int, what: str, do_it: Callable[[Session, Handoff, Account], Any]
) -> Response:
    """Do something to a handoff; what cannot be is said on its page, and nothing is changed."""

    def do(session: Session, account: Account) -> None:
        do_it(session, desk.get(session, handoff_id), account)

    return act(staff, f"{PLACE}/{handoff_id}", what, do, f"handoff {handoff_id}")


@router.post("/{handoff_id}/claim")
def claim(staff: Desk, handoff_id: int) -> Response:
    """Take it; the second who tries is told who has it."""
    return _act(staff, handoff_id, "claimed", lambda s, h, a: desk.claim(s, h.id, a))


@router.post("/{handoff_id}/release")
def release(staff: Desk, handoff_id: int) -> Response:
    """Put it back into the queue."""
    return _act(staff, handoff_id, "released", desk.release)


@router.post("/{handoff_id}/move")
def move(staff: Desk, handoff_id: int, status: Text = "") -> Response:
    """Contacted, or waiting for the patient."""
    return _act(staff, handoff_id, f"moved to {status}", lambda s, h, a: desk.move(s, h, a, status))


@router.post("/{handoff_id}/attempts")
def attempt(
    staff: Desk, handoff_id: int, way: Text = "", result: Text = "", note: Text = ""
) -> Response:
    """Keep an attempt to reach the visitor."""
    return _act(
        *(staff, handoff_id, "kept an attempt"),
        lambda s, h, a: desk.attempt(s, h, a, way, result, note),
    )


@router.post("/{handoff_id}/snooze")
def snooze(staff: Desk, handoff_id: int, until: Text = "") -> Response:
    """Put it off until a moment on the clinic's clocks; without one, take that back."""

    def do(session: Session, found: Handoff, _account: Account) -> None:
        moment = None
        if until:
            try:
                moment = datetime.fromisoformat(until)
            except ValueError:
                raise DeskError("Choose a day and a time.") from None
            moment = moment.replace(tzinfo=ZoneInfo(clinic().opening.timezone))
        desk.snooze(session, found, moment)

    return _act(staff, handoff_id, "snoozed" if until else "woke", do)


@router.post("/{handoff_id}/finish")
def finish(staff: Desk, handoff_id: int, outcome: Text = "") -> Response:
    """Close it with what became of it."""
    return _act(
        staff, handoff_id, f"closed: {outcome}", lambda s, h, a: desk.finish(s, h, a, outcome)
    )


@router.post("/{handoff_id}/reopen")
def reopen(staff: Desk, handoff_id: int) -> Response:
    """Open it again."""
    return _act(staff, handoff_id, "opened again", desk.reopen)


@router.post("/{handoff_id}/join")
def join(staff: Desk, handoff_id: int, other: Annotated[int, Form()]) -> Response:
    """Close it as a duplicate of another handoff of the same person."""
    return _act(
        *(staff, handoff_id, f"joined to handoff {other}"),
        lambda s, h, a: desk.join(s, h, desk.get(s, other), a),
    )
