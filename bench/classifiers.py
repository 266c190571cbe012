"""The classifiers that were considered, each trained and asked in one call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from bench.datasets import Task
from bench.encoded import Encoded, learnt, with_names
from spinebot.language import intent_training, intents
from spinebot.language.intents import Kernel
from spinebot.language.ngrams import NgramWeights

LOGISTIC_C = 10.0
LOGISTIC_NGRAMS = 0.5  # length of the n-grams' part, beside a sentence vector of length 1


@dataclass(frozen=True)
class Answers:
    """The likeliest intent of each message that was asked, and how sure that is (0-1)."""

    intents: np.ndarray
    sure: np.ndarray


Classifier = Callable[[Task, Encoded], Answers]


def logistic(task: Task, encoded: Encoded, *, ngrams: bool) -> Answers:
    """Logistic regression on sentence vectors. Sure: probability times the nearest cosine."""
    train, test = _sentences(task, encoded)
    labels = np.array([intent for intent, _ in task.learnt])
    features = [sparse.csr_matrix(train), sparse.csr_matrix(test)]
    if ngrams:
        weights = NgramWeights.of([text for _, text in task.learnt])
        for place, part in enumerate((task.learnt, task.asked)):
            letters = LOGISTIC_NGRAMS * weights.matrix([text for _, text in part])
            features[place] = sparse.hstack([features[place], letters]).tocsr()
    regression = LogisticRegression(C=LOGISTIC_C, max_iter=1000).fit(features[0], labels)
    nearest = np.zeros((len(test), len(regression.classes_)))
    for place, intent in enumerate(regression.classes_):
        nearest[:, place] = (test @ train[labels == intent].T).max(axis=1)
    sure = regression.predict_proba(features[1]) * np.maximum(nearest, 0.0)
    return Answers(regression.classes_[sure.argmax(axis=1)], sure.max(axis=1))


def nearest(task: Task, encoded: Encoded) -> Answers:
    """The intent of the nearest example. Sure: its cosine."""
    train, test = _sentences(task, encoded)
    cosines = test @ train.T
    labels = np.array([intent for intent, _ in task.learnt])
    return Answers(labels[cosines.argmax(axis=1)], cosines.max(axis=1))


def ridge(
    task: Task,
    encoded: Encoded,
    *,
    kernel: Kernel = intents.FOR_INTENTS,
    names: bool = True,
) -> Answers:
    """The assistant's own classifier, with other weights of its parts."""
    examples = with_names(task.learnt) if names else task.learnt
    model = intent_training.train(learnt(examples, encoded), kernel)
    texts = [text for _, text in task.asked]
    first = [
        model.rank(view, text)[0] for view, text in zip(encoded.views(texts), texts, strict=True)
    ]
    return Answers(np.array([intent for intent, _ in first]), np.array([sure for _, sure in first]))


def _sentences(task: Task, encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
    """Return the sentence vectors of what is learnt and of what is asked."""
    train, test = (encoded.views([text for _, text in part]) for part in (task.learnt, task.asked))
    return train[:, 0], test[:, 0]


_THREE_VIEWS = replace(intents.FOR_INTENTS, ngrams=0.0)
_ONE_VIEW = replace(_THREE_VIEWS, views=(1.0, 0.0, 0.0))
CANDIDATES: dict[str, Classifier] = {
    "nearest example by cosine": nearest,
    "logistic regression, sentence vectors": functools.partial(logistic, ngrams=False),
    "logistic regression, and n-grams": functools.partial(logistic, ngrams=True),
    "kernel ridge, one view": functools.partial(ridge, kernel=_ONE_VIEW, names=False),
    "kernel ridge, three views": functools.partial(ridge, kernel=_THREE_VIEWS, names=False),
    "kernel ridge, and n-grams": functools.partial(ridge, names=False),
    "kernel ridge, and intents' names: ours": ridge,
}
EXACT = "ours, encoder with 32-bit weights"
TUNED = "ours, encoder tuned to our field (**as installed**)"
