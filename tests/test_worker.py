"""A training beside the bot: one at a time, followed, cancelled, and never thought to go on."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from spinebot.db import now
from spinebot.training import models, worker
from spinebot.training.worker import RunError


def wait_for_words(patience: float = 60) -> worker.Run:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        run = worker.last()
        assert run is not None
        if run.lines or run.ended is not None:
            return run
        time.sleep(0.1)
    raise AssertionError("the training said nothing")


def test_a_training_is_followed_and_cancelled(sqlite_database: Path) -> None:
    assert worker.last() is None
    with pytest.raises(RunError, match="No training"):
        worker.cancel()
    worker.start("ann@clinic.example")
    run = wait_for_words()
    assert (run.who, run.ended) == ("ann@clinic.example", None)
    assert any("starting" in line for line in run.lines)
    with pytest.raises(RunError, match="has begun a training"):
        worker.start("bo@clinic.example")
    pid = json.loads((sqlite_database.parent / "training-run/run.json").read_text())["pid"]
    worker.cancel()
    run = worker.last()
    assert run is not None
    assert run.ended == -15
    assert models.live_model() is None
    end = time.monotonic() + 20
    while time.monotonic() < end:
        left = subprocess.run(["pgrep", "-g", str(pid)], capture_output=True, text=True).stdout
        if not left:
            break
        time.sleep(0.1)
        worker.last()  # asks for what has ended
    assert left == ""


def test_one_that_was_killed_does_not_go_on_for_ever(data_dir: Path) -> None:
    folder = data_dir / "training-run"
    folder.mkdir()
    child = subprocess.Popen(["true"])
    child.wait()
    about = {"who": "ann", "began_at": now().isoformat(), "pid": child.pid}
    (folder / "run.json").write_text(json.dumps(about))
    run = worker.last()
    assert run is not None
    assert run.ended == -1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"who": "ann"}'])
def test_a_broken_file_is_no_training(data_dir: Path, text: str) -> None:
    folder = data_dir / "training-run"
    folder.mkdir()
    (folder / "run.json").write_text(text)
    assert worker.last() is None


def test_how_it_ended_is_read_from_what_it_left(data_dir: Path) -> None:
    folder = data_dir / "training-run"
    folder.mkdir()
    about = {"who": "ann", "began_at": now().isoformat(), "pid": os.getpid()}
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "log").write_text("\n".join(f"line {number}" for number in range(99)))
    (folder / "exit").write_text("1\n")
    run = worker.last()
    assert run is not None
    assert (run.what, run.ended, run.lines[-1]) == ("training", 1, "line 98")
    assert len(run.lines) == worker.LINES_SHOWN
