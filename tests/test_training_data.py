"""Training data are changed line by line, whole or not at all, and checked with file and line."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from spinebot.training import changes, checks, examples, validation
from spinebot.training.examples import ExampleError
from tests.conftest import ROOT
from tests.factories import at_once

DATA = """version: "3.1"

nlu:
# Kept: a comment.

- intent: ask_one
  examples: |
    - what is one
    - tell me of one

- intent: ask_two
  examples: |
    - what is two
"""
TESTS = """version: "3.1"
nlu:
- intent: ask_one
  examples: |
    - is it one or not
"""


WHO = "ann@clinic.example"


@pytest.fixture
def root(tmp_path: Path, data_dir: Path) -> Path:
    """A project of two intents."""
    found = tmp_path / "project"
    for name, text in ((examples.TRAINING, DATA), (examples.TESTS, TESTS)):
        (found / name).parent.mkdir(parents=True)
        (found / name).write_text(text, encoding="utf-8")
    return found


def add(root: Path, intent: str, text: str) -> None:
    examples.add(intent, [text], WHO, root=root)


def data(root: Path) -> str:
    return (root / examples.TRAINING).read_text(encoding="utf-8")


def test_one_line_more_and_nothing_else(root: Path) -> None:
    add(root, "ask_one", "  say   something of one ")
    expected = DATA.replace("of one\n", "of one\n    - say something of one\n")
    assert data(root) == expected
    examples.remove("ask_one", ["say something of one"], WHO, root=root)
    assert data(root) == DATA


@pytest.mark.parametrize(
    ("intent", "text", "says"),
    [
        ("ask_three", "what is three", "no intent"),
        ("ask one", "what is three", "no intent"),
        ("ask_one", "What is TWO?!", "an example of ask_two already"),
        ("ask_one", "tell me of one", "an example of ask_one already"),
        ("ask_one", "Is it one, or not?", "in the test set"),
        ("ask_one", "call me at 202 555 0143", "personal data"),
        ("ask_one", "...", "no words"),
        ("ask_one", "word " * 2500, "500 are the most"),
        ("ask_one", "[one](thing) here", "Rasa reads as its own"),
        ("ask_one", "/ask_two now", "Rasa reads as its own"),
    ],
)
def test_what_would_teach_badly_is_refused(root: Path, intent: str, text: str, says: str) -> None:
    with pytest.raises(ExampleError, match=says):
        add(root, intent, text)
    assert data(root) == DATA


def test_a_line_break_makes_no_second_example(root: Path) -> None:
    add(root, "ask_one", "one\n- intent: evil\n  examples: |\n    - more")
    assert {each.intent for each in examples.parse(data(root))} == {"ask_one", "ask_two"}


def test_an_intent_keeps_its_last_example(root: Path) -> None:
    with pytest.raises(ExampleError, match="must keep one"):
        examples.remove("ask_two", ["what is two"], WHO, root=root)
    with pytest.raises(ExampleError, match="has no example"):
        examples.remove("ask_two", ["nothing"], WHO, root=root)


def test_many_who_save_at_once_all_save(root: Path) -> None:
    numbers = iter(range(8))
    assert at_once(lambda: add(root, "ask_one", f"one number {next(numbers)}")) == [None] * 8
    assert len(examples.parse(data(root))) == 3 + 8


def test_a_disk_that_is_full_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        add(root, "ask_one", "another one")
    assert data(root) == DATA
    assert [path.name for path in (root / "data").iterdir()] == ["nlu.yml"]


def test_killed_at_any_moment_the_data_are_whole(root: Path) -> None:
    """200 processes that add one example after the other, each killed at a random moment."""

    def writer(name: str, count: int) -> int:
        child = os.fork()
        if child == 0:
            try:
                for more in range(count):
                    add(root, "ask_one", f"{name} of {more} ones")
            finally:
                os._exit(0)
        return child

    chance = random.Random(1)
    # What is loaded once is loaded here: the children are to be killed while they write. How long
    # that is, on this machine and in a process as large as this one, a child tells.
    add(root, "ask_one", "warm up")
    began = time.monotonic()
    os.waitpid(writer("whole", 3), 0)
    while_it_writes = time.monotonic() - began
    for number in range(200):
        child = writer(f"round {number}", 1000)
        time.sleep(chance.random() * while_it_writes)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        text = data(root)
        assert text.startswith(DATA[: DATA.index("- tell")])
        assert text.endswith("- intent: ask_two\n  examples: |\n    - what is two\n")
    add(root, "ask_one", "after all that, one more")
    assert len(examples.parse(data(root))) > 20
    assert [path.name for path in (root / "data").iterdir()] == ["nlu.yml"]


def test_in_a_checkout_it_is_a_commit_of_the_trainers(root: Path) -> None:
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@y"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *arguments], check=True)
    (root / "other").write_text("not mine")
    subprocess.run([*git, "add", "other"], check=True)
    add(root, "ask_one", "more of one")
    log = subprocess.run(
        [*git, "log", "-1", "--format=%h|%an|%ae|%s", "--stat"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    [made] = changes.history()
    assert log.startswith(f"{made.commit}|ann|{WHO}|Add an example of ask_one")
    assert "1 file changed, 1 insertion(+)" in log


def change(project: Path, name: str, old: str, new: str) -> int:
    """Change a file; return the line of the change."""
    path = project / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_projects_data_are_in_order() -> None:
    assert validation.faults() == []


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "data/rules.yml",
            "- action: action_warn_emergency",
            "- action: action_wave",
            "action_wave",
        ),
        ("domain.yml", "required_slots: [name,", "required_slots: [nickname,", "nickname"),
        ("data/rules.yml", "- intent: greet", "- intent: wave", "'wave'"),
    ],
)
def test_what_only_rasa_finds_is_named(
    project: Path, name: str, old: str, new: str, says: str
) -> None:
    change(project, name, old, new)
    assert checks.faults(project) == []
    found = validation.faults(project)
    assert found
    assert all(line.startswith("Rasa: ") for line in found)
    assert says in "\n".join(found)


def test_ours_are_named_without_rasas_words_for_them(project: Path) -> None:
    change(project, "data/nlu.yml", "- intent: ask_spasm_danger", "- intent: ask_danger_too")
    assert validation.faults(project) == checks.faults(project) != []


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("data/nlu.yml", "    - disc spasm why", "\t- disc spasm why", "data/nlu.yml:{line}: "),
        ("domain.yml", "intents:\n", "intents: [\n", "domain.yml:"),
        ("data/rules.yml", "rules:", "rules: {", "data/rules.yml:"),
        (
            "data/nlu.yml",
            "    - disc spasm why",
            "    - call 202 555 0143",
            "data/nlu.yml:{line}: personal data",
        ),
        (
            "data/nlu.yml",
            "    - disc spasm why",
            "    - disc spasm why\n    - Disc spasm, WHY?",
            "ask_disc_spasm_cause: twice (line {line})",
        ),
        ("data/nlu.yml", "    - disc spasm why", "    - " + "x" * 10000, "500 are the most"),
        ("data/nlu.yml", "- intent: ask_spasm_danger", "- intent: Ask-Danger", "small letters"),
        ("domain.yml", "  - ask_spasm_danger: {use_entities: []}\n", "", "is not in domain.yml"),
        (
            "knowledge/discs/herniated-disc-muscle-spasms.md",
            "      ask_spasm_danger:",
            "      ask_spasm_treatment_too:",
            "next: ask_spasm_danger is answered by no section",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(
    project: Path, name: str, old: str, new: str, says: str
) -> None:
    line = change(project, name, old, new)
    found = "\n".join(checks.faults(project))
    assert says.format(line=line) in found


def test_a_message_that_teaches_and_tests_is_named(project: Path) -> None:
    test = examples.read(ROOT / "tests/nlu/test_nlu.yml")[0]
    change(project, "data/nlu.yml", "    - disc spasm why", f"    - {test.text}")
    assert f"tests/nlu/test_nlu.yml:{test.line}: it teaches too" in "\n".join(
        checks.faults(project)
    )


def test_a_file_that_is_gone_is_named(project: Path) -> None:
    (project / "data/rules.yml").unlink()
    assert checks.faults(project) == ["data/rules.yml: No such file or directory"]


def test_a_question_without_an_answer_is_named(project: Path) -> None:
    path = project / examples.TRAINING
    texts = [f"lonely question number {number}" for number in range(10)]
    content = path.read_text(encoding="utf-8")
    path.write_text(examples.with_examples(content, "ask_lonely", texts), encoding="utf-8")
    found = "\n".join(checks.faults(project))
    assert "ask_lonely is a question and no section answers it" in found
    assert "ask_lonely is not in domain.yml" in found
