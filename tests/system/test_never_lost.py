"""Bad connections: whatever happens on the way, every message is shown once and in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from tests.system.assistant import Assistant, wait_until
from tests.system.browsing import arrive
from tests.system.faulty_proxy import FAULTS, FaultyProxy, faulty_proxy

pytestmark = pytest.mark.browser

VISITORS = 10  # at the same time, each with a schedule of their own
# Together 100 schedules; SPINEBOT_TEST_ROUNDS=50 plays 500, in some six minutes.
ROUNDS = int(os.environ.get("SPINEBOT_TEST_ROUNDS", "10"))
# The widget's own waits, shorter: they are about seconds, not about the order of things.
HURRY = """
const wait = window.setTimeout;
window.setTimeout = (act, time, ...rest) => wait(act, time > 400 ? time / 15 : time, ...rest);
"""
STATE = """async () => {
  const { transcript, talk } = await SpineChat._panel;
  const { shadowRoot } = SpineChat;
  return {
    waiting: talk.outbox.length,
    numbers: transcript.entries.map(({ message }) => message.number ?? null),
    own: [...shadowRoot.querySelectorAll(".message.visitor .bubble")]
      .map((each) => each.textContent),
    shown: shadowRoot.querySelectorAll(".message").length,
    token: talk.token,
  };
}"""


@dataclass(frozen=True)
class Plan:
    """What a visitor does (says something, or reloads the page), and what the network does."""

    steps: tuple[str, ...]
    faults: tuple[str, ...]


steps = st.lists(st.sampled_from(("say", "say", "reload")), min_size=1, max_size=5)
plans = st.builds(
    lambda steps, faults: Plan((*steps, "say"), tuple(faults)),
    steps,
    st.lists(st.sampled_from((*FAULTS, "pass", "pass")), min_size=1, max_size=12),
)


@pytest.fixture
def visitors(
    browser: Browser, assistant: Assistant
) -> Iterator[tuple[FaultyProxy, list[tuple[str, Page]]]]:
    """Pages that reach the web process through a faulty proxy, each under its own name."""
    with faulty_proxy(assistant.web_url) as (proxy, port):
        pages = []
        for number in range(VISITORS):
            host = f"p{number}.localhost"
            page = browser.new_context(viewport={"width": 1000, "height": 700}).new_page()
            page.add_init_script(HURRY)
            page.goto(f"http://{host}:{port}/")
            pages.append((host, page))
        yield proxy, pages
        for _, page in pages:
            page.context.close()


def _ready(page: Page) -> None:
    ready = "window.SpineChat?._panel?.then(({ transcript }) => Boolean(transcript)) ?? false"
    wait_until(lambda: page.evaluate(ready), 60)


def test_every_message_is_shown_once_and_in_order(
    visitors: tuple[FaultyProxy, list[tuple[str, Page]]], assistant: Assistant
) -> None:
    proxy, pages = visitors
    seen = {"schedules": 0, "messages": 0}

    @settings(
        max_examples=ROUNDS,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(plans, min_size=VISITORS, max_size=VISITORS))
    def play(found: list[Plan]) -> None:
        said: dict[str, list[str]] = {host: [] for host, _ in pages}
        for (host, page), plan in zip(pages, found, strict=True):
            proxy.schedules[host] = deque()
            arrive(page, page.url.rstrip("/"))
            _ready(page)
            proxy.schedules[host] = deque(plan.faults)
        for place in range(max(len(plan.steps) for plan in found)):
            for (host, page), plan in zip(pages, found, strict=True):
                if place >= len(plan.steps):
                    continue
                if plan.steps[place] == "reload":
                    page.reload()
                    _ready(page)
                    continue
                text = f"words number {len(said[host])} of mine"
                said[host].append(text)
                page.evaluate("async (text) => (await SpineChat._panel).send({ text })", text)
        for host, page in pages:
            _check(page, said[host], assistant)
            seen["schedules"] += 1
            seen["messages"] += len(said[host])

    play()
    assert seen["schedules"] >= VISITORS * ROUNDS
    assert seen["messages"] >= seen["schedules"]


def _check(page: Page, said: list[str], assistant: Assistant) -> None:
    """Wait until all is said and answered; then compare the page with the database."""

    def state() -> dict[str, object]:
        return dict(page.evaluate(STATE))

    def is_done() -> bool:
        now = state()
        numbers = now["numbers"]
        assert isinstance(numbers, list)
        return not now["waiting"] and bool(now["token"]) and len(numbers) >= 2 * len(said)

    wait_until(is_done, 90)
    now = state()
    stored = assistant.rows(
        "SELECT m.* FROM message m JOIN conversation c ON c.id = m.conversation_id "
        "WHERE c.id = (SELECT conversation_id FROM message WHERE key = ?) ORDER BY number",
        page.evaluate("SpineChat._panel.then((panel) => panel.transcript.entries[0].message.key)"),
    )
    assert [row["text"] for row in stored if row["sender"] == "visitor"] == said, "stored once each"
    assert now["numbers"] == [row["number"] for row in stored], "shown once each, in order"
    assert now["own"] == said
    assert now["shown"] == len(stored)
