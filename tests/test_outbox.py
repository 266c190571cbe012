"""What staff and the clinic's webhook are told, through real servers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from spinebot import accounts, handoffs, outbox
from spinebot import clinic as entries
from spinebot.db import now, reading, writing
from spinebot.models import Account, Handoff, Login, Outgoing
from tests.conftest import forget_settings
from tests.console import PASSWORD, new_account
from tests.factories import answers
from tests.system.assistant import free_port

SECRET = "a secret of sixteen or more"


class Mailbox:
    """Keeps what a mail server gets; refuses while told to."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refuses:
            return "451 try later"
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox(
    monkeypatch: pytest.MonkeyPatch, sqlite_database: object, tmp_path: Any
) -> Iterator[Mailbox]:
    box = Mailbox()
    port = free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    own = tmp_path / "clinic.yml"
    text = entries.FILE.read_text(encoding="utf-8")
    text = text.replace("tell: [] ", "tell: [desk@clinic.example] ")
    own.write_text(text.replace("escalate_to: []", "escalate_to: [head@clinic.example]"))
    monkeypatch.setenv("SPINEBOT_CLINIC_FILE", str(own))
    monkeypatch.setenv("SPINEBOT_SMTP_URL", f"smtp://127.0.0.1:{port}")
    forget_settings()
    yield box
    server.stop()


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch, sqlite_database: object) -> Iterator[list[Any]]:
    """The calls that a web server gets: body and headers. It answers 500 to the first."""
    calls: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append((body, dict(self.headers)))
            self.send_response(500 if len(calls) == 1 else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SPINEBOT_WEBHOOK_URL", f"http://127.0.0.1:{server.server_address[1]}/hook")
    monkeypatch.setenv("SPINEBOT_WEBHOOK_SECRET", SECRET)
    forget_settings()
    yield calls
    server.shutdown()


def new_handoff() -> Handoff:
    with writing() as session:
        return handoffs.create(session, "visitor", answers(), "I agree.")


def items() -> list[Outgoing]:
    with reading() as session:
        return list(session.scalars(sa.select(Outgoing).order_by(Outgoing.id)))


def make_due() -> None:
    with writing() as session:
        session.execute(sa.update(Outgoing).values(due_at=now()))


PRIVATE = ("Ann", "Sample", "2025550143", "low back", "mornings", "MRI", "mri")


def test_staff_are_told_of_a_new_request_by_number_alone(mailbox: Mailbox) -> None:
    handoff = new_handoff()
    assert mailbox.mails == []
    assert outbox.send_due() == 1
    [mail] = mailbox.mails
    assert mail.rcpt_tos == ["desk@clinic.example"]
    text = mail.content.decode()
    assert handoff.reference in text
    assert f"/console/handoffs/{handoff.id}" in text
    assert not [word for word in PRIVATE if word in text]
    assert outbox.send_due() == 0


def test_a_mail_server_that_is_away_loses_nothing(mailbox: Mailbox) -> None:
    new_handoff()
    mailbox.refuses = True
    for tries in range(1, len(outbox.PAUSES) + 1):
        make_due()
        outbox.send_due()
        [item] = items()
        assert (item.tries, item.failed_at, "451" in (item.last_error or "")) == (tries, None, True)
        assert item.due_at > now()
    make_due()
    outbox.send_due()
    [item] = items()
    assert item.failed_at is not None
    assert outbox.send_due() == 0
    mailbox.refuses = False
    with writing() as session:
        outbox.send_again(session, item.id)
    outbox.send_due()
    assert len(mailbox.mails) == 1
    assert items()[0].sent_at is not None


def test_the_webhook_gets_a_signed_call_and_the_same_one_again(webhook: list[Any]) -> None:
    handoff = new_handoff()
    outbox.send_due()
    make_due()
    outbox.send_due()
    (first, headers), (second, again) = webhook
    assert first == second
    assert headers["Idempotency-Key"] == again["Idempotency-Key"]
    at = int(headers["Spinebot-Signature"].split(",")[0][2:])
    assert headers["Spinebot-Signature"] == outbox.signature(SECRET, at, first)
    content = json.loads(first)
    assert set(content) == {"event", "reference", "created_at", "link"}
    assert (content["event"], content["reference"]) == ("handoff.created", handoff.reference)
    assert not [word for word in PRIVATE if word in first.decode()]
    assert items()[0].sent_at is not None


def test_a_form_that_fails_is_not_told(mailbox: Mailbox) -> None:
    def fail_half_way() -> None:
        with writing() as session:
            handoffs.create(session, "visitor", answers(), "I agree.")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert items() == []


def test_a_request_that_nobody_claims_is_told_once_more(mailbox: Mailbox) -> None:
    handoff = new_handoff()
    with writing() as session:
        assert outbox.tell_waiting(session) == 0
        session.get_one(Handoff, handoff.id).created_at = now() - timedelta(days=9)
    with writing() as session:
        assert outbox.tell_waiting(session) == 1
    with writing() as session:
        assert outbox.tell_waiting(session) == 0
    assert [each.content["to"] for each in items()] == [
        "desk@clinic.example",
        "head@clinic.example",
    ]


def test_the_digest_comes_once_a_day_while_the_clinic_is_open(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_handoff()
    told = []
    for is_open in (False, True, True):
        monkeypatch.setattr(entries.Opening, "turns", lambda *_, now=is_open: (now, None))
        with writing() as session:
            told.append(outbox.tell_digest(session))
    assert told == [False, True, False]
    assert "Open requests: 1 new." in items()[-1].content["text"]


def test_without_settings_nothing_is_put(sqlite_database: object) -> None:
    new_handoff()
    assert items() == []


def test_who_owns_an_account_is_told_of_what_was_done_to_it(mailbox: Mailbox) -> None:
    account, secret = new_account(), accounts.new_totp()
    with writing() as session:
        own = session.get_one(Account, account.id)
        login = session.scalar(sa.select(Login.id)) or 0
        accounts.change_password(session, own, PASSWORD, "another long one", login)
        accounts.set_totp(session, own, secret, pyotp.TOTP(secret).now())
        accounts.set_password(session, own, PASSWORD)
    outbox.send_due()
    assert [mail.rcpt_tos for mail in mailbox.mails] == [[account.email]] * 3
    words = [mail.content.decode() for mail in mailbox.mails]
    told = ("Your password was changed", "Your second factor was switched on", "was set anew")
    assert all(each in text for each, text in zip(told, words, strict=True))
    assert not any(PASSWORD in text or secret in text for text in words)
