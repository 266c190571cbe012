"""Shows the threshold that training chooses, and how far the folds alone move the accuracy.

Run in Rasa's environment: ``.venv/rasa/bin/python -m bench.threshold [--plot FILE.png]``. All is
measured on the training data; the test set is not touched. The curve is the one that each training
measures and keeps in the model (``spinebot.language.thresholds``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold

from bench.data import Example, question_intents, read_examples, read_yaml
from bench.encoded import Encoded, learnt, with_names
from bench.processes import BenchError, heartbeat, say
from spinebot.language.encoder import load_encoder
from spinebot.language.intent_training import train, train_and_leave_out
from spinebot.language.intents import IntentModel
from spinebot.language.thresholds import Curve, Step, measure

FOLDS = 4
SEEDS = (1, 2, 3)  # three ways to cut the folds
SHOWN_STEP = 0.05
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Accuracy:
    """Shares of 1 that were understood by models which had not seen them."""

    all: float
    questions: float


def most_lost(config: Path) -> float:
    """Return the share of right answers that config.yml lets the threshold lose."""
    for component in read_yaml(config)["pipeline"]:
        if component["name"].endswith(".SentenceIntentClassifier"):
            return float(component["most_lost"])
    raise BenchError(f"{config.name}: there is no SentenceIntentClassifier")


def curve_of(examples: Sequence[Example], encoded: Encoded, most: float) -> Curve:
    """Return the curve that a training on the examples measures."""
    ready = learnt(with_names(examples), encoded)
    left_out = train_and_leave_out(ready)
    return measure(ready, left_out, most)


def cross_validate(
    examples: Sequence[Example], encoded: Encoded, questions: set[str], seed: int
) -> Accuracy:
    """Return how much is understood when each fold is asked of a model of the other folds."""
    intents = np.array([intent for intent, _ in examples])
    right = np.zeros(len(examples), dtype=bool)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for kept, held_out in folds.split(intents, intents):
        model = train(learnt(with_names([examples[place] for place in kept]), encoded))
        asked = [examples[place] for place in held_out]
        right[held_out] = [got == intent for got, (intent, _) in _answers(model, asked, encoded)]
    asked_for = np.isin(intents, sorted(questions))
    return Accuracy(float(right.mean()), float(right[asked_for].mean()))


def _answers(
    model: IntentModel, asked: Sequence[Example], encoded: Encoded
) -> list[tuple[str, Example]]:
    views = encoded.views([text for _, text in asked])
    return [
        (model.rank(view, example[1])[0][0], example)
        for view, example in zip(views, asked, strict=True)
    ]


def shown(curve: Curve) -> list[Step]:
    """Return the steps for the table: one in five, and the chosen one."""
    return [
        step
        for step in curve.steps
        if step.threshold == curve.threshold or _is_multiple(step.threshold, SHOWN_STEP)
    ]


def _is_multiple(number: float, step: float) -> bool:
    return abs(number / step - round(number / step)) < 1e-6


def table(curve: Curve) -> str:
    """Return the curve as a Markdown table, in percent, the chosen step in bold."""
    lines = [
        "| threshold | in scope right, kept | of the right ones lost | out of scope caught |",
        "|---:|---:|---:|---:|",
    ]
    for step in shown(curve):
        mark = "**" if step.threshold == curve.threshold else ""
        cells = (f"{step.answered:.1%}", f"{step.lost:.1%}", f"{step.caught:.1%}")
        lines.append(f"| {mark}{step.threshold:.2f}{mark} | {' | '.join(cells)} |")
    return "\n".join(lines)


def band(shares: Sequence[float]) -> str:
    """Return the mean of some shares, with the lowest and the highest."""
    return f"{np.mean(shares):.1%} ({min(shares):.1%}–{max(shares):.1%})"


def noise(found: Sequence[Accuracy]) -> str:
    """Return what the cuts of the folds make of the accuracy: mean, lowest and highest."""
    return (
        f"{FOLDS}-fold cross-validation, {len(found)} cuts: all intents "
        f"{band([each.all for each in found])}, questions only "
        f"{band([each.questions for each in found])}"
    )


def plot(curve: Curve, file: Path) -> None:
    """Draw the curve, and below it how sure the right answers and the strange messages are."""
    import matplotlib  # type: ignore[import-not-found,unused-ignore]

    matplotlib.use("Agg")
    from matplotlib import pyplot  # type: ignore[import-not-found,unused-ignore]

    places = [step.threshold for step in curve.steps]
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(8, 8), sharex=True)
    above.plot(places, [100 * step.answered for step in curve.steps], label="in scope answered")
    above.plot(places, [100 * step.caught for step in curve.steps], label="out of scope caught")
    above.set_ylabel("%")
    below.stairs(*_histogram(curve, "lost"), fill=True, alpha=0.5, label="right, in scope")
    below.stairs(
        *_histogram(curve, "caught"), fill=True, alpha=0.5, label="out of scope, never seen"
    )
    below.set_ylabel("% of them in a step of 0.02")
    below.set_xlabel(f"confidence (what is surer than {places[-1]} is left out)")
    for axes in (above, below):
        axes.axvline(curve.threshold, color="black", ls="--", label=f"chosen: {curve.threshold}")
        axes.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=110)


def _histogram(curve: Curve, share: str) -> tuple[np.ndarray, np.ndarray]:
    """Return heights in percent and edges. What lies below each threshold is a sum already."""
    below = np.array([0.0, *(getattr(step, share) for step in curve.steps[1::2])])
    edges = np.array([0.0, *(step.threshold for step in curve.steps[1::2])])
    return 100 * np.diff(below), edges


def main() -> None:
    """Print the curve, the threshold that the rule chooses, and the noise band."""
    parser = argparse.ArgumentParser(prog="python -m bench.threshold", description=__doc__)
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the curve, too")
    options = parser.parse_args()
    examples = read_examples(ROOT / "data/nlu.yml")
    questions = question_intents(ROOT / "data/rules.yml")
    encoded, most = Encoded(load_encoder()), most_lost(ROOT / "config.yml")
    with heartbeat("encoding and training"):
        curve = curve_of(examples, encoded, most)
    print(f"\n{len(examples)} examples of {len({i for i, _ in examples})} intents\n")
    print(f"{table(curve)}\n\nAt most {most:.0%} of the right ones lost: {curve.threshold:.2f}\n")
    if options.plot:
        plot(curve, options.plot)
        say(f"drawn to {options.plot}")
    with heartbeat(f"training {FOLDS * len(SEEDS)} models"):
        found = [cross_validate(examples, encoded, questions, seed) for seed in SEEDS]
    print(f"\n{noise(found)}")


if __name__ == "__main__":
    main()
