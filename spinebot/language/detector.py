"""Does a message report an emergency, judged by likeness to examples instead of by rules?

The model is the intents' (``spinebot.language.intents``), with a class for each red flag and one
for all that is none. It stands behind the rules and catches wording that nobody wrote a rule for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinebot.language.encoder import unseen_by_the_encoder
from spinebot.language.intent_training import train_and_leave_out
from spinebot.language.intents import Examples, IntentModel, Kernel

NONE = "none"
# Flatter than the intents': fewer look-alikes raise an alarm (docs/decisions/0010).
KERNEL = Kernel(sharpness=(1.0, 2.0, 2.0), ngrams=0.2, balanced=False)
QUIET = -1.0  # the score of what is surely no report
_SETTINGS = "detector.json"
_ENDS = re.compile(r"[.!?;\n]+")


@dataclass(frozen=True)
class Detector:
    """A trained detector. threshold: of the alarm, about -1 (surely none) to 1."""

    model: IntentModel
    threshold: float

    def judge(self, vectors: np.ndarray, text: str) -> tuple[float, str]:
        """Return how surely a message reports an emergency, and which red flag is likeliest.

        vectors: (views, width), each of length 1. The first is about -1 (surely none) to 1; from
        ``threshold`` on it is an alarm.
        """
        scores = self.model.scores(vectors, text)
        none = self.model.intents.index(NONE)
        sureness = -float(scores[none])
        scores[none] = -np.inf
        return sureness, self.model.intents[int(scores.argmax())]

    def save(self, directory: Path) -> None:
        """Write the detector as arrays and JSON."""
        self.model.save(directory)
        (directory / _SETTINGS).write_text(json.dumps({"threshold": self.threshold}))

    @classmethod
    def load(cls, directory: Path) -> Detector:
        """Read what ``save`` wrote."""
        settings = json.loads((directory / _SETTINGS).read_text())
        return cls(IntentModel.load(directory), float(settings["threshold"]))


def sentences(text: str) -> list[str]:
    """Return the sentences of a message, by their marks alone."""
    return [part.strip() for part in _ENDS.split(text) if part.strip()]


def train_detector(
    examples: Examples,
    look_alikes: set[str],
    most_false: float,
    most_ordinary: float,
    far: Sequence[str] = (),
) -> Detector:
    """Return the detector of the given examples; those of no red flag have the label ``NONE``.

    look_alikes: the texts among them that only sound like an emergency; far: harmless messages
    that are so unlike a report that they need not be learnt, and raise no alarm. The threshold is
    the lowest at which at most ``most_false`` of the look-alikes and ``most_ordinary`` of the other
    harmless messages raise an alarm when they are left out; measured with what the encoder was
    not tuned with.
    """
    none = examples.intents.index(NONE)
    found = train_and_leave_out(examples, KERNEL)
    harmless: dict[bool, list[float]] = {True: [], False: []}
    unseen = unseen_by_the_encoder([*examples.texts, *far])
    harmless[False] = [QUIET] * int(unseen[len(examples.texts) :].sum())
    for place, score in zip(found.places, -found.scores[:, none], strict=True):
        if examples.labels[place] == none and unseen[place]:
            harmless[examples.texts[place] in look_alikes].append(float(score))
    thresholds = [
        float(np.quantile(scores, 1.0 - most))
        for scores, most in ((harmless[True], most_false), (harmless[False], most_ordinary))
        if scores
    ]
    return Detector(found.model, max(thresholds, default=0.0))
