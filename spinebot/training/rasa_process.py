"""Rasa's own commands, run in their environment, with the settings and without their noise."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from spinebot.settings import ROOT, settings
from spinebot.training.progress import Progress

RASA_PYTHON = ROOT / ".venv/rasa/bin/python"
HEARTBEAT_SECONDS = 5
# What a person who waits for a training wants to read; the rest goes to the log file.
_WORTH_SAYING = ("Starting to train component", "Restored component", "trained and saved", "rror")
# What Rasa says when a step of a training begins.
_STEPS = {
    "train component 'SpellingMender'": "reading the examples",
    "train component 'RedFlagDetector'": "learning the red flags",
    "train component 'SentenceIntentClassifier'": "learning the intents",
    "train component 'MemoizationPolicy'": "learning the rules",
}


def environment() -> dict[str, str]:
    """Return the environment for Rasa and for the action server."""
    current = settings()
    return {
        **os.environ,
        "RASA_TELEMETRY_ENABLED": "false",
        "SPINEBOT_DATA_DIR": str(current.data_dir),
        "SPINEBOT_ACTIONS_PORT": str(current.actions_port),
        "SPINEBOT_RASA_PORT": str(current.rasa_port),
        "SPINEBOT_WEB_PORT": str(current.web_port),
        "SPINEBOT_TRACKER_URL": current.tracker_url.render_as_string(hide_password=False),
        "SPINEBOT_RASA_TOKEN": current.rasa_token,
        "SPINEBOT_ENCODER_DIR": os.environ.get("SPINEBOT_ENCODER_DIR", str(ROOT / ".venv/encoder")),
        "SANIC_HOST": "127.0.0.1",
        "RASA_CACHE_DIRECTORY": str(current.data_dir / "rasa-cache"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
    }


def command(*arguments: str) -> list[str]:
    """Return the command line for ``rasa`` with these arguments."""
    return [str(RASA_PYTHON), "-m", "rasa", *arguments]


def run_rasa(*arguments: str, step: str | None = None, progress: Progress | None = None) -> int:
    """Run ``rasa`` in the project's folder and return its exit code.

    step: what to call it while it runs; then only what matters is shown, with a sign of life every
    few seconds, and everything goes to ``<data dir>/logs/rasa.log``. Without it, Rasa speaks
    itself.
    """
    if step is None:
        return subprocess.run(
            command(*arguments), cwd=ROOT, env=environment(), check=False
        ).returncode
    log = settings().data_dir / "logs" / "rasa.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return _run_quietly(command(*arguments), step, log, progress)


def _run_quietly(arguments: list[str], step: str, log: Path, progress: Progress | None) -> int:
    if progress is None:
        print(f"[spinebot] {step}", flush=True)
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
        _heartbeat(step) if progress is None else contextlib.nullcontext(),
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if progress is not None:
                for words, name in _STEPS.items():
                    if words in line:
                        progress.step(name)
            elif any(words in line for words in _WORTH_SAYING):
                print(f"[spinebot]   {line.split(' - ')[-1].strip()}", flush=True)
    if process.returncode != 0:
        tail = log.read_text(encoding="utf-8").splitlines()[-15:]
        print("\n".join(tail), file=sys.stderr, flush=True)
    return process.returncode


class _heartbeat:
    """Prints every few seconds that a step goes on."""

    def __init__(self, step: str) -> None:
        self._step, self._done, self._began = step, threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_SECONDS):
            seconds = round(time.monotonic() - self._began)
            print(f"[spinebot]   ... {self._step}, {seconds} s so far", flush=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
