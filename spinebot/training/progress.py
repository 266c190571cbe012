"""How far a training is: the steps, how long each took the last time, and so the time left.

The terminal shows it as a bar; the console reads the file that is written with each step.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from spinebot.files import write_whole
from spinebot.settings import settings

# The steps of a training with what they took on two cores, in seconds: until it has been measured
# on this machine. What Rasa says tells when one begins.
STEPS = {
    "starting": 8.0,
    "reading the examples": 22.0,
    "learning the red flags": 24.0,
    "learning the intents": 10.0,
    "learning the rules": 8.0,
    "measuring": 30.0,
}
BEATS = 0.5
LINES_EVERY = 5.0
_WIDTH = 28


@dataclass(frozen=True)
class State:
    """How far it is. share: of the time it will take; left: seconds."""

    step: str
    number: int
    steps: int
    share: float
    left: float


class Progress:
    """Follows a training through its steps; a context manager, so that its end is known."""

    def __init__(self, *, is_shown: bool = True) -> None:
        """is_shown: print it."""
        self._usual = usual()
        self._began: list[tuple[str, float]] = []
        self._ended = threading.Event()
        self._is_shown = is_shown
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def step(self, name: str) -> None:
        """Begin the next step; the same again is no step."""
        if not self._began or self._began[-1][0] != name:
            self._began.append((name, time.time()))
            write_whole(_folder() / "progress.json", json.dumps({"began": self._began}))
            if self._is_shown and not sys.stdout.isatty():
                print(f"[spinebot] {name}", flush=True)

    def say(self, text: str) -> None:
        """Say what is worth reading."""
        if self._is_shown:
            clear = "\r\033[K" if sys.stdout.isatty() else ""
            print(f"{clear}[spinebot]   {text}", flush=True)

    def _beat(self) -> None:
        """Draw the bar; where there is no terminal, say every few seconds that it goes on."""
        said = time.monotonic()
        while not self._ended.wait(BEATS):
            state = _state(self._began, self._usual, time.time())
            if state is None or not self._is_shown:
                continue
            if sys.stdout.isatty():
                done = round(_WIDTH * state.share)
                bar = "#" * done + "." * (_WIDTH - done)
                line = f"{bar} {state.share:4.0%}  {state.step}, some {state.left:.0f} s left"
                print(f"\r\033[K{line}", end="", flush=True)
            elif time.monotonic() - said >= LINES_EVERY:
                said = time.monotonic()
                print(f"[spinebot]   ... {state.step}, some {state.left:.0f} s left", flush=True)

    def __enter__(self) -> Progress:
        """Begin."""
        _folder().mkdir(parents=True, exist_ok=True)
        self.step("starting")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; what the steps took is kept if all went well."""
        self._ended.set()
        self._thread.join()
        if self._is_shown and sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)
        if error is None:
            ends = [*(at for _, at in self._began[1:]), time.time()]
            took = {
                name: round(end - at, 1) for (name, at), end in zip(self._began, ends, strict=True)
            }
            if set(took) == set(STEPS):
                write_whole(_folder() / "took.json", json.dumps(took))


def usual() -> dict[str, float]:
    """Return what each step took the last time on this machine, in seconds."""
    try:
        found = json.loads((_folder() / "took.json").read_text(encoding="utf-8"))
        return {name: float(found[name]) for name in STEPS}
    except (OSError, ValueError, KeyError, TypeError):
        return dict(STEPS)


def last() -> State | None:
    """Return how far the training is that wrote last, as of this moment."""
    try:
        content = json.loads((_folder() / "progress.json").read_text(encoding="utf-8"))
        return _state(content["began"], usual(), time.time())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _state(began: list[tuple[str, float]], took: dict[str, float], at: float) -> State | None:
    if not began:
        return None
    name, since = began[-1]
    names = list(STEPS)
    place = names.index(name) if name in names else len(names) - 1
    before = sum(took[each] for each in names[:place])
    # A step that takes longer than the last time is nearly done, not over.
    inside = min(at - since, 0.95 * took.get(name, 1.0))
    total = sum(took.values())
    share = min(0.99, (before + inside) / total)
    return State(name, place + 1, len(names), share, max(1.0, total - before - inside))


def _folder() -> Path:
    return settings().data_dir / "training-run"
