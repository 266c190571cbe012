"""The training examples as files: read with their lines, checked, and changed line by line.

A change touches the line it is about and nothing else: comments, order and spacing stay. It is
written whole or not at all, one writer at a time, and committed by whoever made it where the
project's folder is a git checkout.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spinebot.errors import SpinebotError
from spinebot.language.redaction import redact
from spinebot.settings import ROOT, settings

TRAINING = ROOT / "data/nlu.yml"
TESTS = ROOT / "tests/nlu/test_nlu.yml"
LONGEST = 500  # characters; a visitor may not type more
_INTENT = re.compile(r"^- intent: (\S+)\s*$")
_EXAMPLE = re.compile(r"^(\s+)- (.*\S)\s*$")


class ExampleError(SpinebotError):
    """An example cannot be added or taken out; the message says why."""


@dataclass(frozen=True)
class Example:
    """An example message, and where it stands."""

    text: str
    intent: str
    line: int


def normal(text: str) -> str:
    """Return a text as two that say the same are compared: letters and digits in lower case."""
    return " ".join(re.findall(r"\w+", text.lower()))


def read(path: Path) -> list[Example]:
    """Return the examples of a file with their lines (from 1)."""
    found, intent = [], ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := _INTENT.match(line):
            intent = match[1]
        elif intent and (match := _EXAMPLE.match(line)):
            found.append(Example(match[2], intent, number))
    return found


def add(intent: str, text: str, who: str, *, path: Path = TRAINING, tests: Path = TESTS) -> Example:
    """Add an example to an intent; return it.

    who: an e-mail address, which the commit names.

    Raises:
        ExampleError: there is no such intent, or the text may not teach it.
    """
    text = " ".join(text.split())
    with _one_at_a_time():
        known = read(path)
        _must_be_good(intent, text, known, read(tests) if tests.is_file() else [])
        last = max(each.line for each in known if each.intent == intent)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        indent = _EXAMPLE.match(lines[last - 1])
        assert indent is not None
        lines.insert(last, f"{indent[1]}- {text}\n")
        _write(path, "".join(lines))
        _commit(path, f"Add an example of {intent}", who)
    return Example(text, intent, last + 1)


def remove(intent: str, text: str, who: str, *, path: Path = TRAINING) -> None:
    """Take an example out again.

    Raises:
        ExampleError: it is not there, or it is the intent's last one.
    """
    with _one_at_a_time():
        own = [each for each in read(path) if each.intent == intent]
        found = next((each for each in own if each.text == text), None)
        if found is None:
            raise ExampleError(f"{intent} has no example {text!r}.")
        if len(own) == 1:
            raise ExampleError(f"{text!r} is the last example of {intent}: it must keep one.")
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        del lines[found.line - 1]
        _write(path, "".join(lines))
        _commit(path, f"Take an example of {intent} out", who)


def _must_be_good(intent: str, text: str, known: list[Example], tests: list[Example]) -> None:
    if intent not in {each.intent for each in known}:
        raise ExampleError(f"There is no intent {intent!r} in data/nlu.yml.")
    if not normal(text):
        raise ExampleError("There are no words in it.")
    if len(text) > LONGEST:
        raise ExampleError(f"It has {len(text)} characters; {LONGEST} are the most.")
    if redact(text) != text:
        raise ExampleError("It holds personal data: take names, numbers and addresses out.")
    if text.startswith(("[", "{", "/")):
        raise ExampleError("It begins with a sign that Rasa reads as its own.")
    for others, where in ((known, "an example of"), (tests, "in the test set, as")):
        same = next((each for each in others if normal(each.text) == normal(text)), None)
        if same is not None:
            raise ExampleError(f"It is {where} {same.intent} already: {same.text!r}.")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold the lock under which the data are changed, across processes."""
    folder = settings().data_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "training.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all: also when the disk is full or the process is killed."""
    # We hold the lock: what lies there is left of a process that was killed.
    for stale in path.parent.glob(f".{path.name}.*"):
        stale.unlink()
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, part)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _commit(path: Path, subject: str, who: str) -> None:
    """Commit the file alone, where there is a git checkout; elsewhere there is nothing to do."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists() or not path.is_relative_to(ROOT):
        return
    name = who.split("@")[0]
    subprocess.run(
        [
            *(git, "-c", f"user.name={name}", "-c", f"user.email={who}"),
            *("commit", "--quiet", "--only", "-m", subject, "--", str(path.relative_to(ROOT))),
        ],
        cwd=ROOT,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
