"""Two web processes as one: PostgreSQL keeps everything, Redis tells each of the other's news."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import _create_database
from tests.system.assistant import Assistant, Visitor, free_port, new_assistant, wait_until

pytestmark = pytest.mark.postgres

QUESTIONS = ("heat or ice?", "how do i sleep?", "are muscle relaxants safe?", "bed rest?")


@dataclass
class Pair:
    """Two web processes before one Rasa, and what they share."""

    one: Assistant
    two: Assistant
    url: str
    redis: list[str]
    server: subprocess.Popen[bytes]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, values).fetchall()

    def start_redis(self) -> None:
        self.server = subprocess.Popen(self.redis, stdout=subprocess.DEVNULL)

    def at(self, assistant: Assistant, visitor: Visitor) -> Visitor:
        """The same visitor, connected to another process."""
        other = Visitor(assistant)
        other.token = visitor.token
        return other


@pytest.fixture(scope="module")
def pair(
    postgres_server: str, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed")
    name = f"pair_{uuid.uuid4().hex}"
    _create_database(postgres_server, name, "template1")
    url = postgres_server.format(name=name)
    folder = tmp_path_factory.mktemp("pair")
    port = free_port()
    redis = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    one = new_assistant(
        folder / "data",
        model,
        SPINEBOT_DATABASE_URL=url,
        SPINEBOT_REDIS_URL=f"redis://127.0.0.1:{port}/0",
        SPINEBOT_LIMIT_MESSAGES="100000/minute",
    )
    two = Assistant({**one.environment, "SPINEBOT_WEB_PORT": str(free_port())})
    found = Pair(one, two, url, redis, subprocess.Popen(redis, stdout=subprocess.DEVNULL))
    one.start("actions", "rasa", "web")
    two.start("web")
    try:
        one.wait_until_ready()
        two.wait_until_ready()
        yield found
    finally:
        two.stop()
        one.stop()
        found.server.terminate()
        found.server.wait()


def order_of(pair: Pair, visitor: Visitor) -> list[int]:
    """Return the numbers that the bot's replies answer, in the order of the replies."""
    found = visitor.messages()
    assert [each["number"] for each in found] == list(range(1, len(found) + 1))
    conversation = pair.rows("SELECT max(conversation_id) FROM message")[0][0]
    rows = pair.rows(
        "SELECT in_reply_to FROM message WHERE conversation_id = %s AND sender = 'bot' "
        "ORDER BY number",
        conversation,
    )
    return [number for (number,) in rows]


def test_who_listens_at_the_other_process_hears_at_once(pair: Pair) -> None:
    visitor = Visitor(pair.one)
    other = pair.at(pair.two, visitor)
    visitor.say("hello")
    heard: list[dict[str, Any]] = []
    listening = threading.Thread(target=lambda: heard.extend(other.events(after=2, count=2)))
    listening.start()
    time.sleep(0.5)
    began = time.monotonic()
    visitor.post(text="heat or ice?")
    listening.join(20)
    print(f"heard at the other process after {time.monotonic() - began:.2f} s")
    assert [each["sender"] for each in heard] == ["visitor", "bot"]


def test_messages_at_both_processes_are_answered_once_and_in_order(pair: Pair) -> None:
    visitor = Visitor(pair.one)
    other = pair.at(pair.two, visitor)
    for turn in range(12):
        first, second = QUESTIONS[turn % 4], QUESTIONS[(turn + 1) % 4]
        gate = threading.Barrier(2)

        def send(who: Visitor, text: str, gate: threading.Barrier = gate) -> None:
            gate.wait()
            assert who.post(text=text).status_code == 202

        threads = [
            threading.Thread(target=send, args=each) for each in ((visitor, first), (other, second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wait_until(
        lambda: (
            not pair.rows("SELECT 1 FROM message WHERE sender = 'visitor' AND answered_at IS NULL")
        ),
        60,
    )
    answered = order_of(pair, visitor)
    assert answered == sorted(answered)
    assert len(set(answered)) == 24


def test_what_a_dead_process_left_is_answered_by_the_other(pair: Pair) -> None:
    visitor = Visitor(pair.one)
    visitor.say("hello")
    other = pair.at(pair.two, visitor)
    # Rasa stands still, so that the process dies in the middle of a turn.
    pair.one.send("rasa", signal.SIGSTOP)
    children = subprocess.run(
        ["pgrep", "-P", str(pair.one.processes["rasa"].pid)], capture_output=True, text=True
    ).stdout.split()
    for child in children:
        subprocess.run(["kill", "-STOP", child], check=True)
    visitor.post(text="heat or ice?")
    time.sleep(0.5)
    pair.one.kill("web")
    began = time.monotonic()
    for child in children:
        subprocess.run(["kill", "-CONT", child], check=True)
    pair.one.send("rasa", signal.SIGCONT)
    replies = wait_until(lambda: other.messages(after=3), 60)
    print(f"answered by the other process after {time.monotonic() - began:.1f} s")
    assert replies[0]["custom"]["type"] in {"answer", "again"}
    assert len(replies) == 1
    pair.one.start("web")
    pair.one.wait_until_ready()
    time.sleep(1)
    assert len(other.messages(after=3)) == 1, "answered once, also when the other is back"


def test_without_redis_it_goes_on_and_listeners_look_for_themselves(pair: Pair) -> None:
    visitor = Visitor(pair.one)
    visitor.say("hello")
    other = pair.at(pair.two, visitor)
    pair.server.terminate()
    pair.server.wait()
    time.sleep(1)
    heard: list[dict[str, Any]] = []
    listening = threading.Thread(target=lambda: heard.extend(other.events(after=2, count=2)))
    listening.start()
    time.sleep(0.5)
    began = time.monotonic()
    (answer,) = visitor.say("heat or ice?")
    assert answer["custom"]["type"] in {"answer", "again"}
    listening.join(20)
    print(f"without Redis heard after {time.monotonic() - began:.1f} s")
    assert [each["sender"] for each in heard] == ["visitor", "bot"]
    pair.start_redis()
    time.sleep(4)
    test_who_listens_at_the_other_process_hears_at_once(pair)
