"""The API of the clinic's own systems: guarded, masked, and no input makes it fail."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from starlette.testclient import TestClient

from spinebot import accounts, handoffs
from spinebot.db import now, reading, writing
from spinebot.models import ApiToken, AuditEntry
from spinebot.web import guards
from spinebot.web.app import create_app
from tests.console import talk
from tests.factories import answers


@pytest.fixture
def system(client: TestClient) -> TestClient:
    """A system with a token."""
    with writing() as session:
        token = accounts.new_system(session, "the practice")
    client.headers["Authorization"] = f"Bearer {token}"
    return client


PATHS = (
    *("handoffs", "handoffs/1", "conversations", "conversations/1"),
    "events?since=2026-01-01T00:00:00",
)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic eA==", "Bearer", "Bearer \x7f"])
def test_without_a_token_nothing_is_given(
    client: TestClient, path: str, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = client.get(f"/api/v1/{path}", headers=headers)
    assert answer.status_code == 401
    assert "token" in answer.json()["error"]["message"]


def test_a_revoked_token_is_worthless(system: TestClient) -> None:
    assert system.get("/api/v1/handoffs").status_code == 200
    with writing() as session:
        session.execute(sa.update(ApiToken).values(revoked_at=now()))
    assert system.get("/api/v1/handoffs").status_code == 401


def test_the_token_is_not_kept(system: TestClient) -> None:
    sent = system.headers["Authorization"].split()[1]
    with reading() as session:
        assert sent not in str(session.execute(sa.select(ApiToken.token_hash)).all())


def test_requests_come_in_order_with_their_contact(system: TestClient) -> None:
    conversation = talk("my number is 202 555 0143")
    with writing() as session:
        for key in ("one", "two", "three"):
            handoffs.create(session, conversation.sender, answers(handoff_key=key), "I agree.")
    first = system.get("/api/v1/handoffs?limit=2").json()
    rest = system.get(f"/api/v1/handoffs?after={first[-1]['id']}").json()
    assert [each["id"] for each in first + rest] == [1, 2, 3]
    assert (first[0]["name"], first[0]["phone"]) == ("Ann Sample", "+12025550143")
    assert system.get("/api/v1/handoffs/2").json() == first[1]
    with reading() as session:
        who = session.scalars(sa.select(AuditEntry.who)).all()
    assert who == ["system: the practice"] * 3


def test_conversations_are_masked(system: TestClient) -> None:
    conversation = talk("my number is 202 555 0143")
    [listed] = system.get("/api/v1/conversations").json()
    found = system.get(f"/api/v1/conversations/{conversation.id}").json()
    assert listed["messages"] == len(found["transcript"]) == 2
    assert "0143" not in json.dumps(found)


def test_events_are_lines_in_order(system: TestClient) -> None:
    with writing() as session:
        handoffs.create(session, "visitor", answers(), "I agree.")
    since = (now() - timedelta(hours=1)).isoformat()
    answer = system.get("/api/v1/events", params={"since": since})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["event"] for line in lines] == ["handoff.new", "audit"]
    assert "Ann" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("handoffs/99", 404),
        ("handoffs/99999999999999999999", 422),
        ("handoffs?limit=0", 422),
        ("events", 422),
        ("events?since=yesterday", 422),
        ("events?since=0001-01-01T00:00:00%2B14:00", 422),
    ],
)
def test_what_cannot_be_is_explained(system: TestClient, path: str, status: int) -> None:
    answer = system.get(f"/api/v1/{path}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


schema = schemathesis.openapi.from_dict(create_app().openapi())
# The stream does not end by itself; the widget's home page needs articles.
fuzzed = schema.exclude(path_regex="/events$", method="GET").include(path_regex="^/api/")


@pytest.fixture
def limitless(monkeypatch: pytest.MonkeyPatch) -> None:
    async def count(*_: Any) -> None:
        """Let everybody in."""

    monkeypatch.setattr(guards, "count", count)


@fuzzed.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_input_makes_it_fail(case: Any, system: TestClient, limitless: None) -> None:
    """Every operation of the whole API, with and without the token: never a 5xx."""
    response = system.request(
        case.method,
        case.formatted_path,
        params=case.query or None,
        headers={k: v for k, v in (case.headers or {}).items() if k.lower() != "authorization"},
        json=case.body if isinstance(case.body, dict | list | str | int | None) else None,
    )
    assert response.status_code < 500, response.text
