"""``python -m bench.faults``: the topology of several machines under load, and faults, many.

Parts are killed, held up and cut off as chance has it, while visitors write and fill forms. In the
end the database must hold every message that was accepted and every handoff whose number was shown,
once and in order. It exits with 1 if it does not.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.cluster import Cluster, running
from bench.latency import percentile
from bench.load import NO_LIMITS, Crowd, Seen, Verdict, judge
from bench.postgres import Postgres
from bench.processes import BenchError, free_ports, say
from bench.wire import Wire

FAULTS = 300
VISITORS = 8
PAUSE = 1.5  # seconds between a visitor's messages, on average
AWAY = (0.5, 2.0)  # seconds until a part that died is started again, as a supervisor would
HELD = (0.5, 3.0)  # seconds for which a part or a wire stands still
BETWEEN = (1.0, 4.0)  # seconds from a fault's end to the next fault
RECOVERED = 10.0  # the bar: within so many seconds after a fault visitors are answered again
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class Faults:
    """All that can go wrong with a running cluster, by name."""

    def __init__(
        self, cluster: Cluster, postgres: Postgres, wire: Wire, clock: Path | None, seed: int
    ) -> None:
        """clock: the file that moves the clock of ``web-2``; None where that cannot be done."""
        self.cluster, self._postgres, self._wire, self._clock = cluster, postgres, wire, clock
        self._chance = random.Random(seed)
        # What happened, from when to when (monotonic).
        self.happened: list[tuple[str, float, float]] = []

    def kinds(self) -> dict[str, Callable[[], None]]:
        """Return what may happen now. Of two that do one job, one stays."""
        found: dict[str, Callable[[], None]] = {
            "redis killed": lambda: self._kill("redis"),
            "nginx killed": lambda: self._kill("nginx"),
            "database restarted": self._restart_database,
            "database cut off": self._wire.cut,
            "database held up": lambda: self._hold_wire(),
        }
        if self._postgres.can_be_filled:
            found["disk full"] = self._fill_disk
        if self._clock:
            found["clock jumps"] = self._move_clock
        for kind in ("web", "rasa", "actions"):
            names = [f"{kind}-1", f"{kind}-2"]
            ready = [name for name in names if self.cluster.is_up(name)]
            for name in ready if len(ready) == len(names) else ():
                found[f"{name} killed"] = lambda name=name: self._kill(name)  # type: ignore[misc]
                found[f"{name} held up"] = lambda name=name: self._hold(name)  # type: ignore[misc]
        return found

    def happen(self) -> None:
        """Do one, and wait until it is over."""
        self._supervise()
        kinds = self.kinds()
        name = self._chance.choice(sorted(kinds))
        began = time.monotonic()
        kinds[name]()
        self.happened.append((name, began, time.monotonic()))
        time.sleep(self._chance.uniform(*BETWEEN))

    def _supervise(self) -> None:
        """Start what has ended by itself: a web process that found no database, say."""
        for name, process in list(self.cluster.processes.items()):
            if process.poll() is not None:
                self.cluster.start(name)

    def _kill(self, name: str) -> None:
        self.cluster.kill(name)
        time.sleep(self._chance.uniform(*AWAY))
        self.cluster.start(name)

    def _hold(self, name: str) -> None:
        self.cluster.send(name, signal.SIGSTOP)
        time.sleep(self._chance.uniform(*HELD))
        self.cluster.send(name, signal.SIGCONT)

    def _hold_wire(self) -> None:
        seconds = self._chance.uniform(*HELD)
        self._wire.hold(seconds)
        time.sleep(seconds)

    def _restart_database(self) -> None:
        self._postgres.restart()

    def _fill_disk(self) -> None:
        with self._postgres.full():
            time.sleep(self._chance.uniform(*HELD))

    def _move_clock(self) -> None:
        assert self._clock
        hours = self._chance.choice([-2, -1, 0, 1, 2])
        self._clock.write_text(f"{hours:+d}h\n", encoding="ascii")
        time.sleep(1)


def main() -> int:
    """Start the cluster and the visitors, let things go wrong, and judge."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=FAULTS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # Whoever ends this ends what it has started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        return run(start(stack, options.seed), options.faults, options.seed)


