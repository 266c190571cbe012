"""Child processes of a measurement: started, watched, measured, and ended whatever happens."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from spinebot.errors import SpinebotError

HEARTBEAT_SECONDS = 3
GRACE_SECONDS = 10
_TAIL_BYTES = 4000
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class BenchError(SpinebotError):
    """A part of the measurement could not be done; the message says which and why."""


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"[bench] {text}", flush=True)


@contextmanager
def heartbeat(step: str, log: Path | None = None) -> Iterator[None]:
    """Print every few seconds that ``step`` goes on, with the newest words of its log."""
    done, began = threading.Event(), time.monotonic()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            newest = last_words(log) if log else ""
            seconds = time.monotonic() - began
            say(f"  ... {step}, {seconds:.0f} s so far{newest and ': '}{newest}")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def tail(log: Path) -> str:
    """Return the end of a log file; progress bars' returns count as line ends."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = file.read().decode("utf-8", "replace")
    return _COLOUR.sub("", text).replace("\r", "\n")


def last_words(log: Path) -> str:
    """Return the newest words of a Rasa log, short enough for one line; "" if there are none."""
    for line in reversed(tail(log).splitlines()):
        if bar := re.match(r"(.*?)\|.*\| *(\d+/\d+)", line):
            return f"{bar[1].strip()}, {bar[2]}"
        # Other lines are warnings among Rasa's dependencies.
        if " - " in line:
            return line.split(" - ")[-1].strip()[:70]
    return ""


def free_ports(count: int) -> list[int]:
    """Return ports on loopback that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Child:
    """A running process, its group and its log."""

    def __init__(
        self, name: str, command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path
    ) -> None:
        """Start it. Its group is its own, so that its children end with it."""
        self.name, self.log, self.began = name, log, time.perf_counter()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.began

    def memory(self, figure: str) -> float:
        """Return the process's ``VmRSS`` (now) or ``VmHWM`` (highest so far) in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{figure}:\s+(\d+) kB", status, re.MULTILINE)
        if found is None:
            raise BenchError(f"{self.name}: /proc knows no {figure}")
        return int(found[1]) / 1024

    def wait(self) -> float:
        """Wait for the end and return the seconds since the start.

        Raises:
            BenchError: it ended with an error.
        """
        status = self._process.wait()
        seconds = self.seconds
        if status != 0:
            raise BenchError(f"{self.name} ended with {status}:\n{self._last_lines()}")
        return seconds

    def must_run(self) -> None:
        """Raise BenchError if it has ended."""
        status = self._process.poll()
        if status is not None:
            raise BenchError(f"{self.name} ended with {status}:\n{self._last_lines()}")

    def end(self) -> None:
        """End it and its children: asked first, killed after ``GRACE_SECONDS``."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # What is left of its group, the process itself included.
            self._signal(signal.SIGKILL)
            self._process.wait(GRACE_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _last_lines(self) -> str:
        return "\n".join(tail(self.log).splitlines()[-15:])


class Children:
    """Starts processes and ends all of them when the block ends, the last one first."""

    def __init__(self, env: Mapping[str, str], logs: Path) -> None:
        """env: what each of them gets; logs: the folder for a log file each."""
        self._env, self._logs = dict(env), logs
        self._running: list[Child] = []

    def start(self, name: str, command: Sequence[str], cwd: Path, **variables: str) -> Child:
        """Start a process; ``variables`` are added to its environment."""
        env = {**self._env, **variables}
        child = Child(name, command, cwd, env, self._logs / f"{name.replace(' ', '-')}.log")
        self._running.append(child)
        return child

    def run(self, name: str, command: Sequence[str], cwd: Path, **variables: str) -> float:
        """Run a process to its end, with a heartbeat; return its seconds."""
        child = self.start(name, command, cwd, **variables)
        with heartbeat(name, child.log):
            seconds = child.wait()
        self._running.remove(child)
        return seconds

    def end(self, child: Child) -> None:
        """End one process."""
        child.end()
        self._running.remove(child)

    def __enter__(self) -> Children:
        """Nothing to do: processes are started by ``start``."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs."""
        while self._running:
            child = self._running.pop()
            with suppress(subprocess.TimeoutExpired):
                child.end()
