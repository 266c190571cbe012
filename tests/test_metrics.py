"""Figures for Prometheus: they count what happens, and say nothing of anybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from spinebot import handoffs
from spinebot.db import now, writing
from spinebot.models import Handoff
from spinebot.web.turns import Turns
from tests.factories import answers


def figures(client: TestClient) -> dict[str, float]:
    """Return every sample by its name and labels, as ``name{label}``."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def say(client: TestClient, token: str, text: str, key: str) -> int:
    body = {"key": key, "text": text}
    return client.post(f"/api/conversations/{token}/messages", json=body).status_code


@pytest.fixture
def token(client: TestClient) -> str:
    return str(client.post("/api/conversations", json={}).json()["token"])


def settled(client: TestClient) -> None:
    """Wait for the turns that run."""
    turns: Turns = client.app.state.turns  # type: ignore[attr-defined]
    assert client.portal
    client.portal.call(turns.finish)


def test_turns_are_counted_by_what_became_of_them(client: TestClient, token: str) -> None:
    before = figures(client)
    say(client, token, "heat or ice?", "a key 0001")
    say(client, token, "i cannot pee and i am numb between my legs", "a key 0002")
    settled(client)
    after = figures(client)

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    # Rasa is away: the question gets the apology, the emergency its warning.
    assert more("spinebot_turns_total{apology}") == 1
    assert more("spinebot_turns_total{red_flag}") == 1
    assert more("spinebot_turn_seconds_count") == 2
    assert after["spinebot_turns_under_way"] == 0
    assert after["spinebot_ready{database}"] == 1
    assert after["spinebot_ready{rasa}"] == 0


def test_refusals_are_counted_by_their_reason(client: TestClient, token: str) -> None:
    before = figures(client).get("spinebot_refused_total{too_many}", 0)
    codes = [say(client, token, "hello", f"key {number:05}") for number in range(25)]
    assert figures(client)["spinebot_refused_total{too_many}"] - before == codes.count(429) > 0


def test_the_desk_is_counted(client: TestClient) -> None:
    with writing() as session:
        found = handoffs.create(session, "1.1", answers(handoff_key="one"), "I agree.")
        session.get_one(Handoff, found.id).created_at = now() - timedelta(hours=2)
    seen = figures(client)
    assert seen["spinebot_handoffs{new}"] == 1
    assert seen["spinebot_handoff_oldest_seconds"] == pytest.approx(7200, abs=60)


def test_through_a_proxy_there_is_no_such_page(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"})
    assert answer.status_code == 404


def test_nothing_that_was_said_is_in_it(client: TestClient, token: str) -> None:
    say(client, token, "my name is Xylophone and i cannot pee", "a key 0001")
    settled(client)
    text = client.get("/metrics").text
    assert "ylophone" not in text
    assert token not in text
