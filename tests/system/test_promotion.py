"""Models change under visitors who chat, and nobody's message is lost or answered twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spinebot.training import release
from tests.conftest import ROOT
from tests.system.assistant import Assistant, Visitor, new_assistant, wait_until

VISITORS = 8
QUESTIONS = ("heat or ice?", "how long do spasms last?", "will a herniated disc heal?", "hello")
OTHER = "20990101-000000-another.tar.gz"
BROKEN = "20990102-000000-broken.tar.gz"


@pytest.fixture(scope="module")
def assistant(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """An assistant with the live model, the same under another name, and one that is broken."""
    found = new_assistant(tmp_path_factory.mktemp("promotion") / "data", model)
    # What is served is the pointer's, as outside of tests.
    del found.environment["SPINEBOT_MODEL"]
    folder = found.data_dir / "models"
    live = folder / model.name
    measures = [
        {"name": bar.name, "share": bar.least if bar.least else 0.0, "count": 1, "wrong": []}
        for bar in release.bars()
    ]
    shutil.copy(live, folder / OTHER)
    with tarfile.open(folder / BROKEN, "w:gz"):
        """An archive with nothing in it."""
    for name in (model.name, OTHER, BROKEN):
        release.figures_of(folder / name).write_text(json.dumps(measures), encoding="utf-8")
    found.start("actions", "rasa", "web")
    try:
        found.wait_until_ready()
        yield found
    finally:
        found.stop()


def command(assistant: Assistant, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [".venv/app/bin/spinebot", "models", *arguments],
        cwd=ROOT,
        env=assistant.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def served(assistant: Assistant) -> str:
    file = assistant.data_dir / "models" / "serving.json"
    return str(json.loads(file.read_text(encoding="utf-8"))["model"])


class Chatting(threading.Thread):
    """A visitor who asks one question after the other until told to stop."""

    def __init__(self, assistant: Assistant, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._visitor, self._stopped = Visitor(assistant), stop
        self.turns: list[tuple[float, list[dict[str, Any]]]] = []
        self.problem: BaseException | None = None

    def run(self) -> None:
        number = 0
        try:
            while not self._stopped.is_set():
                began = time.monotonic()
                replies = self._visitor.say(QUESTIONS[number % len(QUESTIONS)])
                self.turns.append((time.monotonic() - began, replies))
                number += 1
                # As many messages as one conversation may send: 20 a minute.
                self._stopped.wait(3.2)
        except BaseException as error:  # told by the test's thread
            self.problem = error

    def numbers(self) -> list[int]:
        return [each["number"] for each in self._visitor.messages()]


def test_a_promotion_and_a_rollback_fail_no_turn(assistant: Assistant, model: Path) -> None:
    # The first answer after a start is slow by itself: that is not what is measured.
    Visitor(assistant).say(QUESTIONS[0])
    stop = threading.Event()
    visitors = [Chatting(assistant, stop) for _ in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    time.sleep(5)
    began = time.monotonic()
    assert "is live" in command(assistant, "promote", OTHER, "--why", "a test").stdout
    wait_until(lambda: served(assistant) == OTHER)
    print(f"promoted after {time.monotonic() - began:.1f} s")
    time.sleep(5)
    began = time.monotonic()
    assert command(assistant, "rollback").returncode == 0
    wait_until(lambda: served(assistant) == model.name)
    print(f"rolled back after {time.monotonic() - began:.1f} s")
    time.sleep(5)
    stop.set()
    for visitor in visitors:
        visitor.join(60)
    assert [visitor.problem for visitor in visitors] == [None] * VISITORS
    turns = [turn for visitor in visitors for turn in visitor.turns]
    failed = [
        r for _, replies in turns for r in replies if (r["custom"] or {}).get("type") == "error"
    ]
    assert failed == []
    for visitor in visitors:
        numbers = visitor.numbers()
        assert numbers == list(range(1, len(numbers) + 1))
    slowest = sorted(taken for taken, _ in turns)
    print(
        f"{len(turns)} turns, median {slowest[len(turns) // 2]:.2f} s, slowest {slowest[-1]:.2f} s"
    )
    rows = assistant.rows('SELECT model, previous, is_served, why FROM "release" ORDER BY id')
    assert [tuple(row) for row in rows] == [
        (OTHER, model.name, 1, "a test"),
        (model.name, OTHER, 1, "rolled back"),
    ]


def test_a_broken_model_is_set_back_and_nobody_notices(assistant: Assistant, model: Path) -> None:
    visitor = Visitor(assistant)
    assert command(assistant, "promote", BROKEN).returncode == 0
    pointer = assistant.data_dir / "models" / "live"
    wait_until(lambda: pointer.read_text(encoding="utf-8") == model.name)
    assert served(assistant) == model.name
    (answer,) = visitor.say("heat or ice?")
    assert answer["custom"]["type"] == "answer"
    wait_until(
        lambda: assistant.rows('SELECT 1 FROM "release" WHERE model = ? AND is_served = 0', BROKEN)
    )


def test_a_candidate_runs_beside_the_live_model(assistant: Assistant, model: Path) -> None:
    """A tester talks to it, visitors do not; it ends when nobody wants it any more."""
    code = (
        "from spinebot import accounts; from spinebot.db import writing\n"
        "from spinebot.models import Role; from spinebot.training import trials\n"
        f"trials.choose({OTHER!r})\n"
        "with writing() as s:\n"
        "    a, _ = accounts.invite(s, 'tia@clinic.example', 'Tia Sample', Role.TRAINER)\n"
        "    print(trials.new_link(s, 'Gus Sample', 'candidate', 1, a.id)[1])\n"
    )
    secret = assistant.python(code).strip()
    file = assistant.data_dir / "models" / "serving.json"
    wait_until(lambda: json.loads(file.read_text(encoding="utf-8")).get("candidate") == OTHER)
    tester = Visitor(assistant, page=f"{assistant.web_url}/try/{secret}")
    (answer,) = tester.say("heat or ice?")
    assert answer["custom"]["type"] == "answer"
    Visitor(assistant).say("heat or ice?")
    rows = assistant.rows(
        "SELECT c.trial, m.model FROM message m JOIN conversation c ON c.id = m.conversation_id "
        "WHERE m.sender = 'visitor' ORDER BY m.id DESC LIMIT 2"
    )
    assert [tuple(row) for row in rows] == [(None, model.name), ("candidate", OTHER)]
    (assistant.data_dir / "models" / "candidate").unlink()
    wait_until(lambda: not json.loads(file.read_text(encoding="utf-8")).get("candidate"))
    (sorry,) = tester.say("and now?")
    assert sorry["custom"]["type"] == "error"
    (again,) = Visitor(assistant).say("heat or ice?")
    assert again["custom"]["type"] == "answer"


def test_rasa_that_dies_is_started_again(assistant: Assistant) -> None:
    found = subprocess.run(
        ["pgrep", "-P", str(assistant.processes["rasa"].pid)], capture_output=True, text=True
    )
    for child in found.stdout.split():
        subprocess.run(["kill", "-9", child], check=True)
    visitor = Visitor(assistant)

    def answers() -> bool:
        replies = visitor.say("heat or ice?")
        return (replies[0]["custom"] or {}).get("type") in {"answer", "again"}

    wait_until(lambda: not assistant.missing())
    assert wait_until(answers)


def test_what_cannot_go_live_is_explained(assistant: Assistant, model: Path) -> None:
    for name, says in (("nothing.tar.gz", "no such model"), (model.name, "live already")):
        done = command(assistant, "promote", name)
        assert done.returncode == 1
        assert says in done.stderr
    assert f"* {model.name}" in command(assistant, "list").stdout


def test_an_end_in_the_middle_of_a_promotion_says_nothing_of_the_model(
    assistant: Assistant, model: Path
) -> None:
    """As a restart by systemd, which tells the keeper to end; its children it ends itself."""
    other = "20990103-000000-third.tar.gz"
    folder = assistant.data_dir / "models"
    shutil.copy(folder / model.name, folder / other)
    shutil.copy(release.figures_of(folder / model.name), release.figures_of(folder / other))
    done = command(assistant, "promote", other, "--why", "a restart comes between")
    assert done.returncode == 0, done.stderr

    def children() -> str:
        words = ["pgrep", "-f", f"spinebot.bot.serve {assistant.data_dir}"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    wait_until(lambda: len(children().split()) > 1)
    keeper = assistant.processes.pop("rasa")
    keeper.terminate()
    assert keeper.wait(60) == 0
    assert children() == ""
    assert (folder / "live").read_text(encoding="utf-8") == other
    assistant.start("rasa")
    wait_until(lambda: served(assistant) == other)
    assistant.wait_until_ready()
    [row] = assistant.rows("SELECT outcome FROM release WHERE model = ?", other)
    assert row["outcome"] == "answers since the start"
    assert Visitor(assistant).say("heat or ice?")[0]["custom"]["type"] == "answer"


def test_the_action_server_is_away_for_a_moment_and_the_model_is_served_all_the_same(
    assistant: Assistant, model: Path
) -> None:
    assistant.kill("actions")
    before = served(assistant)
    wanted = OTHER if before != OTHER else model.name
    done = command(assistant, "promote", wanted, "--why", "the action server restarts")
    assert done.returncode == 0, done.stderr
    time.sleep(20)
    assert served(assistant) == before
    assistant.start("actions")
    wait_until(lambda: served(assistant) == wanted)
