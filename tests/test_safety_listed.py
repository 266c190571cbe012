"""The red flags on the phrases that the clinical facts sheet lists for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from spinebot import safety

FILE = Path(__file__).parent / "data" / "red_flags_listed.yml"
LISTED: dict[str, list[str]] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("rule", "phrase"), [(rule, phrase) for rule, phrases in LISTED.items() for phrase in phrases]
)
def test_a_listed_phrase_meets_its_rule(rule: str, phrase: str) -> None:
    assert rule in {finding.rule for finding in safety.check(phrase)}


def test_despair_is_answered_with_988() -> None:
    [first, *_] = safety.check("i want to die")
    assert first.action is safety.Action.CALL_988
    assert "988" in safety.warning([first])


def test_988_is_named_beside_a_more_urgent_action() -> None:
    found = safety.check("i want to die, and my face is drooping and my speech is slurred")
    assert found[0].action is safety.Action.CALL_911
    assert "988" in safety.warning(found)


@pytest.mark.parametrize("rule", [f"RF{number:02}" for number in range(1, 23)])
def test_the_detector_alone_leads_to_the_rules_wording(rule: str) -> None:
    found = safety.by_example(rule)
    assert found is not None
    assert safety.warning([found])


def test_a_rule_that_does_not_exist_has_no_wording() -> None:
    assert safety.by_example("RF99") is None
