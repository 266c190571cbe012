"""The training examples and the test sentences as files: read with their lines, and changed.

A change touches the lines it is about and nothing else: comments, order and spacing stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spinebot.errors import SpinebotError
from spinebot.language.redaction import redact
from spinebot.training import changes

TRAINING = "data/nlu.yml"
TESTS = "tests/nlu/test_nlu.yml"
LONGEST = 500  # characters; a visitor may not type more
_INTENT = re.compile(r"^- intent: (\S+)\s*$")
_MASKED = re.compile(r"\[(?:email|number|name|date[a-z ]*)\]")  # as redact() leaves it
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
    return parse(path.read_text(encoding="utf-8")) if path.is_file() else []


def parse(text: str) -> list[Example]:
    """Return the examples of a file's text with their lines (from 1)."""
    found, intent = [], ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _INTENT.match(line):
            intent = match[1]
        elif intent and (match := _EXAMPLE.match(line)):
            found.append(Example(match[2], intent, number))
    return found


def intents(root: Path | None = None) -> list[str]:
    """Return the names of the intents that have examples, sorted."""
    return sorted({each.intent for each in read((root or changes.project()) / TRAINING)})


def add(
    intent: str, texts: Iterable[str], who: str, *, root: Path | None = None, name: str = TRAINING
) -> list[Example]:
    """Add examples to an intent, all or none; return them. name: the file, or ``TESTS``.

    who: an e-mail address, which the commit names.

    Raises:
        ExampleError: there is no such intent, or a text may not teach it.
    """
    texts = [clean(text) for text in texts]
    if not texts:
        raise ExampleError("There is no example.")
    kind = "example" if name == TRAINING else "test sentence"
    with changes.change(f"Add {_count(texts, kind)} of {intent}", who, root=root) as writer:
        known, tests = parse(writer.read(TRAINING)), parse(writer.read(TESTS))
        if intent not in {each.intent for each in known}:
            raise ExampleError(f"There is no intent {intent!r} in {TRAINING}.")
        for place, text in enumerate(texts):
            if wrong := fault(text, known, tests, texts[:place]):
                raise ExampleError(wrong)
        writer.write(name, with_examples(writer.read(name), intent, texts))
        written = parse(writer.read(name))
    return [each for each in written if each.intent == intent and each.text in set(texts)]


def remove(
    intent: str, texts: Iterable[str], who: str, *, root: Path | None = None, name: str = TRAINING
) -> None:
    """Take examples out again, all or none.

    Raises:
        ExampleError: one is not there, or it is the intent's last one.
    """
    texts = list(texts)
    kind = "example" if name == TRAINING else "test sentence"
    with changes.change(f"Take {_count(texts, kind)} of {intent} out", who, root=root) as writer:
        writer.write(name, without_examples(writer.read(name), intent, texts, must_stay=True))


def move(
    texts: Iterable[str], source: str, target: str, who: str, *, root: Path | None = None
) -> None:
    """Give examples to another intent, all or none.

    Raises:
        ExampleError: one is not there, it is the last one, or there is no such intent.
    """
    texts = list(texts)
    subject = f"Move {_count(texts, 'example')} of {source} to {target}"
    with changes.change(subject, who, root=root) as writer:
        content = writer.read(TRAINING)
        if target not in {each.intent for each in parse(content)} or target == source:
            raise ExampleError(f"There is no other intent {target!r} in {TRAINING}.")
        content = without_examples(content, source, texts, must_stay=True)
        writer.write(TRAINING, with_examples(content, target, texts))


def clean(text: str) -> str:
    """Return a text on one line, without superfluous blanks."""
    return " ".join(text.split())


def fault(
    text: str, known: Sequence[Example], tests: Sequence[Example], others: Sequence[str] = ()
) -> str | None:
    """Return why a text may not be an example, or None.

    known, tests: what is in the training data and in the test set; others: what comes with it.
    """
    words = normal(text)
    if not words:
        return f"{text!r}: there are no words in it."
    if len(text) > LONGEST:
        return f"{text[:40]!r}...: it has {len(text)} characters; {LONGEST} are the most."
    if redact(text) != text or _MASKED.search(text):
        return (
            f"{text!r}: it holds personal data: take names, numbers and addresses out "
            f"({redact(text)})."
        )
    if text.startswith(("[", "{", "/")):
        return f"{text!r}: it begins with a sign that Rasa reads as its own."
    for given, where in ((known, "an example of"), (tests, "in the test set, as")):
        same = next((each for each in given if normal(each.text) == words), None)
        if same is not None:
            return f"{text!r}: it is {where} {same.intent} already: {same.text!r}."
    if words in map(normal, others):
        return f"{text!r}: it is given twice."
    return None


def with_examples(
    content: str, intent: str, texts: Sequence[str], *, after: Iterable[str] = ()
) -> str:
    """Return a file's text with more examples of an intent.

    after: where a new intent's block goes: behind the last block of one of these intents, else to
    the end of the file.
    """
    lines = content.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    own = [each.line for each in parse(content) if each.intent == intent]
    if own:
        indent = _EXAMPLE.match(lines[own[-1] - 1])
        assert indent is not None
        lines[own[-1] : own[-1]] = [f"{indent[1]}- {text}\n" for text in texts]
        return "".join(lines)
    block = [f"- intent: {intent}\n", "  examples: |\n", *(f"    - {text}\n" for text in texts)]
    beside = set(after)
    ends = [each.line for each in parse(content) if each.intent in beside]
    place = max(ends, default=len(lines))
    # The file's own way: a blank line between two blocks, or none.
    is_spaced = bool(re.search(r"\n\n- intent: ", content))
    lines[place:place] = ["\n", *block] if is_spaced else block
    return "".join(lines)


def without_examples(
    content: str, intent: str, texts: Iterable[str], *, must_stay: bool = False
) -> str:
    """Return a file's text without some examples. must_stay: the intent keeps one at least."""
    own = [each for each in parse(content) if each.intent == intent]
    lines = content.splitlines(keepends=True)
    gone = []
    for text in texts:
        found = next((each for each in own if each.text == text), None)
        if found is None:
            raise ExampleError(f"{intent} has no example {text!r}.")
        gone.append(found.line)
    if must_stay and len(set(gone)) == len(own):
        raise ExampleError(f"{own[-1].text!r} is the last example of {intent}: it must keep one.")
    for line in sorted(set(gone), reverse=True):
        del lines[line - 1]
    return "".join(lines)


def _count(texts: Sequence[str], kind: str) -> str:
    if len(texts) == 1:
        return f"{'an' if kind.startswith('e') else 'a'} {kind}"
    return f"{len(texts)} {kind}s"
