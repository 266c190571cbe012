"""How many Rasas a load needs: ``python -m bench.queueing``, by simulation.

Messages come at random (Poisson), each takes one of ``servers`` for a random time (gamma), and who
comes when all are busy waits in one line. Service times are those that ``bench.budget`` measured;
the load is assumed and can be given. The simulation is held to Erlang's formula by a test.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
from dataclasses import dataclass

from bench.latency import percentile

MESSAGES = 60_000  # in one simulation
GOOD_WAIT = 0.5  # seconds at the 95th percentile that a message may wait for a Rasa
BUSIEST_DAY, BUSIEST_HOUR = 1.5, 0.1  # of an average day; share of a day's messages
DAYS = 30
A_CONVERSATION = 5.1  # messages of visitors, as in the sample data
# Bytes a conversation takes in PostgreSQL with its indexes, measured (docs/scale.md).
BYTES = 12_000
SIZES = {
    "10 clinics": 30_000,
    "1,000 clinics": 3_000_000,
    "ten million conversations a month": 10_000_000,
}


def erlang_c(servers: int, load: float) -> float:
    """Return the share of arrivals that wait, of a queue with exponential service (Erlang 1917).

    load: arrivals a second times mean seconds of service; less than ``servers``.
    """
    term = total = 1.0
    for number in range(1, servers):
        term *= load / number
        total += term
    last = term * load / servers * servers / (servers - load)
    return last / (total + last)


def simulate(
    rate: float, servers: int, mean: float, variation: float, *, seed: int, count: int = MESSAGES
) -> list[float]:
    """Return how many seconds each message waits for a server, the first tenth left out.

    rate: arrivals a second; mean: seconds of service; variation: its deviation, by its mean.
    """
    chance = random.Random(seed)
    shape = 1 / variation**2
    free = [0.0] * servers
    moment, waits = 0.0, []
    for _ in range(count):
        moment += chance.expovariate(rate)
        first = heapq.heappop(free)
        begin = max(moment, first)
        waits.append(begin - moment)
        heapq.heappush(free, begin + chance.gammavariate(shape, mean / shape))
    return waits[count // 10 :]


@dataclass(frozen=True)
class Need:
    """What a load needs. rate: messages a second in the busiest hour."""

    rate: float
    servers: int
    used: float
    p95: float


def need(conversations: int, mean: float, variation: float) -> Need:
    """Return the fewest Rasas with which the busiest hour's messages wait no longer than is good.

    conversations: a month.
    """
    messages = conversations * A_CONVERSATION
    rate = messages / DAYS * BUSIEST_DAY * BUSIEST_HOUR / 3600
    servers = math.floor(rate * mean) + 1
    while True:
        p95 = percentile(simulate(rate, servers, mean, variation, seed=1), 95)
        if p95 <= GOOD_WAIT:
            return Need(rate, servers, rate * mean / servers, p95)
        servers += 1


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.queueing", description=__doc__)
    parser.add_argument("--mean", type=float, default=0.03, help="seconds a turn keeps a Rasa busy")
    parser.add_argument("--variation", type=float, default=0.7, help="deviation by mean")
    options = parser.parse_args()
    print("| load | in the busiest hour | Rasas | busy | p95 wait | with one down | a year |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, conversations in SIZES.items():
        found = need(conversations, options.mean, options.variation)
        size = conversations * 12 * BYTES / 1e9
        print(
            f"| {name} | {found.rate:.1f}/s | {found.servers} | {found.used:.0%} "
            f"| {found.p95 * 1000:.0f} ms | {found.servers + 1} | {size:,.0f} GB |"
        )
    print("\n| one Rasa busy | p50 wait | p95 wait |\n| ---: | ---: | ---: |")
    for used in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        waits = simulate(used / options.mean, 1, options.mean, options.variation, seed=2)
        p50, p95 = (percentile(waits, each) * 1000 for each in (50, 95))
        print(f"| {used:.0%} | {p50:.0f} ms | {p95:.0f} ms |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
