"""``python -m bench.crowds``: many at once, on the topology of several machines.

capacity: visitors who never pause, more and more of them: turns a second and waits.
overload: five times as many messages as can be answered: who is refused how soon, who waits.
streams: event streams that nobody writes in, and the memory that they take.
soak: half the capacity for a long time; memory, files, connections and database size on the way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from bench import plots
from bench.cluster import Cluster, running
from bench.latency import percentile
from bench.load import NO_LIMITS, QUESTIONS, Crowd
from bench.processes import BenchError, say

OVERLOAD = 5
STREAMS = 2000
AT_ONCE = 1000  # conversations to write in during an overload
LINES = 200  # connections that they are sent over
PATIENCE = 60.0  # seconds after which a message counts as never answered


@dataclass
class Tally:
    """What became of messages."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)


def memory(cluster: Cluster) -> dict[str, float]:
    """Return each part's resident MiB, with its children."""
    return {name: _tree(process.pid) for name, process in cluster.processes.items()}


def _tree(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    own = int(found[1]) / 1024 if found else 0.0
    return own + sum(_tree(int(child)) for child in children)


def files(cluster: Cluster, name: str) -> int:
    """Return how many file handles a part has open."""
    return len(list(Path(f"/proc/{cluster.processes[name].pid}/fd").iterdir()))


class Talk:
    """A conversation as a widget has it: messages go in by calls, replies come as events."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Nothing is begun yet."""
        self._client = client
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._place = ""
        self._hears: asyncio.Task[None] | None = None

    async def begin(self) -> Talk:
        """Begin the conversation and listen."""
        self._place = f"/api/conversations/{await _token(self._client)}"
        ready = asyncio.Event()
        self._hears = asyncio.create_task(_hear(self._client, self._place, ready, self._replies))
        await ready.wait()
        return self

    async def ask(self, text: str) -> tuple[str, float]:
        """Ask; return "answered" or "refused", and after how many seconds."""
        began = time.monotonic()
        body = {"key": uuid4().hex, "text": text}
        sent = await self._client.post(f"{self._place}/messages", json=body)
        if sent.status_code == 429:
            return "refused", time.monotonic() - began
        number = int(sent.json()["number"])
        async with asyncio.timeout(PATIENCE):
            while (await self._replies.get())["number"] <= number:
                pass
        return "answered", time.monotonic() - began

    async def end(self) -> None:
        """Listen no longer."""
        if self._hears:
            self._hears.cancel()
            await asyncio.gather(self._hears, return_exceptions=True)


def capacity(cluster: Cluster, options: argparse.Namespace) -> None:
    """Print turns a second and waits for more and more visitors who never pause."""
    asyncio.run(_crowd(cluster.url, 8, options.seconds))  # warms up
    print("\n| visitors at once | turns a second | p50 | p95 | refused |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for visitors in (1, 2, 4, 8, 16, 32, 64, 200):
        tally = asyncio.run(_crowd(cluster.url, visitors, options.seconds))
        p50, p95 = (percentile(tally.answered, each) * 1000 for each in (50, 95))
        rate = len(tally.answered) / options.seconds
        print(
            f"| {visitors} | {rate:.1f} | {p50:.0f} ms | {p95:.0f} ms | {len(tally.refused)} |",
            flush=True,
        )


async def _crowd(url: str, visitors: int, seconds: float) -> Tally:
    """Let so many visitors ask one question after the other; who is refused tries again later."""
    tally, chance = Tally(), random.Random(visitors)

    async def visit(client: httpx.AsyncClient) -> None:
        talk = await Talk(client).begin()
        while time.monotonic() < ends:
            what, taken = await talk.ask(chance.choice(QUESTIONS))
            getattr(tally, what).append(taken)
            if what == "refused":
                await asyncio.sleep(2 + 3 * chance.random())
        await talk.end()

    async with _client(url) as client:
        ends = time.monotonic() + seconds
        await asyncio.gather(*(visit(client) for _ in range(visitors)))
    return tally


def overload(cluster: Cluster, options: argparse.Namespace) -> None:
    """Print what becomes of five times as many messages as can be answered."""
    asyncio.run(_crowd(cluster.url, 8, options.seconds))  # warms up
    able = len(asyncio.run(_crowd(cluster.url, 8, options.seconds)).answered) / options.seconds
    say(f"8 visitors are answered {able:.1f} times a second; now {OVERLOAD * able:.0f} come")
    before = memory(cluster)
    sent = asyncio.run(_pour(cluster.url, OVERLOAD * able, options.seconds))
    waited = _waited(str(cluster.environment("web-1")["SPINEBOT_DATABASE_URL"]), sent)
    after = memory(cluster)
    taken = [each for each in sent if each.status == 202]
    refused = [each.seconds for each in sent if each.status == 429]
    other = Counter(each.status for each in sent if each.status not in {202, 429})
    print(
        f"\n{len(sent)} messages, {len(sent) / options.seconds:.0f} a second: {len(taken)} taken "
        f"({len(taken) / options.seconds:.1f} a second), {len(refused)} refused, "
        f"other answers {dict(other)}; never answered {len(taken) - len(waited)}"
    )
    for words, times in (("answered after", waited), ("refused after", refused)):
        if times:
            p50, p95 = percentile(times, 50), percentile(times, 95)
            print(f"{words}: p50 {p50:.2f} s, p95 {p95:.2f} s, longest {max(times):.2f} s")
    growth = {name: f"{after[name] - before[name]:+.0f} MiB" for name in before}
    print(f"memory: {growth}")


@dataclass
class Sent:
    """A message that was sent: its key, the status of the answer, and after how many seconds."""

    key: str
    status: int
    seconds: float


async def _pour(url: str, rate: float, seconds: float) -> list[Sent]:
    """Send messages at random moments, whatever becomes of those before.

    Without a library and without event streams: what the sender takes of the processors, those who
    answer do not have. How long an answer took is read from the database afterwards.
    """
    chance, sent = random.Random(5), list[Sent]()
    async with _client(url) as client:
        tokens = [await _token(client) for _ in range(AT_ONCE)]
    host, port = url.removeprefix("http://").split(":")
    lines = [await asyncio.open_connection(host, int(port)) for _ in range(LINES)]
    free, tasks = asyncio.Queue[Any](), list[asyncio.Task[None]]()
    for line in lines:
        free.put_nowait(line)

    async def post(number: int) -> None:
        began, key = time.monotonic(), uuid4().hex
        line = await free.get()
        body = json.dumps({"key": key, "text": chance.choice(QUESTIONS)})
        status = await _post(line, f"/api/conversations/{tokens[number % AT_ONCE]}/messages", body)
        free.put_nowait(line)
        sent.append(Sent(key, status, time.monotonic() - began))

    began, due = time.monotonic(), 0.0
    while due < seconds:
        due += chance.expovariate(rate)
        await asyncio.sleep(began + due - time.monotonic())
        tasks.append(asyncio.create_task(post(len(tasks))))
    await asyncio.gather(*tasks)
    for _, writer in lines:
        writer.close()
    return sent


async def _post(
    line: tuple[asyncio.StreamReader, asyncio.StreamWriter], path: str, body: str
) -> int:
    """Send a request over an open connection; return the status."""
    reader, writer = line
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"content-length: (\d+)", answer, re.IGNORECASE)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(answer.split(" ", 2)[1])


def _waited(url: str, sent: list[Sent]) -> list[float]:
    """Return how long each message that was taken waited for its answer, in seconds.

    From its sending until the answer was in the database; those without one are left out.
    """
    taken = {each.key: each.seconds for each in sent if each.status == 202}
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(int(PATIENCE)):
            rows = connection.execute(
                "SELECT key, answered_at - created_at FROM message WHERE key = ANY(%s)",
                (list(taken),),
            ).fetchall()
            if all(wait is not None for _, wait in rows):
                break
            time.sleep(1)
    return [taken[key] + wait.total_seconds() for key, wait in rows if wait is not None]


def _client(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=60, limits=limits)


async def _token(client: httpx.AsyncClient) -> str:
    started = await client.post("/api/conversations", json={"page": "crowds"})
    return str(started.json()["token"])


async def _hear(
    client: httpx.AsyncClient, place: str, ready: asyncio.Event, replies: asyncio.Queue[Any]
) -> None:
    async with client.stream("GET", f"{place}/events") as stream:
        stream.raise_for_status()
        ready.set()
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                message = json.loads(line.removeprefix("data:"))
                if message.get("sender") == "bot":
                    replies.put_nowait(message)


def streams(cluster: Cluster, options: argparse.Namespace) -> None:
    """Print what idle event streams cost one web process."""
    url = cluster.own_url("web-1")
    before = memory(cluster)["web-1"]
    grown, late = asyncio.run(_listen(url, options.streams, lambda: memory(cluster)["web-1"]))
    print(
        f"\n{options.streams} idle event streams on one web process: {grown - before:+.0f} MiB "
        f"({(grown - before) * 1024 / options.streams:.0f} KiB each); meanwhile a turn beside them "
        f"took {late * 1000:.0f} ms"
    )


async def _listen(url: str, count: int, weigh: Callable[[], float]) -> tuple[float, float]:
    async with _client(url) as client:
        talks: list[Talk] = []
        for _ in range(count // 50):
            talks += await asyncio.gather(*(Talk(client).begin() for _ in range(50)))
        await asyncio.sleep(5)
        taken = [(await talks[0].ask(question))[1] for question in QUESTIONS]
        grown = weigh()
        await asyncio.gather(*(talk.end() for talk in talks))
    return grown, percentile(taken, 50)


def soak(cluster: Cluster, options: argparse.Namespace) -> None:
    """Print what half the capacity does to memory, handles, connections and the database."""
    able = len(asyncio.run(_crowd(cluster.url, 8, 15)).answered) / 15
    # So many visitors that they ask for half of it with a pause of two seconds.
    visitors = max(1, round(able / 2 * 2))
    crowd = Crowd(cluster.url, visitors, pause=2.0, seed=9)
    crowd.start()
    began, rows = time.monotonic(), []
    while time.monotonic() - began < options.minutes * 60:
        time.sleep(min(60.0, options.minutes * 60 / 5))
        rows.append(_sample(cluster, crowd, time.monotonic() - began))
        say(json.dumps(rows[-1]))
    seen = crowd.stop()
    print(f"\n{visitors} visitors, {len(seen.waits)} turns, {seen.apologies} apologies")
    names = list(rows[0])
    print("| " + " | ".join(names) + " |\n|" + " ---: |" * len(names))
    for row in rows:
        print("| " + " | ".join(f"{row[name]:,.1f}".removesuffix(".0") for name in names) + " |")
    waits = [end - start for start, _, end in seen.waits]
    print(f"waits: p50 {percentile(waits, 50):.2f} s, p95 {percentile(waits, 95):.2f} s")
    thinned = rows[:: max(1, len(rows) // 10)]
    for name in names[2:]:
        points = [(round(row["minute"]), row[name]) for row in thinned]
        print(plots.line(f"half the capacity: {name}", "minute", name, points))


def _sample(cluster: Cluster, crowd: Crowd, seconds: float) -> dict[str, float]:
    kept = memory(cluster)
    with psycopg.connect(str(cluster.environment("web-1")["SPINEBOT_DATABASE_URL"])) as database:
        size = database.execute("SELECT pg_database_size(current_database())").fetchone()
        clients = database.execute("SELECT count(*) FROM pg_stat_activity").fetchone()
    found = {"minute": seconds / 60, "turns": float(len(crowd.seen.waits))}
    for kind in ("web", "rasa", "actions"):
        found[f"{kind} MiB"] = (kept[f"{kind}-1"] + kept[f"{kind}-2"]) / 2
    found["web files"] = float(files(cluster, "web-1"))
    found["connections"] = float(clients[0]) if clients else 0.0
    found["database MiB"] = size[0] / 2**20 if size else 0.0
    return found


COMMANDS: dict[str, Callable[[Cluster, argparse.Namespace], None]] = {
    "capacity": capacity,
    "overload": overload,
    "streams": streams,
    "soak": soak,
}


def main() -> int:
    """Start the cluster, measure, and end it."""
    parser = argparse.ArgumentParser(prog="python -m bench.crowds", description=__doc__)
    parser.add_argument("what", nargs="+", choices=COMMANDS)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--streams", type=int, default=STREAMS)
    options = parser.parse_args()
    with ExitStack() as stack:
        cluster = stack.enter_context(running(settings=NO_LIMITS))
        # Who measures must not be slowed down by what is measured (needs root).
        with suppress(PermissionError):
            os.nice(-15)
        for what in options.what:
            say(what)
            COMMANDS[what](cluster, options)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(str(error))
