"""The messages of the training data and of the test set, and the questions among the intents."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Example = tuple[str, str]  # an intent, and a message that has it


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def read_examples(path: Path) -> list[Example]:
    """Return the examples of an NLU file of Rasa's, in the file's order."""
    return [
        (str(block["intent"]), line.removeprefix("- ").strip())
        for block in read_yaml(path)["nlu"]
        if "intent" in block
        for line in block["examples"].splitlines()
        if line.startswith("- ")
    ]


def question_intents(rules: Path) -> set[str]:
    """Return the intents that rules.yml answers from an article."""
    questions: set[str] = set()
    for rule in read_yaml(rules)["rules"]:
        steps = rule["steps"]
        if any(step.get("action") == "action_answer_question" for step in steps):
            for step in steps:
                alternatives = step.get("or", [step])
                questions.update(each["intent"] for each in alternatives if "intent" in each)
    return questions


def choose_questions(examples: list[Example], questions: set[str], count: int) -> list[str]:
    """Return ``count`` questions: the first of each intent, then the second of each, and so on."""
    by_intent: dict[str, list[str]] = {}
    for intent, text in examples:
        if intent in questions:
            by_intent.setdefault(intent, []).append(text)
    rows = zip_longest(*by_intent.values())
    return [text for row in rows for text in row if text is not None][:count]


def thinned(examples: list[Example], step: int) -> list[Example]:
    """Return every ``step``-th example of each intent, so that every intent stays."""
    seen: dict[str, int] = {}
    kept: list[Example] = []
    for intent, text in examples:
        if seen.setdefault(intent, 0) % step == 0:
            kept.append((intent, text))
        seen[intent] += 1
    return kept
