"""Examples out of and into the project: Rasa's YAML, and CSV for spreadsheets.

An import is previewed first, and overwrites nothing without being told to.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml.error import YAMLError

from spinebot.errors import SpinebotError
from spinebot.files import parse_yaml
from spinebot.training import changes, examples
from spinebot.training.changes import project
from spinebot.training.examples import TESTS, TRAINING

LARGEST = 1_000_000  # characters of a file
COLUMNS = ("intent", "text")
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
KINDS = ("csv", "yml")


class ExchangeError(SpinebotError):
    """A file cannot be read as examples; the message says where and why."""


@dataclass
class Preview:
    """What an import would do.

    new: intent -> examples that are not there yet; known: how many are; moved: (text, from, to),
    those that stand in another intent; unknown: intents that are not there, with how many examples;
    refused: why others may not teach.
    """

    new: dict[str, list[str]] = field(default_factory=dict)
    known: int = 0
    moved: list[tuple[str, str, str]] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many examples would be added."""
        return sum(len(texts) for texts in self.new.values())

    @property
    def touched(self) -> set[str]:
        """The intents whose examples would change."""
        return {*self.new, *(name for _, *names in self.moved for name in names)}

    def __str__(self) -> str:
        """In words, for the terminal."""
        lines = [f"{self.count} new examples of {len(self.new)} intents"]
        lines += [f"  {intent}: {len(texts)}" for intent, texts in sorted(self.new.items())]
        lines.append(f"{self.known} are there already")
        lines += [f"{text}: stands in {old}, not in {new}" for text, old, new in self.moved]
        lines += [
            f"{intent}: there is no such intent ({count} examples are left out; make it first)"
            for intent, count in sorted(self.unknown.items())
        ]
        return "\n".join([*lines, *self.refused])


def export(kind: str, *, root: Path | None = None) -> str:
    """Return the training data as ``csv`` or as Rasa's YAML (``yml``), comments and all."""
    path = (root or project()) / TRAINING
    if kind != "csv":
        return path.read_text(encoding="utf-8")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in examples.read(path):
        writer.writerow((each.intent, _harmless(each.text)))
    return stream.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def read(name: str, content: str) -> list[tuple[str, str]]:
    """Return the (intent, example) pairs of a file. name: its ending tells what it is.

    Raises:
        ExchangeError: it is neither, or broken.
    """
    if len(content) > LARGEST:
        raise ExchangeError(f"{name}: more than {LARGEST:,} characters; cut it up.")
    if name.endswith((".yml", ".yaml")):
        return _from_yaml(name, content)
    if name.endswith(".csv"):
        return _from_csv(name, content)
    raise ExchangeError(f"{name}: a file ends with .csv, .yml or .yaml")


def _from_yaml(name: str, content: str) -> list[tuple[str, str]]:
    try:
        found = parse_yaml(content)
        pairs = []
        for block in found["nlu"]:
            if "intent" not in block:
                continue
            for line in str(block["examples"]).splitlines():
                if line.strip().startswith("- "):
                    pairs.append((str(block["intent"]), examples.clean(line.strip()[2:])))
                elif line.strip():
                    raise ExchangeError(f"{name}: an example begins with '- ': {line[:60]!r}")
    except YAMLError as error:
        raise ExchangeError(f"{name}: {' '.join(str(error).split())}") from error
    except (KeyError, TypeError, RecursionError) as error:
        raise ExchangeError(f"{name}: no training data of Rasa's (nlu: - intent: ...)") from error
    return pairs


def _from_csv(name: str, content: str) -> list[tuple[str, str]]:
    rows = csv.reader(io.StringIO(content.removeprefix("\ufeff")))
    pairs = []
    try:
        head = [cell.strip().lower() for cell in next(rows, [])]
        if not set(COLUMNS) <= set(head):
            raise ExchangeError(f"{name}: the first line names the columns intent and text")
        places = [head.index(column) for column in COLUMNS]
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) <= max(places):
                raise ExchangeError(f"{name}:{rows.line_num}: a cell is missing")
            intent, text = (row[place].strip() for place in places)
            pairs.append((intent, examples.clean(text.removeprefix("'"))))
    except csv.Error as error:
        raise ExchangeError(f"{name}:{rows.line_num}: {error}") from error
    return pairs


def preview(pairs: Sequence[tuple[str, str]], *, root: Path | None = None) -> Preview:
    """Return what an import would do."""
    root = root or project()
    known = examples.read(root / TRAINING)
    tests = examples.read(root / TESTS)
    intents = {each.intent for each in known}
    stands = {examples.normal(each.text): each for each in known}
    unknown: dict[str, int] = defaultdict(int)
    new: dict[str, list[str]] = defaultdict(list)
    found = Preview()
    taken: dict[str, str] = {}
    for intent, text in pairs:
        same = stands.get(examples.normal(text))
        if intent not in intents:
            unknown[intent or "(empty)"] += 1
        elif same is not None and same.intent == intent:
            found.known += 1
        elif same is not None:
            found.moved.append((same.text, same.intent, intent))
        elif wrong := examples.fault(text, (), tests):
            found.refused.append(wrong)
        elif (other := taken.setdefault(examples.normal(text), intent)) != intent:
            found.refused.append(f"{text!r}: the file has it in {other} and in {intent}.")
        elif text not in new[intent]:
            new[intent].append(text)
    found.new = {intent: texts for intent, texts in new.items() if texts}
    found.unknown = dict(unknown)
    return found


def apply(
    pairs: Sequence[tuple[str, str]], who: str, *, overwrite: bool, root: Path | None = None
) -> Preview:
    """Import examples with one change; return what was done.

    overwrite: examples that stand in another intent go to the one that the file names.
    """
    root = root or project()
    with changes.change("Import examples", who, root=root) as writer:
        # Under the lock: what was previewed may have changed since.
        found = preview(pairs, root=root)
        content = writer.read(TRAINING)
        if overwrite:
            for text, old, new in found.moved:
                content = examples.without_examples(content, old, [text])
                content = examples.with_examples(content, new, [text])
        for intent, texts in found.new.items():
            content = examples.with_examples(content, intent, texts)
        emptied = {e.intent for e in examples.parse(writer.read(TRAINING))} - {
            e.intent for e in examples.parse(content)
        }
        if emptied:
            raise ExchangeError(f"{', '.join(sorted(emptied))} would keep no example.")
        writer.write(TRAINING, content)
    return found
