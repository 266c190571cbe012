"""Turns, timed: by Rasa's REST channel, and through the web process as a visitor's widget does.

A turn's time is what a visitor waits: from the message's sending to the arrival of the reply, in
milliseconds, measured by a client on the same machine.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import httpx

from bench.processes import BenchError

PATIENCE_SECONDS = 60
LONGEST_CONVERSATION = 10  # turns


@dataclass(frozen=True)
class Turn:
    """One turn. milliseconds: until the reply; kind: of the reply (``NO_REPLY``, "answer", ...)."""

    milliseconds: float
    kind: str


NO_REPLY = "none"


class Target(Protocol):
    """Something that one can talk to."""

    @property
    def name(self) -> str:
        """What it is called in the tables."""

    async def converse(self, texts: Sequence[str]) -> list[Turn]:
        """Hold a new conversation and return its turns."""


class RestTarget:
    """A Rasa server's REST channel."""

    def __init__(self, name: str, url: str) -> None:
        """Prepare; nothing is sent yet."""
        self.name = name
        self._client = _client(url)

    async def converse(self, texts: Sequence[str]) -> list[Turn]:
        """Hold a new conversation and return its turns."""
        sender = uuid4().hex
        return [await self._turn(sender, text) for text in texts]

    async def _turn(self, sender: str, text: str) -> Turn:
        began = time.perf_counter()
        response = await self._client.post(
            "/webhooks/rest/webhook", json={"sender": sender, "message": text}
        )
        milliseconds = (time.perf_counter() - began) * 1000
        _check(self.name, response)
        replies = response.json()
        return Turn(milliseconds, _kind(replies))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class WebTarget:
    """The web process: a message is posted, its reply comes as an event."""

    name = "web"

    def __init__(self, url: str) -> None:
        """Prepare; nothing is sent yet."""
        self._client = _client(url)

    async def converse(self, texts: Sequence[str]) -> list[Turn]:
        """Hold a new conversation and return its turns."""
        started = await self._client.post("/api/conversations", json={"page": "bench"})
        _check(self.name, started)
        path = f"/api/conversations/{started.json()['token']}"
        async with self._client.stream("GET", f"{path}/events") as stream:
            if stream.is_error:
                raise BenchError(f"web: the events answered {stream.status_code}")
            replies = _replies(stream)
            return [await self._turn(path, text, replies) for text in texts]

    async def _turn(self, path: str, text: str, replies: Any) -> Turn:
        began = time.perf_counter()
        said = await self._client.post(f"{path}/messages", json={"key": uuid4().hex, "text": text})
        _check(self.name, said)
        number = int(said.json()["number"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                reply = await anext(replies)
                # An offer that came with the reply before is no answer to this message.
                if reply["number"] > number:
                    break
        return Turn((time.perf_counter() - began) * 1000, _kind([reply]))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _replies(stream: httpx.Response) -> Any:
    """Yield the bot's messages out of a stream of events."""
    async for line in stream.aiter_lines():
        if line.startswith("data:"):
            data = json.loads(line.removeprefix("data:"))
            if data.get("sender", "visitor") != "visitor":
                yield data
    raise BenchError("web: the stream of events ended")


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False)


def _check(name: str, response: httpx.Response) -> None:
    if response.is_error:
        raise BenchError(f"{name} answered {response.status_code}: {response.text[:200]}")


def _kind(replies: list[dict[str, Any]]) -> str:
    """Return what the replies are: the type that the actions put into them."""
    if not replies:
        return NO_REPLY
    types = [str((reply.get("custom") or {}).get("type") or "text") for reply in replies]
    return "answer" if "answer" in types else types[0]


@dataclass
class Timing:
    """The rounds of one target. Milliseconds, each list with one figure a round."""

    p50: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)
    crowd_p50: list[float] = field(default_factory=list)
    crowd_p95: list[float] = field(default_factory=list)
    turns_per_second: list[float] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)

    def count(self, turns: Sequence[Turn]) -> None:
        """Count the kinds of replies."""
        for turn in turns:
            self.kinds[turn.kind] = self.kinds.get(turn.kind, 0) + 1


async def measure_alone(target: Target, texts: Sequence[str], timing: Timing) -> None:
    """One visitor after the other; each has a conversation of at most ten turns."""
    turns: list[Turn] = []
    for conversation in _conversations(texts):
        turns += await target.converse(conversation)
    times = [turn.milliseconds for turn in turns]
    timing.p50.append(percentile(times, 50))
    timing.p95.append(percentile(times, 95))
    timing.count(turns)


async def measure_crowd(
    target: Target, texts: Sequence[str], visitors: int, timing: Timing
) -> None:
    """``visitors`` at once, each with a conversation of its own; none waits between messages."""
    began = time.perf_counter()
    conversations = await asyncio.gather(
        *(
            target.converse(_rotated(texts, place * len(texts) // visitors)[:LONGEST_CONVERSATION])
            for place in range(visitors)
        )
    )
    seconds = time.perf_counter() - began
    turns = [turn for conversation in conversations for turn in conversation]
    times = [turn.milliseconds for turn in turns]
    timing.crowd_p50.append(percentile(times, 50))
    timing.crowd_p95.append(percentile(times, 95))
    timing.turns_per_second.append(len(turns) / seconds)
    timing.count(turns)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` % of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def _conversations(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(texts), LONGEST_CONVERSATION):
        yield texts[first : first + LONGEST_CONVERSATION]


def _rotated(texts: Sequence[str], by: int) -> list[str]:
    return [*texts[by:], *texts[:by]]
