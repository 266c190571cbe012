"""The file of the red-flag rules: what it may hold, and how a wording is read."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from spinebot import safety
from spinebot.files import parse_yaml
from spinebot.safety import decisions, signs
from spinebot.safety.rules import Action

RULE = {
    "name": "Sample",
    "line": "This is a sample.",
    "helper_line": "This is a sample, too.",
    "sources": [{"name": "Sample", "url": "https://example.org"}],
    "when": [{"action": "er_now", "any": [{"all": ["sample_sign"]}]}],
}
TEXTS = {"text": "Sample.", "helper_text": "Sample."}


def a_file(tmp_path: Path, **changes: Any) -> Path:
    """A rules file with one rule and one sign. changes: of its entries."""
    content = {
        "actions": {action.value: TEXTS for action in Action},
        "information": {"line": "Sample.", "topics": ["what is"]},
        "rules": {"RF01": RULE},
        "signs": {"sample_sign": {"means": "a sample", "any": ["my kettle sings"]}},
        "terms": {"sings": ["sings", "hums"]},
        "idioms": ["sample idiom"],
        "old_age": 50,
        "ordinary": ["blades"],
        **changes,
    }
    path = tmp_path / "rules.yml"
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)
    return path


@pytest.fixture
def saying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the rules be such that these wordings make the sign."""

    def use(*wordings: str) -> None:
        sample = {"sample_sign": {"means": "a sample", "any": list(wordings)}}
        book = safety.load(a_file(tmp_path, signs=sample))
        for module in (decisions, signs):
            monkeypatch.setattr(module, "book", lambda: book)

    return use


def test_actions_stand_in_the_order_of_their_urgency() -> None:
    assert [action.rank for action in Action] == [0, 1, 2, 3]
    for one, other in product(Action, Action):
        assert (one < other) == (one.rank < other.rank)
        assert (one <= other) == (one.rank <= other.rank)
        assert (one > other) == (one.rank > other.rank)
        assert (one >= other) == (one.rank >= other.rank)


@pytest.mark.parametrize(
    ("sign", "message"),
    [
        ({"any": [" "]}, "signs: sample_sign: any: must be a list of words in quotes: ' '"),
        ({"any": [5]}, "signs: sample_sign: any: must be a list of words in quotes: 5"),
        ({"any": ["{sung}"]}, "signs: sample_sign: any: 'sung' is not defined"),
        ({"of": ["no_sign"]}, "signs: sample_sign: of, together, unless: 'no_sign'"),
        ({"any": ["kettle"], "unless": ["no_sign"]}, "of, together, unless: 'no_sign'"),
        ({}, "signs: sample_sign: any: give any, of or together"),
    ],
)
def test_a_fault_in_a_sign_is_named(tmp_path: Path, sign: dict[str, Any], message: str) -> None:
    path = a_file(tmp_path, signs={"sample_sign": {"means": "a sample", **sign}})
    with pytest.raises(safety.RedFlagsError, match=message):
        safety.load(path)


@pytest.mark.parametrize(
    "actions", [("er_now", "call_911"), ("doctor_today", "er_now"), ("er_now", "er_now")]
)
def test_the_most_urgent_action_comes_first_and_each_once(
    tmp_path: Path, actions: tuple[str, ...]
) -> None:
    tiers = [{"action": action, "any": [{"all": ["sample_sign"]}]} for action in actions]
    path = a_file(tmp_path, rules={"RF01": {**RULE, "when": tiers}})
    with pytest.raises(safety.RedFlagsError, match="the most urgent action must come first"):
        safety.load(path)


@pytest.mark.parametrize(
    ("wording", "most"),
    [("kettle {sings}", 2), ("kettle ... {sings}", 7)],
)
def test_so_many_words_may_stand_between(
    saying: Callable[..., None], wording: str, most: int
) -> None:
    saying(wording)
    between = ["grey", "tin", "old", "dear", "wide", "long", "blue", "high"]
    assert safety.check(" ".join(["my kettle", *between[:most], "hums"]))
    assert not safety.check(" ".join(["my kettle", *between[: most + 1], "hums"]))


def test_words_of_other_alphabets_are_words(saying: Callable[..., None]) -> None:
    saying("überkessel summt")
    assert safety.check("mein überkessel summt")
    assert not safety.check("mein kessel summt")


def test_the_rules_of_the_project_are_read_like_any_other_file(tmp_path: Path) -> None:
    content = parse_yaml(safety.RULES.read_text(encoding="utf-8"))
    book = safety.load(a_file(tmp_path, **content))
    assert [rule.id for rule in book.rules] == list(content["rules"])
