"""More than can be answered in time is refused at once; an emergency never is."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from spinebot.web.pace import FEWEST, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run(pace: Pace, clock: Clock, turns: int, each: float) -> None:
    """Let so many turns end one after the other, with a queue that never empties."""
    pace.begin()
    for _ in range(turns):
        pace.begin()
        clock.now += each
        pace.end()
    pace.end()


@pytest.mark.parametrize(("each", "most"), [(0.01, 100), (0.04, 25), (0.5, FEWEST)])
def test_as_many_may_wait_as_are_answered_within_a_second(each: float, most: int) -> None:
    clock = Clock()
    pace = Pace(clock)
    run(pace, clock, 200, each)
    assert pace.most == pytest.approx(most, rel=0.15)


def test_idle_time_says_nothing_about_the_pace() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(200):
        pace.begin()
        clock.now += 0.02
        pace.end()
        clock.now += 60
    assert pace.most == pytest.approx(50, rel=0.05)


def test_a_short_queue_is_always_let_in() -> None:
    pace = Pace()
    for _ in range(FEWEST):
        assert not pace.is_full
        pace.begin()
    assert pace.is_full
    pace.end()
    assert not pace.is_full


def test_who_comes_when_all_is_full_is_told_so_and_an_emergency_gets_through(
    client: TestClient,
) -> None:
    token = client.post("/api/conversations", json={}).json()["token"]
    place = f"/api/conversations/{token}/messages"
    pace = client.app.state.turns.pace  # type: ignore[attr-defined]
    for _ in range(pace.most):
        pace.begin()
    refused = client.post(place, json={"key": "a key 0001", "text": "heat or ice?"})
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "busy"
    assert "+1 555 010 0199" in refused.json()["error"]["message"]
    assert 2 <= int(refused.headers["Retry-After"]) <= 5
    report = "i cannot pee and i am numb between my legs"
    let_in = client.post(place, json={"key": "a key 0002", "text": report})
    assert let_in.status_code == 202
    for _ in range(5):
        pace.end()
    again = client.post(place, json={"key": "a key 0001", "text": "heat or ice?"})
    assert again.status_code == 202
