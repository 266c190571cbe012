"""E-mails to staff and calls of the clinic's webhook: stored with what they tell, sent afterwards.

A row is written in the transaction of the event, so nothing is told that did not happen, and
nothing that happened is forgotten because a mail server was away. What is sent holds a number and a
link: no health text and no contact.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import working_time
from spinebot.clinic import clinic
from spinebot.db import now, writing
from spinebot.errors import SpinebotError
from spinebot.models import Account, Handoff, HandoffStatus, Outgoing
from spinebot.settings import settings

MAIL, WEBHOOK = "mail", "webhook"
# How long after each failure the next try is; after the last one it is given up.
PAUSES = [timedelta(minutes=each) for each in (1, 5, 15, 60, 240, 720, 1440)]
# While one process sends, the others leave it alone for this long.
LEASE = timedelta(minutes=3)
AT_ONCE = 20
SECONDS = 15.0


class SendingError(SpinebotError):
    """Something could not be sent, this time."""


def tell_new(session: Session, handoff: Handoff) -> None:
    """Tell staff and the webhook of a new handoff."""
    _tell(session, handoff, "handoff.created", "A new request", clinic().desk.tell)


def tell_owner(session: Session, account: Account, what: str) -> None:
    """Tell whose account it is what was done to it: it may have been somebody else."""
    if not settings().smtp_url:
        return
    text = (
        f"{what}.\n\nIf it was not you, ask an administrator at once for a new link.\n\n"
        f"{settings().public_url}/console/account\n"
    )
    _put(session, MAIL, "account", {"to": account.email, "subject": what, "text": text})


def tell_waiting(session: Session) -> int:
    """Tell of the handoffs that nobody has claimed for too long, once each; return how many."""
    desk, opening = clinic().desk, clinic().opening
    unclaimed = session.scalars(
        sa.select(Handoff).where(
            Handoff.status == HandoffStatus.NEW.value,
            Handoff.escalated_at.is_(None),
            Handoff.created_at < now() - desk.escalate_after,
        )
    )
    count = 0
    for handoff in unclaimed:
        if working_time.between(opening, handoff.created_at, now()) < desk.escalate_after:
            continue
        handoff.escalated_at = now()
        to = desk.escalate_to or desk.tell
        _tell(session, handoff, "handoff.waiting", "A request that nobody has claimed", to)
        count += 1
    return count


def has_work(session: Session) -> bool:
    """Return whether something may be to be told or sent. Only reads: asked every few seconds."""
    unclaimed = sa.select(Handoff.id).where(
        Handoff.status == HandoffStatus.NEW.value, Handoff.escalated_at.is_(None)
    )
    waiting = sa.select(Outgoing.id).where(
        Outgoing.sent_at.is_(None), Outgoing.failed_at.is_(None), Outgoing.due_at <= now()
    )
    is_asked_for = bool(clinic().desk.digest and clinic().desk.tell and settings().smtp_url)
    return is_asked_for or any(
        session.scalar(query.limit(1)) is not None for query in (unclaimed, waiting)
    )


def tell_digest(session: Session) -> bool:
    """Tell what is open, on the morning of each working day; return whether it was told now."""
    entries = clinic()
    if not entries.desk.digest or not entries.desk.tell or not settings().smtp_url:
        return False
    zone = ZoneInfo(entries.opening.timezone)
    is_open, _ = entries.opening.turns(now())
    midnight = datetime.combine(now().astimezone(zone).date(), datetime.min.time(), zone)
    told = sa.select(Outgoing.id).where(Outgoing.event == "digest", Outgoing.created_at >= midnight)
    if not is_open or session.scalar(told.limit(1)):
        return False
    rows = session.execute(
        sa.select(Handoff.status, sa.func.count())
        .where(Handoff.status != HandoffStatus.DONE.value)
        .group_by(Handoff.status)
    )
    lines = [f"{count} {status}" for status, count in rows] or ["nothing"]
    text = f"Open requests: {', '.join(lines)}.\n\n{settings().public_url}/console/handoffs\n"
    for address in entries.desk.tell:
        _put(session, MAIL, "digest", {"to": address, "subject": "Open requests", "text": text})
    return True


def _tell(session: Session, handoff: Handoff, event: str, subject: str, to: Sequence[str]) -> None:
    link = f"{settings().public_url}/console/handoffs/{handoff.id}"
    text = f"{subject}: {handoff.reference}.\n\n{link}\n"
    if settings().smtp_url:
        for address in to:
            mail = {"to": address, "subject": f"{subject}: {handoff.reference}", "text": text}
            _put(session, MAIL, event, mail)
    if settings().webhook_url:
        content = {
            "event": event,
            "reference": handoff.reference,
            "created_at": handoff.created_at.isoformat(),
            "link": link,
        }
        _put(session, WEBHOOK, event, content)


def _put(session: Session, kind: str, event: str, content: dict[str, Any]) -> None:
    session.add(Outgoing(kind=kind, event=event, content=content))


def send_due() -> int:
    """Send what is due; return how many were tried. Each is tried in no transaction."""
    with writing() as session:
        due = session.scalars(
            sa.select(Outgoing)
            .where(
                Outgoing.sent_at.is_(None), Outgoing.failed_at.is_(None), Outgoing.due_at <= now()
            )
            .order_by(Outgoing.id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        for each in due:
            each.due_at = now() + LEASE
    for each in due:
        fault = _try(each)
        with writing() as session:
            _note(session.get_one(Outgoing, each.id), fault)
    return len(due)


def _try(item: Outgoing) -> str | None:
    """Send; return what went wrong."""
    try:
        if item.kind == MAIL:
            _mail(item.content)
        else:
            _call(item.id, item.content)
    except (SendingError, OSError, smtplib.SMTPException, httpx.HTTPError) as error:
        return f"{type(error).__name__}: {error}"[:500]
    return None


def _note(item: Outgoing, fault: str | None) -> None:
    item.tries += 1
    item.last_error = fault
    if fault is None:
        item.sent_at = now()
    elif item.tries > len(PAUSES):
        item.failed_at = now()
    else:
        item.due_at = now() + PAUSES[item.tries - 1]


def send_again(session: Session, item_id: int) -> None:
    """Try something again that was given up."""
    session.execute(
        sa.update(Outgoing)
        .where(Outgoing.id == item_id, Outgoing.sent_at.is_(None))
        .values(failed_at=None, tries=0, due_at=now())
    )


def _mail(content: dict[str, Any]) -> None:
    server = urlsplit(settings().smtp_url or "")
    if not server.hostname:
        raise SendingError("SPINEBOT_SMTP_URL is not set any more")
    message = EmailMessage()
    message["From"] = settings().mail_from
    message["To"], message["Subject"] = content["to"], content["subject"]
    message.set_content(content["text"])
    secure = ssl.create_default_context()
    if server.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.hostname, server.port or 465, timeout=SECONDS, context=secure
        )
    else:
        client = smtplib.SMTP(server.hostname, server.port or 25, timeout=SECONDS)
    with client:
        client.ehlo()
        if server.scheme != "smtps" and client.has_extn("starttls"):
            client.starttls(context=secure)
        if server.username:
            client.login(unquote(server.username), unquote(server.password or ""))
        client.send_message(message)


def _call(item_id: int, content: dict[str, Any]) -> None:
    url, secret = settings().webhook_url, settings().webhook_secret
    if not url or not secret:
        raise SendingError("SPINEBOT_WEBHOOK_URL is not set any more")
    body = json.dumps(content).encode()
    headers = {
        "Content-Type": "application/json",
        # The same number for each try: the receiver can tell a repetition.
        "Idempotency-Key": f"spinebot-{item_id}",
        "Spinebot-Signature": signature(secret, int(time.time()), body),
    }
    answer = httpx.post(url, content=body, headers=headers, timeout=SECONDS)
    if answer.status_code >= 300:
        raise SendingError(f"the webhook answered {answer.status_code}")


def signature(secret: str, at: int, body: bytes) -> str:
    """Return what proves that a call is ours: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">``."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
