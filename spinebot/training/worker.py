"""Work that runs beside the bot: a training, a replay. Started, followed, and cancelled."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.files import write_whole
from spinebot.settings import ROOT, settings
from spinebot.training import progress
from spinebot.training.progress import State

# It must not be felt by visitors: the lowest but one priority, and one thread for each library.
NICE = 15
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTEROP_THREADS")
LINES_SHOWN = 12
TRAINING = "training"


class RunError(SpinebotError):
    """A training cannot be started or cancelled now."""


@dataclass(frozen=True)
class Run:
    """Work beside the bot. what: training or replay; ended: its exit code, None while it goes on.

    state: how far a training is.
    """

    who: str
    what: str
    began_at: datetime
    seconds: float
    ended: int | None
    lines: list[str]
    state: State | None


def _folder() -> Path:
    return settings().data_dir / "training-run"


def last() -> Run | None:
    """Return the training that goes on, or the last one; None if there was none."""
    try:
        about = json.loads((_folder() / "run.json").read_text(encoding="utf-8"))
        began = datetime.fromisoformat(about["began_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    exit_file = _folder() / "exit"
    ended: int | None = None
    seconds = (now() - began).total_seconds()
    if exit_file.is_file() and (text := exit_file.read_text(encoding="utf-8").strip()):
        ended = int(text)
        seconds = exit_file.stat().st_mtime - began.timestamp()
    elif not _is_alive(int(about["pid"])):
        # Killed, or the machine went down: it wrote no exit code.
        ended = -1
    log = _folder() / "log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    what = about.get("what", TRAINING)
    state = progress.last() if ended is None and what == TRAINING else None
    return Run(about["who"], what, began, seconds, ended, lines[-LINES_SHOWN:], state)


def start(who: str) -> None:
    """Train a model and measure it; it is not put live.

    Raises:
        RunError: something goes on.
    """
    _start(who, TRAINING, "train", "--keep")


def start_replay(who: str, model: str) -> None:
    """Play the last conversations to a model.

    Raises:
        RunError: something goes on.
    """
    _start(who, "replay", "models", "replay", model)


def _start(who: str, what: str, *arguments: str) -> None:
    before = last()
    if before is not None and before.ended is None:
        raise RunError(f"{before.who} has begun a {before.what}; wait for it, or cancel it.")
    folder, data = _folder(), settings().data_dir
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("exit", "progress.json"):
        (folder / name).unlink(missing_ok=True)
    program = shlex.join([sys.executable, "-m", "spinebot", *arguments])
    exit_file = shlex.quote(str(folder / "exit"))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            # The exit code outlives us: the web process may be started anew meanwhile.
            ["sh", "-c", f"nice -n {NICE} {program}; echo $? > {exit_file}"],
            cwd=ROOT,
            env={**os.environ, **dict.fromkeys(THREADS, "1"), "SPINEBOT_DATA_DIR": str(data)},
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    about = {"who": who, "what": what, "began_at": now().isoformat(), "pid": process.pid}
    write_whole(folder / "run.json", json.dumps(about))


def cancel() -> None:
    """End the training that goes on. What is live, and the data, are untouched.

    Raises:
        RunError: none goes on.
    """
    run = last()
    if run is None or run.ended is not None:
        raise RunError("No training goes on.")
    pid = int(json.loads((_folder() / "run.json").read_text(encoding="utf-8"))["pid"])
    os.killpg(pid, signal.SIGTERM)
    (_folder() / "exit").write_text("-15\n", encoding="utf-8")


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        # Ours that has ended would stay as a zombie until somebody asks for it.
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
