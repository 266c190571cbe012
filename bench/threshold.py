"""Chooses the FallbackClassifier's threshold: ``.venv/rasa/bin/python -m bench.threshold``.

Four-fold cross-validation on the training data, with the features and the classifier that
config.yml names. The test set is not touched. For each threshold the table says what it costs
(right answers in scope that are asked again) and what it brings (messages out of scope that get
no answer). The rule: the highest threshold that asks again in at most 3 % of the cases in which
the bot was right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold

from bench.data import Example, question_intents, read_examples, read_yaml
from bench.processes import heartbeat
from spinebot.language.encoder import load_encoder
from spinebot.language.intents import train
from spinebot.language.spine_terms import pipeline

FOLDS = 4
SEEDS = (1, 2, 3)  # three ways to cut the folds: one alone moves the figures by half a point
MOST_LOST = 0.03  # of the right predictions in scope
OUT_OF_SCOPE = "out_of_scope"
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 17))
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Prediction:
    """What one message is, what it was taken for while it was held out, and how surely (0-1)."""

    wanted: str
    got: str
    confidence: float


@dataclass(frozen=True)
class Outcome:
    """What a threshold does; all are shares of 1.

    kept: in scope, right and above the threshold; lost: of the right ones, those below it;
    caught: out of scope, and seen as such or below the threshold; wrong: of all messages, those
    that get the answer to another question.
    """

    threshold: float
    kept: float
    lost: float
    caught: float
    wrong: float


def config_threshold(config: Path) -> float:
    """Return the threshold that config.yml has now."""
    for component in read_yaml(config)["pipeline"]:
        if component["name"] == "FallbackClassifier":
            return float(component["threshold"])
    raise LookupError("config.yml: there is no FallbackClassifier")


def vectorizer(config: Path) -> CountVectorizer:
    """Return config.yml's CountVectorsFeaturizer, as Rasa builds it."""
    for component in read_yaml(config)["pipeline"]:
        if component["name"] == "CountVectorsFeaturizer":
            return CountVectorizer(
                analyzer=component["analyzer"],
                ngram_range=(component["min_ngram"], component["max_ngram"]),
                min_df=component.get("min_df", 1),
            )
    raise LookupError("config.yml: there is no CountVectorsFeaturizer")


def as_rasa_counts(text: str) -> str:
    """Return what Rasa counts n-grams in: the tokens with numbers made equal, in lower case."""
    tokens = (token.text for token in pipeline().make_doc(text) if not token.is_space)
    return " ".join(re.sub(r"\b[0-9]+\b", "__NUMBER__", token) for token in tokens).lower()


class CrossValidation:
    """The training data with its features, and its cuts into folds."""

    def __init__(self, examples: Sequence[Example], config: Path) -> None:
        """Encode the examples once, for all cuts."""
        self._config = config
        self._labels = np.array([intent for intent, _ in examples])
        self._texts = np.array([as_rasa_counts(text) for _, text in examples], dtype=object)
        self._vectors = load_encoder().encode([text for _, text in examples])

    def predict(self, seed: int) -> list[Prediction]:
        """Return a prediction for every example, by a model that was not trained on it."""
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        predictions: list[Prediction] = []
        for learnt, held_out in folds.split(self._vectors, self._labels):
            predictions += self._fold(learnt, held_out)
        return predictions

    def _fold(self, learnt: np.ndarray, held_out: np.ndarray) -> list[Prediction]:
        # The vocabulary is the learnt examples' too: min_df sees no other.
        counter = vectorizer(self._config)
        counts = counter.fit_transform(self._texts[learnt])
        model = train(self._vectors[learnt], counts, self._labels[learnt].tolist())
        rows = counter.transform(self._texts[held_out])
        return [
            Prediction(str(self._labels[place]), *model.rank(self._vectors[place], rows[row])[0])
            for row, place in enumerate(held_out)
        ]


def outcome(predictions: Sequence[Prediction], threshold: float, questions: set[str]) -> Outcome:
    """Return what a threshold does to the predictions. questions: intents with an answer."""
    in_scope = [p for p in predictions if p.wanted != OUT_OF_SCOPE]
    outside = [p for p in predictions if p.wanted == OUT_OF_SCOPE]
    right = [p for p in in_scope if p.got == p.wanted]
    above = [p for p in right if p.confidence >= threshold]
    caught = [p for p in outside if p.got == OUT_OF_SCOPE or p.confidence < threshold]
    wrong = [
        p
        for p in predictions
        if p.got in questions and p.got != p.wanted and p.confidence >= threshold
    ]
    return Outcome(
        threshold,
        kept=len(above) / len(in_scope),
        lost=1 - len(above) / len(right),
        caught=len(caught) / len(outside),
        wrong=len(wrong) / len(predictions),
    )


def recommended(outcomes: Sequence[Outcome]) -> float:
    """Return the highest threshold within the rule; nought if there is none."""
    return max((o.threshold for o in outcomes if o.lost <= MOST_LOST), default=0.0)


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the Markdown table, in percent."""
    lines = [
        "| threshold | in scope right, kept | of the right ones lost | out of scope caught "
        "| wrong answers shown |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {o.threshold:.2f} | {o.kept:.1%} | {o.lost:.1%} | {o.caught:.1%} | {o.wrong:.1%} |"
        for o in outcomes
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table and the threshold that the rule chooses."""
    config = ROOT / "config.yml"
    examples = read_examples(ROOT / "data/nlu.yml")
    questions = question_intents(ROOT / "data/rules.yml")
    predictions: list[Prediction] = []
    with heartbeat("encoding the training data"):
        validation = CrossValidation(examples, config)
    for seed in SEEDS:
        with heartbeat(f"training {FOLDS} models, {seed} of {len(SEEDS)} times"):
            predictions += validation.predict(seed)
    outcomes = [outcome(predictions, threshold, questions) for threshold in THRESHOLDS]
    print(f"\n{len(examples)} examples, {FOLDS} folds, {len(SEEDS)} times\n")
    print(table([outcome(predictions, 0.0, questions), *outcomes]))
    # The rule chooses between hundredths, as a person would write them.
    finer = [outcome(predictions, step / 100, questions) for step in range(1, 81)]
    print(
        f"\nAt most {MOST_LOST:.0%} of the right ones lost: {recommended(finer):.2f}; "
        f"config.yml has {config_threshold(config):.2f}."
    )


if __name__ == "__main__":
    main()
