"""The red flags on reports and look-alikes for all 22 rules by authors who had not read the rules.

The rules were widened with them: a first version, written from the facts sheet alone, recognised
447 of 616 reports by the right rule and took 76 of 616 look-alikes for reports. What the rules do
with wording that nobody tuned on stands in docs/red-flags.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from spinebot import safety

FILE = Path(__file__).parent / "data" / "red_flags_paraphrases.yml"
SENTENCES: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
RULES = [f"RF{number:02}" for number in range(1, 23)]


def _met(text: str) -> set[str]:
    return {finding.rule for finding in safety.check(text)}


@pytest.mark.parametrize("rule", RULES)
def test_reports_meet_their_rule(rule: str) -> None:
    missed = [text for text in SENTENCES["fires"][rule] if rule not in _met(text)]
    assert len(missed) <= 0.15 * len(SENTENCES["fires"][rule]), missed


def test_reports_of_all_rules() -> None:
    told = [(rule, text) for rule in RULES for text in SENTENCES["fires"][rule]]
    missed = [(rule, text) for rule, text in told if rule not in _met(text)]
    assert 1 - len(missed) / len(told) >= 0.95, missed


def test_look_alikes_stay_quiet() -> None:
    told = [text for rule in RULES for text in SENTENCES["quiet"][rule]]
    alarms = [text for text in told if _met(text)]
    assert len(alarms) / len(told) <= 0.01, alarms
