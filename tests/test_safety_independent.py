"""The red flags on sentences whose author had not read the rules.

The even-numbered sentences of each list were used afterwards to widen the rules; the odd-numbered
ones were not. The floors stand a little under what was reached, so that a step back fails:
even: 102 of 104 by the right rule, 1 false alarm of 124; odd: 85 of 96, 5 of 116. The aim for
wording that nobody has seen, 95 %, is not reached yet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from spinebot import safety

FILE = Path(__file__).parent / "data" / "red_flags_independent.yml"
SENTENCES: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
HALVES = {"even": 0, "odd": 1}


def _rules(text: str, earlier: list[str] | None = None) -> set[str]:
    return {finding.rule for finding in safety.check(text, earlier or [])}


def _half(name: str, half: str) -> list[tuple[str, str]]:
    lists = SENTENCES[name].items()
    return [(rule, text) for rule, texts in lists for text in texts[HALVES[half] :: 2]]


@pytest.mark.parametrize(("half", "floor"), [("even", 0.96), ("odd", 0.87)])
def test_emergencies_are_recognised(half: str, floor: float) -> None:
    sentences = _half("fires", half)
    missed = [(rule, text) for rule, text in sentences if rule not in _rules(text)]
    assert 1 - len(missed) / len(sentences) >= floor, missed


@pytest.mark.parametrize(("half", "limit"), [("even", 0.02), ("odd", 0.06)])
def test_other_messages_stay_quiet(half: str, limit: float) -> None:
    sentences = _half("quiet", half)
    alarms = [(rule, text) for rule, text in sentences if _rules(text)]
    assert len(alarms) / len(sentences) <= limit, alarms


@pytest.mark.parametrize(("half", "floor"), [("even", 15), ("odd", 14)])
def test_a_conversation_is_read_as_a_whole(half: str, floor: int) -> None:
    right = 0
    for talk in SENTENCES["conversations"][HALVES[half] :: 2]:
        found = _rules(talk["last"], talk["earlier"])
        right += talk["fires"] in found if talk["fires"] else not found
    assert right >= floor
