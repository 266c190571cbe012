"""Visitors who write as the widget does, and the proof that nothing they said was lost.

Each message has a key of its own and is sent again with the same key until it is accepted; then the
visitor waits for its answer. Some fill the MRI-review form, some send a message twice at once.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import sqlalchemy as sa

QUESTIONS = (
    "heat or ice?",
    "how do i sleep?",
    "are muscle relaxants safe?",
    "bed rest?",
    "why do discs cause spasms?",
    "what is sciatica?",
    "should i walk with a herniated disc?",
    "do i need surgery?",
)
# What the form is told, by the slot that it asks for; buttons by their titles.
FORM = {
    "name": "Ann Sample",
    "contact": "202-555-0143",
    "best_time": "skip",
    "recent_mri": "no",
    "pain_area": "neck",
    "consent": "button:I agree",
    "confirmed": "button:Yes, send it",
}
# All visitors of a measurement have one address.
NO_LIMITS = {
    f"SPINEBOT_LIMIT_{name}": "1000000/minute"
    for name in ("ADDRESS", "MESSAGES", "CONVERSATIONS", "HANDOFFS")
}
TURNS_A_VISIT = 8
FORMS, DOUBLES = 0.15, 0.1  # shares of visits with a form, of messages that are sent twice at once
REFUSALS = {429, 502, 503, 504}
PATIENCE = 120.0  # seconds after which a message counts as never answered


@dataclass
class Seen:
    """What visitors saw.

    waits: when (monotonic) a message was sent, taken and answered.
    """

    accepted: list[tuple[str, int]] = field(default_factory=list)
    waits: list[tuple[float, float, float]] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    apologies: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list)


class Crowd(threading.Thread):
    """So many visitors at once, each of whom begins anew after some messages; in its own thread."""

    def __init__(self, url: str, visitors: int, pause: float = 1.0, seed: int = 0) -> None:
        """url: where visitors come in; pause: seconds between messages, on average."""
        super().__init__(daemon=True)
        self.seen = Seen()
        self._url, self._visitors, self._pause = url, visitors, pause
        self._chance = random.Random(seed)
        self._stopped = threading.Event()

    def stop(self) -> Seen:
        """Let everybody end what they have begun; return what they saw."""
        self._stopped.set()
        self.join(PATIENCE + 60)
        if self.is_alive():
            self.seen.problems.append("the visitors do not come to an end")
        return self.seen

    def run(self) -> None:
        """Talk until told to stop."""
        asyncio.run(self._talk())

    async def _talk(self) -> None:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=self._url, trust_env=False, timeout=20, limits=limits
        ) as client:
            done = await asyncio.gather(
                *(self._visit_over_and_over(client) for _ in range(self._visitors)),
                return_exceptions=True,
            )
        self.seen.problems += [repr(each) for each in done if each is not None]

    async def _visit_over_and_over(self, client: httpx.AsyncClient) -> None:
        # Not all at the same moment.
        await asyncio.sleep(self._chance.random() * self._pause)
        while not self._stopped.is_set():
            await self._visit(client)

    async def _visit(self, client: httpx.AsyncClient) -> None:
        started = await self._until(client, "POST", "/api/conversations", {"page": "load"})
        place = f"/api/conversations/{started.json()['token']}/messages"
        fills = self._chance.random() < FORMS
        what: dict[str, str] = {"text": "i want the mri review"} if fills else self._question()
        for _ in range(3 * len(FORM) if fills else TURNS_A_VISIT):
            replies = await self._say(client, place, what)
            if fills:
                following = self._in_form(replies, what)
                if following is None:
                    return
                what = following
            else:
                what = self._question()
            if self._stopped.is_set() and not fills:
                return
            await asyncio.sleep(self._pause * (0.5 + self._chance.random()))

    def _question(self) -> dict[str, str]:
        return {"text": self._chance.choice(QUESTIONS)}

    def _in_form(
        self, replies: list[dict[str, Any]], said: dict[str, str]
    ) -> dict[str, str] | None:
        """Return what to say next in the form; None when it is sent."""
        last = replies[-1]
        custom = last.get("custom") or {}
        if custom.get("type") == "handoff":
            self.seen.references.append(str(custom["reference"]))
            return None
        if custom.get("slot") not in FORM:
            return said  # an apology: once more
        answer = FORM[custom["slot"]]
        if not answer.startswith("button:"):
            return {"text": answer}
        title = answer.removeprefix("button:")
        return {"button": next(b["payload"] for b in last["buttons"] if b["title"] == title)}

    async def _say(
        self, client: httpx.AsyncClient, place: str, what: dict[str, str]
    ) -> list[dict[str, Any]]:
        body, began = {**what, "key": uuid4().hex}, time.monotonic()
        tries = [self._until(client, "POST", place, body)]
        if self._chance.random() < DOUBLES:
            tries.append(self._until(client, "POST", place, body))
        sent, *others = await asyncio.gather(*tries)
        number = int(sent.json()["number"])
        if any(other.json()["number"] != number for other in others):
            self.seen.problems.append("one message, sent twice, has two numbers")
        self.seen.accepted.append((body["key"], number))
        taken = time.monotonic()
        replies = await self._replies(client, place, number, began)
        self.seen.waits.append((began, taken, time.monotonic()))
        is_sorry = any((each.get("custom") or {}).get("type") == "error" for each in replies)
        self.seen.apologies += is_sorry
        return replies

    async def _replies(
        self, client: httpx.AsyncClient, place: str, number: int, began: float
    ) -> list[dict[str, Any]]:
        pause = 0.02
        while time.monotonic() - began < PATIENCE:
            await asyncio.sleep(pause)
            pause = min(0.2, pause * 1.5)
            found = await self._until(client, "GET", f"{place}?after={number}", None)
            if messages := found.json()["messages"]:
                return list(messages)
        raise TimeoutError(f"message {number} of {place[-60:-50]}... was never answered")

    async def _until(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, str] | None
    ) -> httpx.Response:
        """Call until it is taken, as a widget on a bad line: the same call again."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            try:
                answer = await client.request(method, path, json=body)
                if answer.is_success:
                    answer.json()  # a cut answer is none
                    return answer
                if answer.status_code not in REFUSALS:
                    raise AssertionError(f"{method}: {answer.status_code} {answer.text[:200]}")
                self.seen.refused += 1
            except (httpx.HTTPError, ValueError):
                pass
            await asyncio.sleep(0.2 + 0.2 * self._chance.random())
        raise TimeoutError(f"{method} was not taken within {PATIENCE:.0f} s")


