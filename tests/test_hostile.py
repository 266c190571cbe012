"""What people we do not know may write, made to break something; in numbers: `bench.attacks`."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from bench import attacks
from spinebot import conversations, intake
from spinebot.db import writing
from spinebot.language import followups, messages
from spinebot.language.redaction import redact
from spinebot.models import Role
from spinebot.web import turns
from tests.console import new_account, send, sign_in, talk

# As JSON can say it, and no encoding can: half of a sign.
HALF = '"\\ud800 back pain \\udfff"'
CASES = 40


@pytest.mark.parametrize("target", attacks.TARGETS, ids=lambda each: each.name)
def test_nothing_that_is_read_breaks_what_reads_it(target: Any, database: str) -> None:
    count, _, _ = attacks.attack(target, CASES)
    assert count >= CASES / 2


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("conversations", f'{{"page": {HALF}}}'),
        ("conversations/{token}/messages", f'{{"key": "k1", "text": {HALF}}}'),
        ("conversations/{token}/messages", f'{{"key": {HALF}, "text": "back pain"}}'),
        ("conversations/{token}/messages", f'{{"key": "k2", "button": {HALF}}}'),
        ("conversations/{token}/feedback", f'{{"helpful": true, "reason": {HALF}}}'),
        ("handoffs", f'{{"key": "k3", "name": {HALF}, "contact": {HALF}}}'),
        ("events", f'{{"name": {HALF}}}'),
    ],
)
def test_half_a_sign_is_no_failure(client: TestClient, place: str, body: str) -> None:
    token = client.post("/api/conversations", json={"page": "x"}).json()["token"]
    answer = client.post(
        f"/api/{place.format(token=token)}",
        content=body.encode(),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code < 500, answer.text
    assert client.get(f"/api/conversations/{token}/messages").status_code == 200


@pytest.mark.parametrize("piece", ["$(", "(", '"', "'", "/", "a", "1/", "!?"])
def test_a_long_run_is_masked_as_soon_as_a_short_one(piece: str) -> None:
    """It took eleven seconds for 6,000 characters, and the square of it for more."""
    text = piece * (messages.MAX_CHARACTERS * 25 // len(piece))
    assert redact(f"{text} my name is Ann {text}").count("[name]") == 1


def test_blanks_and_dots_without_end_are_read() -> None:
    """A cut over a thousand tabs took seven seconds."""
    assert followups.cuts("heat or ice" + "\t" * 1900 + ", how long does it last") == [
        ("heat or ice", "how long does it last")
    ]
    assert intake.read("contact", "ann@sample.example" + " ." * 40_000, "inform", "US").values == {
        "contact": "ann@sample.example"
    }


@pytest.mark.parametrize(
    "path", ["conversations?q=%00", "conversations?page=%00&tag=%00", "conversations?model=a%00b"]
)
def test_a_zero_byte_finds_nothing(client: TestClient, path: str) -> None:
    sign_in(client, new_account(Role.ADMIN, "Ann Sample"))
    assert client.get(f"/console/{path}").status_code in {200, 422}


def test_a_zero_byte_is_no_note(client: TestClient) -> None:
    conversation = talk("hello")
    sign_in(client, new_account(Role.ADMIN, "Ann Sample"))
    done = send(client, f"conversations/{conversation.id}/notes", text="a\x00b")
    assert done.status_code < 500


def test_every_pattern_is_tried() -> None:
    found = dict(attacks.patterns())
    assert len(found) > 100
    assert any(name.startswith("spinebot.intake.") for name in found)


def test_rasa_gets_no_more_than_it_reads(database: str) -> None:
    """It held Rasa for ten seconds and more; that it is too long can be seen of its beginning."""
    with writing() as session:
        conversation, _ = conversations.start(session, "page")
        message, _ = conversations.say(session, conversation, "$(" * 25_000, "key 0001")
    asked = turns._check_safety(message.id)
    assert asked is not None
    text = asked.call["text"]
    assert len(text) == messages.MAX_CHARACTERS + 1
    assert messages.screen(text) is messages.Screen.TOO_LONG
