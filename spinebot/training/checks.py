"""What is wrong with the training data, each fault with its file and line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml.error import MarkedYAMLError

from spinebot import articles
from spinebot.errors import ArticleError
from spinebot.files import parse_yaml
from spinebot.language.intent_names import is_from_articles, name_of
from spinebot.language.redaction import redact
from spinebot.training import changes, examples
from spinebot.training.examples import LONGEST, TESTS, TRAINING, Example, normal

FEWEST = 10  # examples of an intent; fewer teach it badly
FILES = ("data/nlu.yml", "data/rules.yml", "data/stories.yml", "domain.yml", "config.yml")
# Their examples give contacts and strings of digits; all of them are made up.
MADE_UP = {"inform", "out_of_scope_nonsense"}
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def faults(root: Path | None = None) -> list[str]:
    """Return every fault of the training data as ``file:line: what``; none: they are in order."""
    root = root or changes.project()
    changes.recover(root)
    return list(_found(root))


def _found(root: Path) -> Iterator[str]:
    contents: dict[str, Any] = {}
    broken = list(_broken(root, contents))
    yield from broken
    if broken:
        return
    training = examples.read(root / TRAINING)
    tests = examples.read(root / TESTS)
    yield from _texts(training)
    yield from _duplicates(training)
    yield from _leaks(training, tests)
    yield from _intents(root, training, contents["domain.yml"])


def _broken(root: Path, contents: dict[str, Any]) -> Iterator[str]:
    """Files that are no YAML: nothing else can be said of them. contents: gets the others'."""
    for name in FILES:
        try:
            text = (root / name).read_text(encoding="utf-8")
            contents[name] = parse_yaml(text)
        except OSError as error:
            yield f"{name}: {error.strerror}"
        except UnicodeDecodeError:
            yield f"{name}: it is not UTF-8"
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            yield f"{name}:{line}: {error.problem or 'it is no YAML'}"


def _texts(training: list[Example]) -> Iterator[str]:
    for each in training:
        place = f"data/nlu.yml:{each.line}"
        if len(each.text) > LONGEST:
            yield f"{place}: {len(each.text)} characters; {LONGEST} are the most"
        elif each.intent not in MADE_UP:
            masked = redact(each.text)
            if any(mark in masked for mark in ("[number]", "[email]", "[date")):
                yield f"{place}: personal data: {masked}"


def _duplicates(training: list[Example]) -> Iterator[str]:
    first: dict[str, Example] = {}
    for each in training:
        other = first.setdefault(normal(each.text), each)
        if other is each:
            continue
        what = "twice" if other.intent == each.intent else f"also an example of {other.intent}"
        yield f"data/nlu.yml:{each.line}: {each.intent}: {what} (line {other.line}): {each.text}"


def _leaks(training: list[Example], tests: list[Example]) -> Iterator[str]:
    known = {normal(each.text): each for each in training}
    for each in tests:
        if other := known.get(normal(each.text)):
            yield (
                f"tests/nlu/test_nlu.yml:{each.line}: it teaches too "
                f"(data/nlu.yml:{other.line}): {each.text}"
            )


def _intents(root: Path, training: list[Example], domain: Any) -> Iterator[str]:
    known = {name_of(entry) for entry in domain.get("intents") or []}
    counts = Counter(each.intent for each in training)
    lines = {each.intent: each.line for each in reversed(training)}
    for intent, count in counts.items():
        place = f"data/nlu.yml:{lines[intent]}"
        if not _NAME.match(intent):
            yield f"{place}: {intent!r}: an intent's name has small letters, digits and _ only"
        if intent not in known:
            yield f"{place}: {intent} is not in domain.yml"
        if count < FEWEST:
            yield f"{place}: {intent} has {count} examples; {FEWEST} are the least"
    try:
        files = articles.read_articles(root / "knowledge")
    except ArticleError as error:
        yield from (f"knowledge: {fault}" for fault in error.faults)
        return
    answered = {
        intent for file in files for section in file.sections for intent in section.front.answers
    }
    for intent in sorted(answered - set(counts)):
        yield f"knowledge: {intent} is answered by a section and has no examples"
    for intent in sorted(set(filter(is_from_articles, counts)) - answered):
        yield f"data/nlu.yml:{lines[intent]}: {intent} is a question and no section answers it"
    for intent in sorted(answered - known):
        yield f"domain.yml: {intent} is answered by a section and is not there"
