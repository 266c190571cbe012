"""May a trained model go live? The bars of ``release.yml``, and the figures of red flags.

They are measured with what lies in ``tests/`` and has taught no model: the phrases of the facts
sheet, reports of emergencies and their look-alikes by authors who had not read the rules, and
ordinary messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from spinebot.errors import SpinebotError
from spinebot.files import parse_yaml
from spinebot.language.intent_names import EMERGENCY
from spinebot.settings import ROOT

BARS = ROOT / "release.yml"
LISTED = ROOT / "tests/data/red_flags_listed.yml"
UNSEEN = ROOT / "tests/data/red_flags_unseen.yml"
MESSAGES = ROOT / "tests/nlu/test_nlu.yml"
REPORTS = {"listed", "reports"}
SHOWN = 5


class ReleaseError(SpinebotError):
    """The model must not go live, or could not be measured."""


@dataclass(frozen=True)
class Measure:
    """One figure of a model. share: of ``count`` messages, those of which it is true.

    wrong: the messages that keep it from being better.
    """

    name: str
    share: float
    count: int
    wrong: list[str]


@dataclass(frozen=True)
class Bar:
    """What a figure must reach (``least``) or must not pass (``most``), as shares of 1."""

    name: str
    means: str
    least: float = 0.0
    most: float = 1.0

    def fault(self, measure: Measure) -> str | None:
        """Return what is wrong with the figure, or None."""
        if self.least <= measure.share <= self.most:
            return None
        wanted = f"at least {self.least:.1%}" if self.least else f"at most {self.most:.1%}"
        examples = "".join(f"\n    {text[:100]}" for text in measure.wrong[:SHOWN])
        return f"{self.means}: {measure.share:.1%} of {measure.count}, must be {wanted}{examples}"


def bars(path: Path = BARS) -> list[Bar]:
    """Return the bars of release.yml.

    Raises:
        ReleaseError: the file has a fault.
    """
    try:
        return [
            Bar(name=name, **entry)
            for group in ("red_flags", "understanding")
            for name, entry in _content(path, group).items()
        ]
    except (TypeError, AttributeError) as error:
        raise ReleaseError(f"{path.name} cannot be read: {error}") from error


def second_reader(path: Path = BARS) -> frozenset[str]:
    """Return the intents that two people must label alike before they are taught.

    Raises:
        ReleaseError: the file has a fault.
    """
    return frozenset(map(str, _content(path, "second_reader")))


def _content(path: Path, group: str) -> Any:
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))[group]
    except (OSError, KeyError, TypeError, YAMLError) as error:
        raise ReleaseError(f"{path.name} cannot be read: {error}") from error


def faults(found: Sequence[Measure], wanted: Sequence[Bar]) -> list[str]:
    """Return what is wrong with the figures, one text for each bar that is not reached."""
    by_name = {measure.name: measure for measure in found}
    return [
        fault
        for bar in wanted
        if (
            fault := bar.fault(by_name[bar.name])
            if bar.name in by_name
            else f"{bar.means}: not measured; `spinebot models evaluate` does it"
        )
    ]


def figures_of(model: Path) -> Path:
    """Return the file of a model's figures."""
    return model.with_name(model.name.removesuffix(".tar.gz") + ".release.json")


def measured(judge: Callable[[list[str]], list[bool]]) -> list[Measure]:
    """Return the figures by the names of release.yml.

    judge: says for each of some texts whether it is taken for an emergency.
    """
    sets = messages()
    alarms = iter(judge([text for texts in sets.values() for text in texts]))
    return [
        _measure(name, texts, [next(alarms) for _ in texts], wanted=name in REPORTS)
        for name, texts in sets.items()
    ]


def messages() -> dict[str, list[str]]:
    """Return the messages that models are measured with, by the names of release.yml."""
    unseen = _read(UNSEEN)
    return {
        "listed": _flat(_read(LISTED)),
        "reports": _flat(unseen["fires"]),
        "look_alikes": _flat(unseen["quiet"]),
        "ordinary": [
            line.removeprefix("- ").strip()
            for block in _read(MESSAGES)["nlu"]
            if block["intent"] != EMERGENCY
            for line in block["examples"].splitlines()
            if line.startswith("- ")
        ],
    }


def _measure(name: str, texts: Sequence[str], alarms: Sequence[bool], wanted: bool) -> Measure:
    wrong = [text for text, alarm in zip(texts, alarms, strict=True) if alarm != wanted]
    return Measure(name, sum(alarms) / len(alarms), len(texts), wrong)


def _read(path: Path) -> Any:
    return parse_yaml(path.read_text(encoding="utf-8"))


def _flat(by_rule: dict[str, list[str]]) -> list[str]:
    return [text for texts in by_rule.values() for text in texts]
