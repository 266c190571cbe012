"""Changes of the project's files by trainers: whole or not at all, one at a time, and undone again.

A change is first written down as a whole (``pending.json``), then file by file. Who is killed in
between has lost nothing: whoever comes next finishes it. Where the project is a git checkout, a
change is a commit by the trainer; everywhere it stands in the history under ``<data dir>/changes``,
which keeps the lines that went and came, and so can take them back later.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.files import sweep, write_whole
from spinebot.settings import ROOT, settings

CONTEXT = 3  # lines around a hunk, by which it is found again
SHOWN = 100


class ChangeError(SpinebotError):
    """A change cannot be made or undone; the files are as they were."""


@dataclass(frozen=True)
class Hunk:
    """Lines that went (``old``) and came (``new``) at a line (from 0) of the new file."""

    at: int
    old: list[str]
    new: list[str]
    before: list[str]
    after: list[str]


@dataclass(frozen=True)
class Change:
    """A change that was made. files: hunks by file; a file that was not there before is ``born``.

    undoes: the change that this one takes back; commit: of git, where the project is a checkout.
    """

    id: int
    who: str
    at: datetime
    subject: str
    files: dict[str, list[Hunk]]
    born: list[str] = field(default_factory=list)
    undoes: int | None = None
    commit: str | None = None


class Writer:
    """Collects what a change writes; nothing is on the disk before the change is complete."""

    def __init__(self, root: Path) -> None:
        """Nothing is written yet."""
        self.root = root
        self.texts: dict[str, str | None] = {}

    def read(self, name: str) -> str:
        """Return a file's text as this change leaves it; empty where there is no such file."""
        if name in self.texts:
            return self.texts[name] or ""
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def write(self, name: str, text: str | None) -> None:
        """Give a file its new text; None: the file goes."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ChangeError(f"{name} is not a file of the project.")
        self.texts[name] = text

    def diff(self) -> str:
        """Return what this change does, as git would show it."""
        lines: list[str] = []
        for name, text in self.texts.items():
            old = (_before(self.root, name) or "").splitlines()
            new = (text or "").splitlines()
            lines += [f"--- a/{name}", f"+++ b/{name}"]
            # Not difflib's own: it takes lines that stand often for lines that say nothing.
            matcher = SequenceMatcher(None, old, new, autojunk=False)
            for group in matcher.get_grouped_opcodes(CONTEXT):
                (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
                lines.append(f"@@ -{i1 + 1},{i2 - i1} +{j1 + 1},{j2 - j1} @@")
                for kind, a1, a2, b1, b2 in group:
                    if kind == "equal":
                        lines += [f" {line}" for line in old[a1:a2]]
                    else:
                        lines += [f"-{line}" for line in old[a1:a2]]
                        lines += [f"+{line}" for line in new[b1:b2]]
        return "".join(f"{line}\n" for line in lines)


def project() -> Path:
    """Return the folder of the project: its data, domain, articles and tests."""
    return ROOT


@contextmanager
def change(
    subject: str, who: str, *, root: Path | None = None, undoes: int | None = None
) -> Iterator[Writer]:
    """Make a change: what the block writes is on the disk when it has ended without an error.

    who: an e-mail address, which the commit names.

    Raises:
        ChangeError: a change that was broken off cannot be finished.
        OSError: the disk is full or the like; nothing has changed.
    """
    root = root or project()
    with _one_at_a_time():
        _finish_pending(root)
        writer = Writer(root)
        yield writer
        texts = {n: t for n, t in writer.texts.items() if t != _before(root, n)}
        if not texts:
            return
        content = {
            "id": _next_id(),
            "who": who,
            "at": now().isoformat(),
            "subject": subject,
            "undoes": undoes,
            "before": {name: _before(root, name) for name in texts},
            "after": texts,
        }
        # From here on the change counts: whatever happens, it will be finished.
        write_whole(_folder() / "pending.json", json.dumps(content))
        _finish_pending(root)


def recover(root: Path | None = None) -> None:
    """Finish a change that was broken off. Whoever reads the data for a training calls this first.

    Raises:
        ChangeError: somebody has changed the files by hand since.
    """
    if (_folder() / "pending.json").is_file():
        with _one_at_a_time():
            _finish_pending(root or project())


def history() -> list[Change]:
    """Return the changes that were made, the newest first."""
    files = sorted(_folder().glob("[0-9]*.json"), reverse=True)[:SHOWN]
    return [_read(file) for file in files]


def get(change_id: int) -> Change:
    """Return a change.

    Raises:
        ChangeError: there is none.
    """
    file = _folder() / f"{change_id:06d}.json"
    if not file.is_file():
        raise ChangeError("There is no such change.")
    return _read(file)


def undo(change_id: int, who: str, *, root: Path | None = None) -> Change:
    """Take a change back, also when others came after it; return it.

    Raises:
        ChangeError: what it wrote was changed since, or it is taken back already.
    """
    found = get(change_id)
    if any(each.undoes == change_id for each in history()):
        raise ChangeError("It is taken back already.")
    with change(f"Undo: {found.subject}", who, root=root, undoes=change_id) as writer:
        for name, hunks in found.files.items():
            if name in found.born:
                if writer.read(name).splitlines(keepends=True) != hunks[0].new:
                    raise ChangeError(f"{name} was changed since: undo the later change first.")
                writer.write(name, None)
                continue
            lines = writer.read(name).splitlines(keepends=True)
            for hunk in reversed(hunks):
                place = _place(lines, hunk)
                if place is None:
                    raise ChangeError(f"{name} was changed there since: undo that change first.")
                lines[place : place + len(hunk.new)] = hunk.old
            writer.write(name, "".join(lines))
    return found


def shown(found: Change) -> list[tuple[str, str]]:
    """Return the change's lines, each with its sign: ``+``, ``-``, or empty for a file's name."""
    lines: list[tuple[str, str]] = []
    for name, hunks in found.files.items():
        lines.append(("", name))
        for hunk in hunks:
            lines += [("-", line.rstrip("\n")) for line in hunk.old]
            lines += [("+", line.rstrip("\n")) for line in hunk.new]
    return lines


def _folder() -> Path:
    return settings().data_dir / "changes"


def _before(root: Path, name: str) -> str | None:
    path = root / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold the lock under which the project's files are changed, across processes."""
    _folder().mkdir(parents=True, exist_ok=True)
    with (_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _next_id() -> int:
    last = max(_folder().glob("[0-9]*.json"), default=None)
    return int(last.stem) + 1 if last else 1


def _finish_pending(root: Path) -> None:
    pending = _folder() / "pending.json"
    sweep(pending)
    if not pending.is_file():
        return
    content: dict[str, Any] = json.loads(pending.read_text(encoding="utf-8"))
    before, after = content["before"], content["after"]
    touched = [name for name in after if _before(root, name) not in (before[name], after[name])]
    if touched:
        aside = _folder() / f"broken-off-{content['id']:06d}.json"
        pending.replace(aside)
        raise ChangeError(
            f"A change was broken off, and {', '.join(touched)} changed by hand since. It is not "
            f"made; what it wanted to write lies in {aside.name}. Try again."
        )
    try:
        _apply(root, after)
    except OSError:
        # The disk is full or the like: back to where we came from, which needs less room.
        for name, text in before.items():
            if text is None:
                (root / name).unlink(missing_ok=True)
            elif _before(root, name) != text:
                write_whole(root / name, text)
        pending.unlink()
        raise
    _keep(root, content)
    pending.unlink()


def _apply(root: Path, texts: dict[str, str | None]) -> None:
    for name, text in texts.items():
        if text is None:
            (root / name).unlink(missing_ok=True)
        else:
            # We hold the lock: what lies there is left of a process that was killed.
            sweep(root / name)
            write_whole(root / name, text)


def _keep(root: Path, content: dict[str, Any]) -> None:
    """Write the change into the history, and into git where the project is a checkout."""
    found = Change(
        id=content["id"],
        who=content["who"],
        at=datetime.fromisoformat(content["at"]),
        subject=content["subject"],
        files={
            name: _hunks(content["before"][name] or "", text or "")
            for name, text in content["after"].items()
        },
        born=[name for name, text in content["before"].items() if text is None],
        undoes=content["undoes"],
        commit=_commit(root, list(content["after"]), content["subject"], content["who"]),
    )
    kept = {**asdict(found), "at": content["at"]}
    write_whole(_folder() / f"{found.id:06d}.json", json.dumps(kept))


def _read(file: Path) -> Change:
    content = json.loads(file.read_text(encoding="utf-8"))
    files = {name: [Hunk(**hunk) for hunk in hunks] for name, hunks in content["files"].items()}
    at = datetime.fromisoformat(content["at"])
    return Change(**{**content, "files": files, "at": at})


def _hunks(before: str, after: str) -> list[Hunk]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    # Most of a file stays: without its beginning and end the comparison takes no time.
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
    start = min(len(old), len(new)) if start is None else start
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    middle = SequenceMatcher(
        None, old[start : len(old) - end], new[start : len(new) - end], autojunk=False
    )
    return [
        Hunk(
            at=start + j1,
            old=old[start + i1 : start + i2],
            new=new[start + j1 : start + j2],
            before=new[max(0, start + j1 - CONTEXT) : start + j1],
            after=new[start + j2 : start + j2 + CONTEXT],
        )
        for kind, i1, i2, j1, j2 in middle.get_opcodes()
        if kind != "equal"
    ]


def _place(lines: Sequence[str], hunk: Hunk) -> int | None:
    """Return where the hunk's new lines stand now: what is around them tells, else they alone."""
    around = [*hunk.before, *hunk.new, *hunk.after]
    found = _found(lines, around, hunk.at - len(hunk.before))
    if found is not None:
        return found + len(hunk.before)
    half = _found(lines, [*hunk.before, *hunk.new], hunk.at - len(hunk.before))
    if half is not None and hunk.before:
        return half + len(hunk.before)
    return _found(lines, hunk.new, hunk.at) if hunk.new else None


def _found(lines: Sequence[str], wanted: Sequence[str], near: int) -> int | None:
    size = len(wanted)
    places = [n for n in range(len(lines) - size + 1) if list(lines[n : n + size]) == list(wanted)]
    return min(places, key=lambda place: abs(place - near), default=None)


def _commit(root: Path, names: list[str], subject: str, who: str) -> str | None:
    """Commit these files alone where there is a git checkout; return the commit."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    as_them = ("-c", f"user.name={who.split('@')[0]}", "-c", f"user.email={who}")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [git, *as_them, *arguments], cwd=root, check=False, capture_output=True, text=True
        )

    run("add", "--", *names)
    done = run("commit", "--quiet", "--only", "-m", subject, "--", *names)
    return run("rev-parse", "--short", "HEAD").stdout.strip() if done.returncode == 0 else None
