"""Where to ask instead of to answer: what each threshold of the confidence costs and brings.

Measured when a model is trained, on the training data alone: for what is in scope, each example by
a model of all the others; for what is not, each example by a model that has never seen anything
out of scope, as the next strange message will be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spinebot.language.encoder import unseen_by_the_encoder
from spinebot.language.intent_names import is_outside, is_question
from spinebot.language.intent_training import LeftOut, left_out_confidences, train
from spinebot.language.intents import Examples

STEPS = tuple(round(0.01 * step, 2) for step in range(1, 81))


@dataclass(frozen=True)
class Step:
    """What a threshold does; all are shares of 1.

    answered: of what is in scope, right and above it; lost: of the right ones, those below it;
    caught: of what is out of scope and never seen, that which gets no answer.
    """

    threshold: float
    answered: float
    lost: float
    caught: float


@dataclass(frozen=True)
class Curve:
    """All steps, the rule, and the threshold that the rule chooses."""

    most_lost: float
    threshold: float
    steps: list[Step]

    def as_json(self) -> dict[str, Any]:
        """Return it as a model keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Curve:
        """Read what ``as_json`` gave."""
        steps = [Step(**step) for step in content["steps"]]
        return cls(content["most_lost"], content["threshold"], steps)


def measure(examples: Examples, left_out: LeftOut, most_lost: float) -> Curve:
    """Return the curve, with the highest threshold that loses at most ``most_lost`` of the right.

    left_out: of ``train_and_leave_out``; most_lost: share of the right answers that may
    be asked again instead.
    """
    right, sure = _in_scope(examples, left_out)
    strange = _never_seen(examples)
    steps = []
    for threshold in STEPS:
        kept = right & (sure >= threshold)
        steps.append(
            Step(
                threshold=threshold,
                answered=_share(kept, len(right)),
                lost=1.0 - _share(kept, int(right.sum())),
                caught=_share(strange < threshold, len(strange)),
            )
        )
    fitting = [step.threshold for step in steps if step.lost <= most_lost]
    return Curve(most_lost, max(fitting, default=STEPS[0]), steps)


def _in_scope(examples: Examples, left_out: LeftOut) -> tuple[np.ndarray, np.ndarray]:
    """Return for each judged example in scope whether, left out, it was understood; and how surely.

    Of those alone that the encoder was not tuned with.
    """
    found = left_out_confidences(examples, left_out)
    labels = examples.labels[left_out.places]
    asked = np.array([is_question(examples.intents[label]) for label in labels])
    asked &= unseen_by_the_encoder([examples.texts[place] for place in left_out.places])
    return (found.argmax(axis=1) == labels)[asked], found.max(axis=1)[asked]


def _never_seen(examples: Examples) -> np.ndarray:
    """Return how surely each example out of scope would be answered, had none been trained."""
    outside = np.array([is_outside(examples.intents[label]) for label in examples.labels])
    if not outside.any() or outside.all():
        return np.zeros(0)
    strange = outside & unseen_by_the_encoder(examples.texts)
    model = train(examples.only(np.flatnonzero(~outside)))
    return np.array(
        [
            _surest_question(model.rank(examples.vectors[:, place], examples.texts[place]))
            for place in np.flatnonzero(strange)
        ]
    )


def _surest_question(ranking: Sequence[tuple[str, float]]) -> float:
    intent, confidence = ranking[0]
    return confidence if is_question(intent) else 0.0


def _share(part: np.ndarray, whole: int) -> float:
    return float(part.sum()) / whole if whole else 0.0
