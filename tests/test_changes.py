"""What trainers change is on the disk whole or not at all, and can be undone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from spinebot.training import changes
from spinebot.training.changes import ChangeError
from tests.factories import at_once

WHO = "ann@clinic.example"
LINES = "".join(f"line {n}\n" for n in range(40))


@pytest.fixture
def root(tmp_path: Path, data_dir: Path) -> Path:
    """A project of two files."""
    found = tmp_path / "project"
    found.mkdir()
    for name in ("one.txt", "two.txt"):
        (found / name).write_text(LINES, encoding="utf-8")
    return found


def write(root: Path, subject: str = "Change", **texts: str | None) -> None:
    with changes.change(subject, WHO, root=root) as writer:
        for name, text in texts.items():
            writer.write(f"{name}.txt", text)


def replace(root: Path, old: str, new: str, name: str = "one") -> None:
    text = read(root, name)
    assert old in text
    write(root, **{name: text.replace(old, new)})


def read(root: Path, name: str = "one") -> str:
    return (root / f"{name}.txt").read_text(encoding="utf-8")


def test_a_change_is_kept_with_its_lines(root: Path) -> None:
    replace(root, "line 7\n", "line 7\nline 7a\n")
    [made] = changes.history()
    assert (made.who, made.subject) == (WHO, "Change")
    assert changes.shown(made) == [("", "one.txt"), ("+", "line 7a")]


def test_a_change_that_fails_half_way_changes_nothing(root: Path) -> None:
    def fail() -> None:
        with changes.change("Change", WHO, root=root) as writer:
            writer.write("one.txt", "gone")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read(root) == LINES
    assert changes.history() == []


def test_what_changes_nothing_is_no_change(root: Path) -> None:
    write(root, one=LINES)
    assert changes.history() == []


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hosts"])
def test_only_the_projects_files_are_written(root: Path, name: str) -> None:
    with (
        pytest.raises(ChangeError, match="not a file of the project"),
        changes.change("Change", WHO, root=root) as writer,
    ):
        writer.write(name, "x")


def test_undone_it_is_as_it_was(root: Path) -> None:
    write(root, one=LINES.replace("line 7\n", "seven\n"), two=None, three="new\n")
    changes.undo(1, WHO, root=root)
    assert read(root) == read(root, "two") == LINES
    assert not (root / "three.txt").exists()
    assert [each.undoes for each in changes.history()] == [1, None]
    with pytest.raises(ChangeError, match="taken back already"):
        changes.undo(1, WHO, root=root)


def test_the_diff_can_be_applied(root: Path) -> None:
    with changes.change("Change", WHO, root=root) as writer:
        text = LINES.replace("line 7\n", "seven\n").replace("line 30\n", "line 30\nmore\n")
        writer.write("one.txt", text.replace("line 12\n", ""))
        diff = writer.diff()
        wanted = writer.read("one.txt")
    changes.undo(1, WHO, root=root)
    subprocess.run(["git", "apply", "-p1"], cwd=root, input=diff, text=True, check=True)
    assert read(root) == wanted


def test_an_undo_is_undone_too(root: Path) -> None:
    replace(root, "line 7\n", "seven\n")
    changes.undo(1, WHO, root=root)
    changes.undo(2, WHO, root=root)
    assert "seven\n" in read(root)


def test_it_is_undone_also_after_later_changes(root: Path) -> None:
    replace(root, "line 20\n", "line 20\ntwenty\n")
    replace(root, "line 3\n", "line 3\nthree\nand more\n")
    replace(root, "line 30\n", "")
    changes.undo(1, WHO, root=root)
    assert read(root) == LINES.replace("line 3\n", "line 3\nthree\nand more\n").replace(
        "line 30\n", ""
    )
    changes.undo(3, WHO, root=root)
    changes.undo(2, WHO, root=root)
    assert read(root) == LINES


def test_what_was_changed_since_is_not_undone_blindly(root: Path) -> None:
    replace(root, "line 20\n", "twenty\n")
    replace(root, "twenty\n", "XX\n")
    with pytest.raises(ChangeError, match="changed there since"):
        changes.undo(1, WHO, root=root)
    assert "XX\n" in read(root)


def test_the_right_one_of_two_equal_places_is_undone(root: Path) -> None:
    same = "a\nb\n" * 12
    write(root, one=same)
    write(root, one="a\nb\n" * 9 + "a\nx\nb\n" + "a\nb\n" * 2)
    changes.undo(2, WHO, root=root)
    assert read(root) == same


def test_many_at_once_all_get_through(root: Path) -> None:
    def one_more() -> None:
        with changes.change("One more", WHO, root=root) as writer:
            writer.write("one.txt", writer.read("one.txt") + "more\n")

    assert at_once(one_more) == [None] * 8
    assert read(root) == LINES + "more\n" * 8
    assert [each.id for each in changes.history()] == list(range(8, 0, -1))


def test_when_the_disk_is_full_nothing_has_changed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, iter(range(1, 100))

    def full(handle: int) -> None:
        # What is to be done is still written down, and the first file; the second one not.
        if next(calls) == 3:
            raise OSError(28, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write(root, one="new one\n", two="new two\n")
    assert read(root) == read(root, "two") == LINES
    assert changes.history() == []
    write(root, one="new one\n")
    assert read(root) == "new one\n"


def test_killed_at_any_moment_all_files_are_of_one_change(root: Path) -> None:
    """200 processes that change two files together, each killed at a random moment."""
    chance = random.Random(2)
    seen = set()
    for number in range(200):
        child = os.fork()
        if child == 0:
            try:
                for more in range(1000):
                    text = f"{number} {more}\n"
                    write(root, one=text, two=text)
            finally:
                os._exit(0)
        time.sleep(chance.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        changes.recover(root)
        assert read(root) == read(root, "two")
        assert {path.name for path in root.iterdir()} == {"one.txt", "two.txt"}
        seen.add(read(root))
    assert len(seen) > 20


def test_a_change_broken_off_does_not_overwrite_what_came_by_hand(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(changes, "_apply", _die)
        with pytest.raises(KeyboardInterrupt):
            write(root, one="new\n")
    (root / "one.txt").write_text("by hand\n", encoding="utf-8")
    with pytest.raises(ChangeError, match=r"one\.txt changed by hand since"):
        changes.recover(root)
    assert read(root) == "by hand\n"
    write(root, one="new\n")
    assert read(root) == "new\n"


def _die(*_: object) -> None:
    raise KeyboardInterrupt
