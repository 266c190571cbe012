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
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg

from bench.cluster import Cluster, running
from bench.latency import percentile
from bench.load import NO_LIMITS, QUESTIONS, Crowd
from bench.processes import BenchError, say

OVERLOAD = 5
STREAMS = 2000
GOOD_WAIT = 2.0  # seconds at the 95th percentile that who was let in may wait
RENEW = 100  # conversations that are begun before an overload, to write in


@dataclass
class Tally:
    """What became of messages that came whether or not they could be answered."""

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


def capacity(cluster: Cluster, options: argparse.Namespace) -> None:
    """Print turns a second and waits for more and more visitors who never pause."""
    print("\n| visitors at once | turns a second | p50 | p95 | refused |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for visitors in (1, 4, 8, 16, 32, 64, 200):
        rate, waits, refused = _rate(cluster, visitors, options.seconds)
        p50, p95 = (percentile(waits, each) * 1000 for each in (50, 95))
        print(f"| {visitors} | {rate:.1f} | {p50:.0f} ms | {p95:.0f} ms | {refused} |", flush=True)


def _rate(cluster: Cluster, visitors: int, seconds: float) -> tuple[float, list[float], int]:
    crowd = Crowd(cluster.url, visitors, pause=0.0, seed=visitors)
    crowd.start()
    time.sleep(2)
    first = len(crowd.seen.waits)
    time.sleep(seconds)
    done = crowd.seen.waits[first:]
    seen = crowd.stop()
    if seen.problems:
        raise BenchError(seen.problems[0])
    return len(done) / seconds, [end - start for start, _, end in done], seen.refused


def overload(cluster: Cluster, options: argparse.Namespace) -> None:
    """Print what becomes of five times as many messages as can be answered."""
    able, _, _ = _rate(cluster, 8, options.seconds)
    say(f"8 visitors are answered {able:.1f} times a second; now {OVERLOAD * able:.0f} come")
    before = memory(cluster)
    tally = asyncio.run(_pour(cluster.url, OVERLOAD * able, options.seconds))
    after = memory(cluster)
    came = len(tally.answered) + len(tally.refused) + sum(tally.other.values())
    print(
        f"\n{came} messages in {options.seconds:.0f} s, {OVERLOAD} times what can be answered: "
        f"{len(tally.answered)} answered ({len(tally.answered) / options.seconds:.1f} a second), "
        f"{len(tally.refused)} refused, {dict(tally.other)}"
    )
    for words, times in (("answered after", tally.answered), ("refused after", tally.refused)):
        if times:
            p50, p95 = percentile(times, 50), percentile(times, 95)
            print(f"{words}: p50 {p50:.2f} s, p95 {p95:.2f} s, longest {max(times):.2f} s")
    growth = {name: f"{after[name] - before[name]:+.0f} MiB" for name in before}
    print(f"memory: {growth}")


async def _pour(url: str, rate: float, seconds: float) -> Tally:
    """Send messages at random moments, each in a conversation of its own, whatever comes back."""
    tally, chance = Tally(), random.Random(5)
    async with _client(url) as client:
        tokens = [await _token(client) for _ in range(RENEW)]
        began, tasks = time.monotonic(), list[asyncio.Task[None]]()
        while time.monotonic() - began < seconds:
            token = tokens[len(tasks) % len(tokens)]
            tasks.append(asyncio.create_task(_one(client, token, chance.choice(QUESTIONS), tally)))
            await asyncio.sleep(chance.expovariate(rate))
        await asyncio.gather(*tasks)
    return tally


def _client(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=60, limits=limits)


async def _token(client: httpx.AsyncClient) -> str:
    started = await client.post("/api/conversations", json={"page": "crowds"})
    return str(started.json()["token"])


async def _one(client: httpx.AsyncClient, token: str, text: str, tally: Tally) -> None:
    place, began = f"/api/conversations/{token}/messages", time.monotonic()
    try:
        sent = await client.post(place, json={"key": uuid4().hex, "text": text})
        if sent.status_code == 429:
            tally.refused.append(time.monotonic() - began)
            return
        number = int(sent.json()["number"])
        while time.monotonic() - began < 60:
            await asyncio.sleep(0.2)
            found = (await client.get(f"{place}?after={number}")).json()["messages"]
            if any(each["sender"] == "bot" for each in found):
                tally.answered.append(time.monotonic() - began)
                return
        tally.other["never answered"] += 1
    except (httpx.HTTPError, ValueError, KeyError) as error:
        tally.other[type(error).__name__] += 1


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
        token = await _token(client)
        ready = [asyncio.Event() for _ in range(count)]
        tasks = []
        for number in range(count):
            tasks.append(asyncio.create_task(_hear(client, await _token(client), ready[number])))
            await ready[number].wait() if number % 50 == 49 else None
        await asyncio.gather(*(each.wait() for each in ready))
        await asyncio.sleep(5)
        tally = Tally()
        for _ in range(5):
            await _one(client, token, "heat or ice?", tally)
        grown = weigh()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return grown, percentile(tally.answered, 50)


async def _hear(client: httpx.AsyncClient, token: str, ready: asyncio.Event) -> None:
    async with client.stream("GET", f"/api/conversations/{token}/events") as stream:
        stream.raise_for_status()
        ready.set()
        async for _ in stream.aiter_lines():
            pass


def soak(cluster: Cluster, options: argparse.Namespace) -> None:
    """Print what half the capacity does to memory, handles, connections and the database."""
    able, _, _ = _rate(cluster, 8, 15)
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
        for what in options.what:
            say(what)
            COMMANDS[what](cluster, options)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(str(error))
