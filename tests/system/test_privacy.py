"""Fake people write to a real bot; afterwards nobody's data lie where they must not."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.system.assistant import Assistant, Visitor, free_port, new_assistant, wait_until

# Names, numbers, addresses and dates of birth that stand nowhere else.
NAME, SURNAME = "Zebulon", "Quagmire"
SECRETS = [NAME, SURNAME, "0177", "5550177", "zebquag", "zq.second", "1961", "0188"]
SAID = [
    f"my name is {NAME} {SURNAME}",
    "you can call me at (202) 555-0177 or write to zebquag@example.com",
    "I was born on 3 March 1961, is that too old for surgery?",
    "my date of birth is 03/03/1961",
    "heat or ice? reply to zq.second@example.com please",
]


@pytest.fixture(scope="module")
def hook() -> Iterator[tuple[int, list[bytes]]]:
    """A webhook that keeps what it gets."""
    bodies: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    port = free_port()
    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield port, bodies
    server.shutdown()


@pytest.fixture(scope="module")
def planted(
    model: Path, hook: tuple[int, list[bytes]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Assistant, int]]:
    """An assistant to which somebody wrote all of that, in the chat, the form and the details."""
    assistant = new_assistant(
        tmp_path_factory.mktemp("planted") / "data",
        model,
        SPINEBOT_WEBHOOK_URL=f"http://127.0.0.1:{hook[0]}/hook",
        SPINEBOT_WEBHOOK_SECRET="a secret of sixteen or more",
    )
    assistant.start("actions", "rasa", "web")
    try:
        assistant.wait_until_ready()
        visitor = Visitor(assistant)
        for text in SAID:
            visitor.say(text)
        visitor.say("i want the mri review")
        for text in (f"{NAME} {SURNAME}", "202 555 0188", "any time", "no", "low back"):
            visitor.say(text)
        visitor.press("I agree")
        visitor.press("Yes, send it")
        details = {
            "key": "a key of its own",
            "token": visitor.token,
            "name": f"{NAME} {SURNAME}",
            "phone": "202 555 0177",
            "message": "please call",
            "consent": True,
        }
        assert visitor.client.post("/handoffs", json=details).status_code == 201
        [row] = assistant.rows("SELECT id FROM conversation")
        yield assistant, row["id"]
    finally:
        assistant.stop()


def command(assistant: Assistant, *arguments: str) -> str:
    done = subprocess.run(
        [".venv/app/bin/spinebot", *arguments],
        cwd=ROOT,
        env=assistant.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret.lower() in text.lower()]


def test_what_was_planted_is_there_for_those_who_may(planted: tuple[Assistant, int]) -> None:
    """Else the tests below would find nothing because nothing was said."""
    assistant, _ = planted
    found = command(assistant, "privacy", "export", "202 555 0188")
    assert {NAME, SURNAME, "0177", "zebquag", "zq.second", "1961", "0188"} <= set(leaks(found))


def test_nothing_of_it_is_in_the_logs(planted: tuple[Assistant, int]) -> None:
    assistant, _ = planted
    for log in assistant.data_dir.glob("*.log"):
        assert leaks(log.read_text(encoding="utf-8", errors="replace")) == [], log.name


def test_nothing_of_it_is_readable_in_the_database_or_its_index(
    planted: tuple[Assistant, int],
) -> None:
    """Raw bytes: tables, the full-text index, what was deleted but not overwritten, the log."""
    assistant, _ = planted
    assistant.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = b"".join(path.read_bytes() for path in assistant.data_dir.glob("spinebot.db*"))
    text = raw.decode("latin-1")
    # Digits stand everywhere in sealed text: numbers are looked for as they were typed.
    for secret in (NAME, SURNAME, "zebquag", "zq.second", "555-0177", "555 0188", "+1202555"):
        assert secret.lower() not in text.lower(), secret
    assert not re.search(r"03/03/1961|march 1961", text, re.IGNORECASE)


def test_nothing_of_it_is_in_what_trainers_get(planted: tuple[Assistant, int]) -> None:
    assistant, conversation = planted
    code = (
        "from spinebot import accounts, reviews; from spinebot.db import writing, reading; "
        "from spinebot.training import stories\n"
        "from spinebot.models import Correction, Message, Role; import sqlalchemy as sa\n"
        "with writing() as s:\n"
        "    a, _ = accounts.invite(s, 'ann@clinic.example', 'Ann Sample', Role.TRAINER)\n"
        f"    c = reviews.get(s, {conversation})\n"
        "    for m in s.scalars(sa.select(Message).where(Message.sender == 'visitor')).all():\n"
        "        if not m.payload: reviews.correct(s, c, m.number, 'inform', a.id)\n"
        "    for k in s.scalars(sa.select(Correction)): print(k.text, k.context)\n"
        f"    print(stories.with_story('', *reviews.as_test(s, c, c.last_number)))\n"
        "    for m in s.scalars(sa.select(Message)): print(m.text, m.entities)\n"
    )
    printed = assistant.python(code)
    assert "heat or ice?" in printed
    assert leaks(printed) == []


def test_the_webhook_is_told_numbers_only(
    planted: tuple[Assistant, int], hook: tuple[int, list[bytes]]
) -> None:
    _, bodies = hook
    wait_until(lambda: len(bodies) >= 2, 60)
    for body in bodies:
        content: dict[str, Any] = json.loads(body)
        assert content["event"] == "handoff.created"
        assert leaks(content["reference"] + content["link"]) == []
        assert set(content) == {"event", "reference", "created_at", "link"}


def test_nothing_of_it_is_in_the_models(planted: tuple[Assistant, int]) -> None:
    assistant, _ = planted
    for path in (assistant.data_dir / "models").glob("*.json"):
        assert leaks(path.read_text(encoding="utf-8")) == []
    for name in ("data", "tests/stories", "tests/nlu"):
        for path in (ROOT / name).rglob("*.yml"):
            text = path.read_text(encoding="utf-8")
            assert not [s for s in (NAME, SURNAME, "zebquag") if s.lower() in text.lower()], path


def test_erased_is_erased_everywhere(planted: tuple[Assistant, int]) -> None:
    """Last: it takes away what the others look at."""
    assistant, conversation = planted
    command(assistant, "privacy", "erase", "202 555 0188")
    for table in ("message", "handoff", "contact", "conversation", "correction", "unanswered"):
        assert assistant.rows(f"SELECT 1 FROM {table}") == [], table
    import sqlite3

    memory = sqlite3.connect(assistant.data_dir / "tracker.db")
    left = memory.execute(
        "SELECT count(*) FROM events WHERE sender_id LIKE ?", (f"{conversation}.%",)
    ).fetchone()
    memory.close()
    assert left == (0,)
    assert "are in order" in command(assistant, "audit", "verify")
