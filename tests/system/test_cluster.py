"""The topology of several machines under load, while its parts are killed one after another.

Whatever dies, every accepted message has one place in the transcript and one answer, in order, and
every handoff whose number was shown exists once. ``python -m bench.faults`` does more and worse.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cluster import Cluster, running
from bench.load import NO_LIMITS, Crowd, judge
from tests.system.assistant import wait_until

pytestmark = pytest.mark.postgres

VISITORS = 6
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
    # As in the other system tests: a machine with other work on it may take its time, and an
    # apology for that would say nothing of who took over.
    patient = {**NO_LIMITS, "SPINEBOT_RASA_TIMEOUT": "20"}
    with running(model=model, settings=patient) as found:
        yield found


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
    assert verdict.answered > 100
    # Where one of two died, the other took over: nobody was told of trouble.
    assert seen.apologies == 0


def _all_ready(cluster: Cluster) -> bool:
    return all(cluster.is_up(name) for name in cluster.names if name[-1].isdigit())
