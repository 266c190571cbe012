"""Reports of emergencies and their harmless look-alikes, from which the detector learns.

The file is spinebot/red_flag_examples.yml: for each rule its usual action, messages that report the
sign (`fires`), and messages that only sound like it (`quiet`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from spinebot.safety.rules import Action, RedFlagsError

EXAMPLES = Path(__file__).parent.with_name("red_flag_examples.yml")


@dataclass(frozen=True)
class RuleExamples:
    """What is known of one red flag by example. action: for a report that no rule places."""

    action: Action
    fires: list[str]
    quiet: list[str]


def read(path: Path = EXAMPLES) -> dict[str, RuleExamples]:
    """Return the examples by rule.

    Raises:
        RedFlagsError: an entry has a fault; the message names the rule and the field.
    """
    entries = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return {rule: _read(rule, entry) for rule, entry in entries.items()}


@functools.cache
def usual_actions() -> dict[str, Action]:
    """Return each rule's usual action, read once."""
    return {rule: examples.action for rule, examples in read().items()}


def _read(rule: str, entry: object) -> RuleExamples:
    if not isinstance(entry, dict) or set(entry) != {"action", "fires", "quiet"}:
        raise RedFlagsError(f"{rule}: must have action, fires and quiet, and nothing else")
    for name in ("fires", "quiet"):
        if not entry[name] or not all(isinstance(text, str) and text for text in entry[name]):
            raise RedFlagsError(f"{rule}: {name}: must be a list of messages in quotes")
    try:
        action = Action(entry["action"])
    except ValueError as error:
        raise RedFlagsError(f"{rule}: action: {entry['action']!r} is no action") from error
    return RuleExamples(action, list(entry["fires"]), list(entry["quiet"]))
