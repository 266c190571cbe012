"""How the intents' classifier is trained, and what it would say of examples it had not seen.

The regression has a closed form, so training is one system of linear equations: seconds, the same
result every time, and what the others say of each example comes nearly for nothing. Its cost is
cubic in the examples; from ``MOST_EXACT`` on the regression stands on some of them alone, and the
cost is linear (``spinebot.language.landmarks``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import linalg

from spinebot.language import landmarks
from spinebot.language.intents import FOR_INTENTS, Examples, IntentModel, Kernel, Parts, confidences

MOST_EXACT = 8000
FOLDS = 5


def train(examples: Examples, kernel: Kernel = FOR_INTENTS) -> IntentModel:
    """Return the model of the given examples. Same examples, same model."""
    if len(examples.labels) > MOST_EXACT:
        return landmarks.Regression.of(examples, kernel).model()
    parts = Parts.of(examples)
    factor = linalg.cho_factor(_system(examples, parts, kernel), overwrite_a=True)
    weights = linalg.cho_solve(factor, _targets(examples))
    return parts.model(examples, kernel, weights, np.arange(len(examples.labels)))


@dataclass(frozen=True)
class LeftOut:
    """A model, and what models without an example would have said of it.

    places: (judged,) the examples that were judged: all, or of very many a sample; scores: (judged,
    intents), each of a model of all other examples.
    """

    model: IntentModel
    places: np.ndarray
    scores: np.ndarray


def train_and_leave_out(examples: Examples, kernel: Kernel = FOR_INTENTS) -> LeftOut:
    """Return the model, and each example's scores from a model of all the others.

    The scores have a closed form (Rifkin and Lippert 2007, "Notes on regularized least squares");
    only the directions and the weights of the n-grams have seen the example.
    """
    return _train_and_validate(examples, (), kernel)[0]


@dataclass(frozen=True)
class Validated:
    """A model with its cross-validation.

    folds: for each seed (judged, intents) confidences, each of a model without the example's fold.
    """

    left_out: LeftOut
    folds: list[np.ndarray]


def train_and_validate(
    examples: Examples, seeds: Sequence[int], kernel: Kernel = FOR_INTENTS
) -> Validated:
    """Return the model with its cross-validation: one for each seed, by which the folds are cut.

    As in ``train_and_leave_out`` there is a closed form, which costs next to nothing: the scores
    of a fold from a model without it follow from the inverse's block of the fold. Of very many
    examples one fold is left out, with those that are judged in it.
    """
    return Validated(*_train_and_validate(examples, seeds, kernel))


def _train_and_validate(
    examples: Examples, seeds: Sequence[int], kernel: Kernel
) -> tuple[LeftOut, list[np.ndarray]]:
    if len(examples.labels) > MOST_EXACT:
        regression = landmarks.Regression.of(examples, kernel)
        judged = regression.sample()
        left_out = LeftOut(regression.model(), judged, regression.left_out(judged))
        cuts = [regression.fold(judged, 1 / FOLDS, seed) for seed in seeds]
        scores = [regression.without(cut, judged) for cut in cuts]
    else:
        parts = Parts.of(examples)
        inverse = _inverse(_system(examples, parts, kernel))
        targets, judged = _targets(examples), np.arange(len(examples.labels))
        weights = inverse @ targets
        model = parts.model(examples, kernel, weights, judged)
        left_out = LeftOut(model, judged, targets - weights / np.diag(inverse)[:, None])
        cuts = [_cut(examples, FOLDS, seed) for seed in seeds]
        scores = [_without_folds(inverse, weights, targets, cut) for cut in cuts]
    return left_out, [
        confidences(each, _nearest(examples, judged, cut))
        for each, cut in zip(scores, cuts, strict=True)
    ]


def left_out_confidences(examples: Examples, left_out: LeftOut) -> np.ndarray:
    """Return (judged, intents) confidences, each from a model without the example."""
    each = np.arange(len(examples.labels))
    return confidences(left_out.scores, _nearest(examples, left_out.places, each))


def _cut(examples: Examples, folds: int, seed: int) -> np.ndarray:
    """Return (examples,) the fold of each: every intent is spread evenly over all."""
    chance = np.random.default_rng(seed)
    found = np.zeros(len(examples.labels), dtype=np.int64)
    starts = np.searchsorted(examples.labels, np.arange(len(examples.intents) + 1))
    for start, end in pairwise(starts.tolist()):
        places = start + chance.permutation(end - start)
        found[places] = (np.arange(len(places)) + chance.integers(folds)) % folds
    return found


def _without_folds(
    inverse: np.ndarray, weights: np.ndarray, targets: np.ndarray, cut: np.ndarray
) -> np.ndarray:
    """Return (examples, intents): the scores of each from a model without its fold."""
    found = np.zeros(targets.shape)
    for fold in np.unique(cut):
        inside = np.flatnonzero(cut == fold)
        block = inverse[np.ix_(inside, inside)]
        found[inside] = targets[inside] - linalg.solve(block, weights[inside], assume_a="pos")
    return found


def _nearest(examples: Examples, places: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Return (places, intents): the highest cosine to an example outside its own part of the cut.

    At least 0. cut: (examples,) the part to which each belongs.
    """
    starts = np.searchsorted(examples.labels, np.arange(len(examples.intents)))
    vectors = examples.vectors[0]
    found = []
    for some in np.array_split(places, -(-len(places) // landmarks.AT_ONCE)):
        cosines = vectors[some] @ vectors.T
        cosines[cut[some][:, None] == cut] = 0.0
        found.append(np.maximum(np.maximum.reduceat(cosines, starts, axis=1), 0.0))
    return np.concatenate(found)


def _inverse(system: np.ndarray) -> np.ndarray:
    """Return the inverse of a positive definite matrix: half the work of a general one."""
    factor, _ = linalg.cho_factor(system, lower=True, overwrite_a=True)
    inverse, info = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    if info:
        raise ArithmeticError(f"the examples cannot be told apart (LAPACK: {info})")
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(lower, -1).T)


def _targets(examples: Examples) -> np.ndarray:
    """Return (examples, intents): 1 for an example's intent, -1 for all others."""
    return np.where(examples.labels[:, None] == np.arange(len(examples.intents)), 1.0, -1.0)


def _system(examples: Examples, parts: Parts, kernel: Kernel) -> np.ndarray:
    """Return (examples, examples): how alike they are, with the regularization."""
    each = np.arange(len(examples.labels))
    likeness = parts.likeness(kernel, each, each)
    likeness[np.diag_indices_from(likeness)] += landmarks.regularization(examples, kernel)
    return likeness