@dataclass(frozen=True)
class Verdict:
    """What the database says of what visitors saw. All but ``answered`` should be nought."""

    lost: int
    doubled: int
    out_of_order: int
    unanswered: int
    handoffs_lost: int
    handoffs_doubled: int
    answered: int

    @property
    def is_good(self) -> bool:
        """Return whether nothing was lost, doubled or out of order."""
        faults = (self.lost, self.doubled, self.out_of_order, self.unanswered)
        return not any((*faults, self.handoffs_lost, self.handoffs_doubled))


def judge(database_url: str, seen: Seen) -> Verdict:
    """Compare what visitors saw with what the database holds."""
    url = sa.make_url(database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT conversation_id, number, sender, key, in_reply_to FROM message "
                "ORDER BY conversation_id, number"
            )
        ).all()
        sent = connection.execute(sa.text("SELECT reference, conversation_id FROM handoff")).all()
    engine.dispose()
    said = [row for row in rows if row.sender == "visitor"]
    numbers = {row.key: row.number for row in said}
    # Others may have been here before.
    keys = {key for key, _ in seen.accepted}
    own = {row.conversation_id for row in said if row.key in keys}
    handoffs = [reference for reference, conversation in sent if conversation in own]
    talks: dict[int, list[Any]] = {}
    for row in rows:
        talks.setdefault(row.conversation_id, []).append(row)
    return Verdict(
        lost=sum(numbers.get(key) != number for key, number in seen.accepted),
        doubled=len(said) - len(numbers),
        out_of_order=sum(not _in_order(talk) for talk in talks.values()),
        unanswered=sum(len(_asked(talk) - _answered(talk)) for talk in talks.values()),
        handoffs_lost=len(set(seen.references) - set(handoffs)),
        handoffs_doubled=len(handoffs) - len(set(seen.references)),
        answered=len(seen.accepted),
    )


def _in_order(talk: list[Any]) -> bool:
    answers = [row.in_reply_to for row in talk if row.sender == "bot" and row.in_reply_to]
    gapless = [row.number for row in talk] == list(range(1, len(talk) + 1))
    return gapless and answers == sorted(answers)


def _asked(talk: list[Any]) -> set[int]:
    return {row.number for row in talk if row.sender == "visitor"}


def _answered(talk: list[Any]) -> set[int]:
    return {row.in_reply_to for row in talk if row.sender == "bot"}
