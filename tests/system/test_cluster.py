"""The topology of several machines under load, while its parts are killed one after another.

Visitors write as the widget does: a message has a key of its own and is sent again until it is
accepted. Whatever dies, every accepted message has one place in the transcript and one answer, in
order; what a visitor is told meanwhile is honest.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from bench.cluster import Cluster, postgres
from tests.system.assistant import wait_until

pytestmark = pytest.mark.postgres

VISITORS = 6
QUESTIONS = ("heat or ice?", "how do i sleep?", "are muscle relaxants safe?", "bed rest?")
# Each once, then as chance has it.
KILLED = ("web-1", "rasa-1", "actions-1", "redis", "web-2", "rasa-2", "actions-2")
AWAY = 2.0  # seconds until a part is started again, as a supervisor would
RECOVERED = 30.0  # a Rasa takes its time to load its model


@pytest.fixture(scope="module")
def cluster(model: Path) -> Iterator[Cluster]:
    if shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None:
        pytest.skip("nginx is not installed")
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed")
    folder = Path(tempfile.mkdtemp(prefix="spinebot-cluster-"))
    folder.chmod(0o755)
    limits = {"ADDRESS": "100000/minute", "MESSAGES": "100000/minute", "CONVERSATIONS": "1000/hour"}
    settings = {f"SPINEBOT_LIMIT_{name}": limit for name, limit in limits.items()}
    with postgres() as url:
        found = Cluster(folder, url, model, **settings)
        found.prepare()
        try:
            for name in found.names:
                found.start(name)
            found.wait_until_ready()
            yield found
        finally:
            found.stop()
            shutil.rmtree(folder, ignore_errors=True)


class Chatting(threading.Thread):
    """A visitor with a widget: sends a message until it is accepted, and waits for its answer."""

    def __init__(self, cluster: Cluster, stop: threading.Event, number: int) -> None:
        super().__init__(daemon=True)
        self._api, self._stopped = f"{cluster.url}/api/conversations", stop
        self._chance = random.Random(number)
        self.token = httpx.post(self._api, json={"page": "test"}, trust_env=False).json()["token"]
        self.accepted: list[tuple[str, int]] = []
        self.longest = 0.0
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            with httpx.Client(trust_env=False, timeout=15) as client:
                while not self._stopped.is_set():
                    self._say(client)
                    self._stopped.wait(0.2 + self._chance.random())
        except BaseException as error:  # told by the test's thread
            self.problem = error

    def _say(self, client: httpx.Client) -> None:
        key, began = uuid4().hex, time.monotonic()
        body = {"text": self._chance.choice(QUESTIONS), "key": key}
        while True:
            try:
                sent = client.post(f"{self._api}/{self.token}/messages", json=body)
                if sent.status_code in {200, 202}:
                    break
                assert sent.status_code in {429, 502, 503, 504}, sent.text
            except httpx.HTTPError:
                pass  # as a widget on a bad line: the same key again
            time.sleep(0.3)
        self.accepted.append((key, sent.json()["number"]))
        wait_until(lambda: self._is_answered(client, sent.json()["number"]), 90)
        self.longest = max(self.longest, time.monotonic() - began)

    def _is_answered(self, client: httpx.Client, number: int) -> bool:
        time.sleep(0.1)
        try:
            found = client.get(f"{self._api}/{self.token}/messages", params={"after": number})
            return found.status_code == 200 and bool(found.json()["messages"])
        except (httpx.HTTPError, ValueError):
            return False


def test_whatever_dies_nothing_is_lost_doubled_or_out_of_order(cluster: Cluster) -> None:
    stop = threading.Event()
    visitors = [Chatting(cluster, stop, number) for number in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    time.sleep(3)
    for name in KILLED:
        cluster.kill(name)
        time.sleep(AWAY)
        cluster.start(name)
        began = time.monotonic()
        wait_until(lambda: _all_ready(cluster), RECOVERED + 60)
        print(f"{name} was killed; all was ready {time.monotonic() - began:.1f} s after its start")
        time.sleep(1)
    time.sleep(3)
    stop.set()
    for visitor in visitors:
        visitor.join(120)
    assert [visitor.problem for visitor in visitors] == [None] * VISITORS
    _check(cluster, visitors)


def _all_ready(cluster: Cluster) -> bool:
    with httpx.Client(trust_env=False, timeout=5) as client:
        return all(cluster._is_ready(client, name) for name in ("web-1", "web-2"))


def _check(cluster: Cluster, visitors: list[Chatting]) -> None:
    url = str(cluster.environment("web-1")["SPINEBOT_DATABASE_URL"])
    with psycopg.connect(url) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(
            "SELECT conversation_id, number, sender, key, in_reply_to, custom->>'type' "
            "FROM message ORDER BY conversation_id, number"
        ).fetchall()
    talks: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        talks.setdefault(row[0], []).append(row)
    by_key = {row[3]: row for row in rows if row[2] == "visitor"}
    said = [each for visitor in visitors for each in visitor.accepted]
    # Lost or doubled: each accepted key stands once, with the number that the visitor was told.
    assert len(by_key) == sum(row[2] == "visitor" for row in rows) == len(said)
    assert all(by_key[key][1] == number for key, number in said)
    for talk in talks.values():
        assert [row[1] for row in talk] == list(range(1, len(talk) + 1))
        answered = [row[4] for row in talk if row[2] == "bot"]
        assert answered == sorted(answered)
        asked = {row[1] for row in talk if row[2] == "visitor"}
        assert set(answered) == asked, "every message has an answer"
    sorry = sum(row[5] == "error" for row in rows)
    print(
        f"{len(said)} messages, {len(KILLED)} parts killed: 0 lost, 0 doubled, {sorry} apologies; "
        f"the longest wait for an answer {max(each.longest for each in visitors):.1f} s"
    )
    assert sorry < len(said) / 4
