"""May a trained model go live? Its red flags are measured before it does.

What it is measured with lies in ``tests/`` and has taught no model: the phrases of the facts sheet,
reports of emergencies and their look-alikes by authors who had not read the rules, and ordinary
messages. The bars are in ``release.yml``.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from spinebot.errors import SpinebotError
from spinebot.settings import ROOT
from spinebot.training.rasa_process import RASA_PYTHON, environment

BARS = ROOT / "release.yml"
LISTED = ROOT / "tests/data/red_flags_listed.yml"
UNSEEN = ROOT / "tests/data/red_flags_unseen.yml"
MESSAGES = ROOT / "tests/nlu/test_nlu.yml"
EMERGENCY = "report_emergency"
REPORTS = {"listed", "reports"}
SHOWN = 5


class ReleaseError(SpinebotError):
    """The model must not go live, or could not be measured."""


@dataclass(frozen=True)
class Measure:
    """One figure of a model. share: of all ``count`` messages, those that raised an alarm.

    wrong: the messages that should have raised one and did not, or the other way round.
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
        entries = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))["red_flags"]
        return [Bar(name=name, **entry) for name, entry in entries.items()]
    except (OSError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path.name} cannot be read: {error}") from error


def check(model: Path) -> list[Measure]:
    """Measure ``model``, keep the figures beside it, and return them.

    Raises:
        ReleaseError: a figure does not reach its bar; the message names each, with examples.
    """
    found = measured(lambda texts: _alarms(model, texts))
    figures = json.dumps([asdict(measure) for measure in found], indent=1)
    figures_of(model).write_text(figures, encoding="utf-8")
    if wrong := faults(found, bars()):
        raise ReleaseError(
            f"{model.name} may not go live; the live model is untouched.\n" + "\n".join(wrong)
        )
    return found


def faults(found: Sequence[Measure], wanted: Sequence[Bar]) -> list[str]:
    """Return what is wrong with the figures, one text for each bar that is not reached."""
    by_name = {measure.name: measure for measure in found}
    return [fault for bar in wanted if (fault := bar.fault(by_name[bar.name]))]


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


def _alarms(model: Path, texts: list[str]) -> list[bool]:
    """Return which texts the model takes for an emergency."""
    with tempfile.TemporaryDirectory() as folder:
        messages, out = Path(folder) / "messages.json", Path(folder) / "out.json"
        messages.write_text(json.dumps(texts), encoding="utf-8")
        done = subprocess.run(
            [str(RASA_PYTHON), "-m", "spinebot.bot.exam", str(model), str(messages), str(out)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ReleaseError(f"{model.name} could not be measured: {last}")
        understood = json.loads(out.read_text(encoding="utf-8"))
    return [each["intent"] == EMERGENCY for each in understood]


def _read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def _flat(by_rule: dict[str, list[str]]) -> list[str]:
    return [text for texts in by_rule.values() for text in texts]
