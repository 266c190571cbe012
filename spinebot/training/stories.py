"""Conversation tests in Rasa's format: what a visitor says, how it is understood, what is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ruamel.yaml.error import YAMLError

from spinebot.files import parse_yaml
from spinebot.language.spine_terms import side_by_side, spine_terms

SAVED = "tests/stories/test_saved.yml"
_BEGINNING = """# Conversations that staff kept as tests. A trained model must go through them.
version: "3.1"

stories:
"""


@dataclass(frozen=True)
class Step:
    """What a visitor says, what it is understood as, and the actions that follow.

    is_button: nothing was typed; the intent came with a button.
    """

    text: str
    intent: str
    actions: list[str]
    is_button: bool = False


def with_story(text: str, name: str, steps: Sequence[Step]) -> str:
    """Return a file of conversation tests with one more; an empty text becomes such a file."""
    return f"{(text or _BEGINNING).rstrip()}\n\n{story(name, steps)}"


def story(name: str, steps: Sequence[Step]) -> str:
    """Return one conversation test, as an entry of ``stories``."""
    lines = [f"  - story: {scalar(name)}", "    steps:"]
    for step in steps:
        if step.is_button:
            lines.append(f"      - intent: {step.intent}")
        else:
            said = " ".join(step.text.split())
            lines += [
                "      - user: |",
                f"          {tagged(said)}",
                f"        intent: {step.intent}",
            ]
        lines += [f"      - action: {action}" for action in step.actions]
    return "\n".join(lines) + "\n"


def tagged(text: str) -> str:
    """Return a message as Rasa's conversation tests want it: with its entities marked."""
    for term in reversed(side_by_side(spine_terms(text))):
        mark = json.dumps({"entity": term.kind, "value": term.value})
        text = f"{text[: term.start]}[{text[term.start : term.end]}]{mark}{text[term.end :]}"
    return text


def scalar(text: str) -> str:
    """Return a text as YAML, in quotes only where it must be."""
    try:
        if parse_yaml(f"key: {text}") == {"key": text}:
            return text
    except YAMLError:
        pass
    return json.dumps(text, ensure_ascii=False)
