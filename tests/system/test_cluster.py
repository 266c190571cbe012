"""The topology of several machines under load, while its parts are killed one after another.

Whatever dies, every accepted message has one place in the transcript and one answer, in order, and
every handoff whose number was shown exists once. ``python -m bench.faults`` does more and worse.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench import faults
from bench.cluster import Cluster
from bench.load import NO_LIMITS, Crowd, judge
from tests.system.assistant import wait_until

pytestmark = pytest.mark.postgres

VISITORS = 6
FAULTS, SEED = 8, 3
# One of each kind; the other of two is the same program.
KILLED = ("web-1", "rasa-1", "actions-1", "redis")
AWAY = 2.0  # seconds until a part is started again, as a supervisor would
RECOVERED = 30.0  # a Rasa takes its time to load its model


@pytest.fixture(scope="module")
def topology(model: Path) -> Iterator[faults.Faults]:
    if shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None:
        pytest.skip("nginx is not installed")
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed")
    # As in the other system tests: a machine with other work on it may take its time, and an
    # apology for that would say nothing of who took over.
    patient = {**NO_LIMITS, "SPINEBOT_RASA_TIMEOUT": "20"}
    with ExitStack() as stack:
        yield faults.start(stack, SEED, model, patient)


@pytest.fixture
def cluster(topology: faults.Faults) -> Cluster:
    return topology.cluster


def test_whatever_dies_nothing_is_lost_doubled_or_out_of_order(cluster: Cluster) -> None:
    crowd = Crowd(cluster.url, VISITORS, pause=0.7)
    crowd.start()
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
    seen = crowd.stop()
    verdict = judge(str(cluster.environment("web-1")["SPINEBOT_DATABASE_URL"]), seen)
    print(f"{verdict}; longest wait {max(end - began for began, _, end in seen.waits):.1f} s")
    assert seen.problems == []
    assert verdict.is_good, verdict
    assert verdict.answered > 60
    # Where one of two died, the other took over: nobody was told of trouble.
    assert seen.apologies == 0


SLOW = 300  # senders at once
LONGEST = 10.0  # seconds that nginx waits for the rest of a request (deploy/nginx/proxy.conf)


def test_slow_senders_are_ended_and_hold_up_nobody(cluster: Cluster) -> None:
    wait_until(lambda: _all_ready(cluster), 60)
    address = ("127.0.0.1", cluster.ports["web"])
    # Half of them never end their headers, the others never send the body that they announce.
    ends = ("X-Slow: ", "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{")
    senders = []
    for number in range(SLOW):
        sender = socket.create_connection(address, timeout=5)
        head = f"POST /api/conversations HTTP/1.1\r\nHost: bot.clinic.example\r\n{ends[number % 2]}"
        sender.sendall(head.encode())
        senders.append(sender)
    crowd = Crowd(cluster.url, 2, pause=0.5)
    crowd.start()
    began = time.monotonic()
    # A letter a second would hold a connection for ever where only silence is timed.
    while time.monotonic() - began < LONGEST + 8:
        time.sleep(1)
        for sender in senders[::2]:
            with contextlib.suppress(OSError):
                sender.send(b"a")
    seen = crowd.stop()
    ended = sum(_is_ended(sender) for sender in senders)
    for sender in senders:
        sender.close()
    assert seen.problems == []
    assert seen.refused == 0
    assert max(end - began for began, _, end in seen.waits) < LONGEST
    assert ended == SLOW


def _is_ended(sender: socket.socket) -> bool:
    """Return whether the other side has closed the connection, whatever it said before."""
    sender.setblocking(False)
    try:
        while sender.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def test_faults_as_chance_has_them_lose_nothing(topology: faults.Faults) -> None:
    """`python -m bench.faults`, with fewer of them."""
    assert faults.run(topology, FAULTS, SEED) == 0
    assert len(topology.happened) == FAULTS


def _all_ready(cluster: Cluster) -> bool:
    return all(cluster.is_up(name) for name in cluster.names if name[-1].isdigit())