def start(
    stack: ExitStack,
    seed: int,
    model: Path | None = None,
    settings: Mapping[str, str] = NO_LIMITS,
) -> Faults:
    """Start the topology, with what can go wrong with it.

    stack: holds what is started; model: which one is served, None for the live one.
    """
    database = stack.enter_context(Postgres.running(small_disk=True))
    [port] = free_ports(1)
    wire = Wire(port, database.socket)
    wire.start()
    clock = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "clock"
    clock.write_text("+0h\n", encoding="ascii")
    can_move = FAKETIME.is_file()
    moved = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    cluster = stack.enter_context(
        running(
            f"postgresql://spinebot@127.0.0.1:{port}/spinebot",
            model=model,
            settings=settings,
            extra={"web-2": moved} if can_move else None,
        )
    )
    _say_what_is_left_out(database, can_move=can_move)
    return Faults(cluster, database, wire, clock if can_move else None, seed)


def run(faults: Faults, count: int, seed: int) -> int:
    """Let ``count`` faults happen; return 1 if anything was lost, doubled or out of order."""
    cluster = faults.cluster
    crowd = Crowd(cluster.url, VISITORS, PAUSE, seed)
    crowd.start()
    began = time.monotonic()
    for number in range(1, count + 1):
        faults.happen()
        if number % 10 == 0:
            say(f"{number} faults, {len(crowd.seen.accepted)} messages")
    time.sleep(RECOVERED)
    seen = crowd.stop()
    verdict = judge(str(cluster.environment("web-1")["SPINEBOT_DATABASE_URL"]), seen)
    _report(cluster.folder, faults, seen, verdict, (time.monotonic() - began) / 60)
    return 0 if verdict.is_good and not seen.problems else 1


def _report(folder: Path, faults: Faults, seen: Seen, verdict: Verdict, minutes: float) -> None:
    waits = [end - start for start, _, end in seen.waits]
    late = sum(wait > RECOVERED for wait in waits)
    print(f"\n{len(faults.happened)} faults in {minutes:.0f} minutes:")
    for name, times in sorted(Counter(each[0] for each in faults.happened).items()):
        print(f"  {times:3} x {name}")
    print(
        f"{verdict.answered} messages accepted, {len(seen.references)} handoffs, "
        f"{seen.refused} calls refused and made again, {seen.apologies} apologies\n"
        f"waits for an answer: p50 {percentile(waits, 50):.2f} s, "
        f"p95 {percentile(waits, 95):.2f} s, longest {max(waits):.1f} s; "
        f"longer than {RECOVERED:.0f} s: {late}\n{verdict}"
    )
    for reason, times in _reasons(folder).most_common():
        print(f"  {times:3} turns failed: {reason}")
    print("the longest waits, and what happened meanwhile:")
    for start, taken, end in sorted(seen.waits, key=lambda wait: wait[0] - wait[2])[:10]:
        what = [name for name, first, last in faults.happened if last > start - 3 and first < end]
        print(f"  {end - start:.1f} s, {taken - start:.1f} until taken: {', '.join(what)}")
    for problem in seen.problems:
        print(f"PROBLEM: {problem}")


def _reasons(folder: Path) -> Counter[str]:
    """Count why turns failed, by the web processes' own words."""
    logs = "\n".join(log.read_text(errors="replace") for log in folder.glob("web-*.log"))
    return Counter(re.findall(r"the turn failed: (.*)", logs))


def _say_what_is_left_out(database: Postgres, *, can_move: bool) -> None:
    if not database.can_be_filled:
        say("left out: a full disk (needs root, for a small file system)")
    if not can_move:
        say("left out: a clock that jumps (Debian: apt-get install libfaketime)")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(str(error))
