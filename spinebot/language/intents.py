"""Sentences in, intents out: kernel ridge regression on sentence vectors and character n-grams.

Two sentences are alike by a sum of kernels: the exponential of the cosine in each of the encoder's
three views, and the product of their n-gram weights. The regression has a closed form, so training
is one system of linear equations: seconds, the same result every time, and what the others say of
each example comes nearly for nothing (``train_and_leave_out``). The name of an intent counts as
one of its examples: it is a hint that trainers write anyway.

The confidence is the class's share of a softmax times the highest cosine to one of its examples.
A softmax alone is sure of itself far away from everything that it was shown; the cosine is not.
Measured against others in docs/decisions/0010-kernel-ridge-classifier.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg, sparse

from spinebot.language.ngrams import NgramWeights

# Each view is kept in its main directions only: as good, and half the work for every message.
DIRECTIONS = 192
# How far an example may be from what the regression says of it.
REGULARIZATION = 0.05
# Turns the regression's scores (about -1 to 1) into shares.
SOFTMAX_SHARPNESS = 8.0


@dataclass(frozen=True)
class Kernel:
    """When two sentences are alike.

    views: how much each of the encoder's views counts; sharpness: how fast likeness falls with the
    angle in each; ngrams: how much the letters count. balanced: a class with many examples is
    regularized more, so that it does not outweigh the others.
    """

    views: tuple[float, ...] = (0.6, 0.2, 0.2)
    sharpness: tuple[float, ...] = (2.0, 4.0, 4.0)
    ngrams: float = 0.1
    balanced: bool = True

    def likeness(self, cosines: np.ndarray) -> np.ndarray:
        """Return the sum over the views, from cosines of shape (views, ...)."""
        total = np.zeros(cosines.shape[1:], dtype=cosines.dtype)
        for weight, sharpness, view in zip(self.views, self.sharpness, cosines, strict=True):
            total += weight * np.exp(sharpness * (view - 1.0))
        return total


FOR_INTENTS = Kernel()


def _kernel(saved: dict[str, Any]) -> Kernel:
    # JSON knows no tuples.
    views, sharpness = tuple(saved["views"]), tuple(saved["sharpness"])
    return Kernel(**{**saved, "views": views, "sharpness": sharpness})


@dataclass(frozen=True)
class IntentModel:
    """A trained classifier.

    axes: (views, width, directions); vectors: (views, examples, directions) of length 1;
    labels: (examples,) index into ``intents``; weights: (examples, intents);
    ngram_weights: (n-grams, intents).
    """

    intents: list[str]
    axes: np.ndarray
    vectors: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    ngrams: NgramWeights
    ngram_weights: np.ndarray
    kernel: Kernel

    def rank(self, vectors: np.ndarray, text: str) -> list[tuple[str, float]]:
        """Return (intent, confidence), highest first, for one message.

        vectors: (views, width), each of length 1. Confidences lie between 0 and 1 and do not add
        up to 1.
        """
        cosines, scores = self._compare(vectors, text)
        found = confidences(scores[None], self._nearest(cosines[0])[None])[0]
        order = np.argsort(-found, kind="stable")
        return [(self.intents[place], float(found[place])) for place in order]

    def scores(self, vectors: np.ndarray, text: str) -> np.ndarray:
        """Return (intents,): about 1 for the intent of the message and -1 for the others."""
        return self._compare(vectors, text)[1]

    def _compare(self, vectors: np.ndarray, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the cosines to all examples (views, examples) and the scores (intents,)."""
        turned = _turned(self.axes, vectors[:, None])
        # Not `@`: its threads wait for one another, on a busy machine for longer than this takes.
        cosines = np.einsum("ved,vd->ve", self.vectors, turned[:, 0])
        columns, weights = self.ngrams.weigh(text)
        scores = (
            self.kernel.likeness(cosines) @ self.weights + weights @ self.ngram_weights[columns]
        )
        return cosines, scores

    def _nearest(self, cosines: np.ndarray) -> np.ndarray:
        """Return for each intent the highest cosine to one of its examples, at least 0."""
        # The examples are sorted by intent, and every intent has one at least.
        starts = np.searchsorted(self.labels, np.arange(len(self.intents)))
        return np.maximum(np.maximum.reduceat(cosines, starts), 0.0)

    def save(self, directory: Path) -> None:
        """Write the model as arrays and JSON: nothing in it can run code when it is read."""
        words = {
            "intents": self.intents,
            "ngrams": list(self.ngrams.places),
            "kernel": asdict(self.kernel),
        }
        (directory / "intents.json").write_text(json.dumps(words), encoding="utf-8")
        np.savez_compressed(
            directory / "intents.npz",
            axes=self.axes,
            vectors=self.vectors,
            labels=self.labels,
            weights=self.weights,
            rarity=self.ngrams.rarity,
            ngram_weights=self.ngram_weights,
        )

    @classmethod
    def load(cls, directory: Path) -> IntentModel:
        """Read what ``save`` wrote."""
        words = json.loads((directory / "intents.json").read_text(encoding="utf-8"))
        places = {ngram: place for place, ngram in enumerate(words["ngrams"])}
        with np.load(directory / "intents.npz", allow_pickle=False) as arrays:
            return cls(
                intents=words["intents"],
                axes=arrays["axes"],
                vectors=arrays["vectors"],
                labels=arrays["labels"],
                weights=arrays["weights"],
                ngrams=NgramWeights(places, arrays["rarity"]),
                ngram_weights=arrays["ngram_weights"],
                kernel=_kernel(words["kernel"]),
            )


@dataclass(frozen=True)
class Examples:
    """Training examples, sorted by intent.

    vectors: (views, examples, width) of length 1; labels: (examples,) index into ``intents``.
    """

    intents: list[str]
    labels: np.ndarray
    texts: list[str]
    vectors: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], vectors: np.ndarray, labels: Sequence[str]) -> Examples:
        """Sort examples by intent. vectors: (examples, views, width)."""
        order = sorted(range(len(labels)), key=lambda place: labels[place])
        intents = sorted(set(labels))
        places = {intent: place for place, intent in enumerate(intents)}
        return cls(
            intents=intents,
            labels=np.array([places[labels[place]] for place in order], dtype=np.int64),
            texts=[texts[place] for place in order],
            vectors=np.ascontiguousarray(vectors[order].transpose(1, 0, 2), dtype=np.float32),
        )

    def only(self, places: np.ndarray) -> Examples:
        """Return the examples at ``places``; intents without any are gone."""
        kept = [self.intents[label] for label in self.labels[places]]
        texts = [self.texts[place] for place in places]
        return Examples.of(texts, self.vectors[:, places].transpose(1, 0, 2), kept)


def name_as_words(intent: str) -> str:
    """Return an intent's name as a sentence: "ask_back_brace" says "back brace"."""
    return intent.removeprefix("ask_").replace("_", " ")


def train(examples: Examples, kernel: Kernel = FOR_INTENTS) -> IntentModel:
    """Return the model of the given examples. Same examples, same model."""
    parts = _Parts.of(examples)
    factor = linalg.cho_factor(_system(examples, parts, kernel), overwrite_a=True)
    return _model(examples, parts, linalg.cho_solve(factor, _targets(examples)), kernel)


def train_and_leave_out(
    examples: Examples, kernel: Kernel = FOR_INTENTS
) -> tuple[IntentModel, np.ndarray]:
    """Return the model, and (examples, intents): each one's scores from a model of all the others.

    The scores have a closed form (Rifkin and Lippert 2007, "Notes on regularized least squares");
    only the directions and the weights of the n-grams have seen the example.
    """
    parts = _Parts.of(examples)
    inverse = _inverse(_system(examples, parts, kernel))
    targets = _targets(examples)
    weights = inverse @ targets
    scores = targets - weights / np.diag(inverse)[:, None]
    return _model(examples, parts, weights, kernel), scores


@dataclass(frozen=True)
class Validated:
    """A model, and what models without an example would have said of it.

    left_out: (examples, intents) scores, each of a model of all the others; folds: for each seed
    (examples, intents) confidences, each of a model without the example's fold.
    """

    model: IntentModel
    left_out: np.ndarray
    folds: list[np.ndarray]


def train_and_validate(
    examples: Examples, seeds: Sequence[int], folds: int = 5, kernel: Kernel = FOR_INTENTS
) -> Validated:
    """Return the model with its cross-validation: one for each seed, by which the folds are cut.

    As in ``train_and_leave_out`` there is a closed form, which costs next to nothing: the scores
    of a fold from a model without it follow from the inverse's block of the fold.
    """
    parts = _Parts.of(examples)
    inverse = _inverse(_system(examples, parts, kernel))
    targets = _targets(examples)
    weights = inverse @ targets
    cosines = examples.vectors[0] @ examples.vectors[0].T
    return Validated(
        _model(examples, parts, weights, kernel),
        targets - weights / np.diag(inverse)[:, None],
        [
            _fold_confidences(examples, inverse, weights, cosines, _cut(examples, folds, seed))
            for seed in seeds
        ],
    )


def _cut(examples: Examples, folds: int, seed: int) -> np.ndarray:
    """Return (examples,) the fold of each: every intent is spread evenly over all."""
    chance = np.random.default_rng(seed)
    found = np.zeros(len(examples.labels), dtype=np.int64)
    for label in range(len(examples.intents)):
        places = chance.permutation(np.flatnonzero(examples.labels == label))
        found[places] = (np.arange(len(places)) + chance.integers(folds)) % folds
    return found


def _fold_confidences(
    examples: Examples,
    inverse: np.ndarray,
    weights: np.ndarray,
    cosines: np.ndarray,
    cut: np.ndarray,
) -> np.ndarray:
    targets = _targets(examples)
    starts = np.searchsorted(examples.labels, np.arange(len(examples.intents)))
    found = np.zeros(targets.shape)
    for fold in np.unique(cut):
        inside = np.flatnonzero(cut == fold)
        block = inverse[np.ix_(inside, inside)]
        scores = targets[inside] - linalg.solve(block, weights[inside], assume_a="pos")
        near = cosines[inside]
        near[:, inside] = 0.0
        found[inside] = confidences(
            scores, np.maximum(np.maximum.reduceat(near, starts, axis=1), 0.0)
        )
    return found


def left_out_confidences(examples: Examples, scores: np.ndarray) -> np.ndarray:
    """Return (examples, intents) confidences from the scores of ``train_and_leave_out``."""
    cosines = examples.vectors[0] @ examples.vectors[0].T
    np.fill_diagonal(cosines, 0.0)
    starts = np.searchsorted(examples.labels, np.arange(len(examples.intents)))
    return confidences(scores, np.maximum(np.maximum.reduceat(cosines, starts, axis=1), 0.0))


@dataclass(frozen=True)
class _Parts:
    """What examples are compared by: their vectors in the main directions, and their n-grams."""

    axes: np.ndarray
    vectors: np.ndarray
    ngrams: NgramWeights
    matrix: sparse.csr_matrix

    @classmethod
    def of(cls, examples: Examples) -> _Parts:
        axes = np.stack([_main_directions(view) for view in examples.vectors])
        ngrams = NgramWeights.of(examples.texts)
        turned = _turned(axes, examples.vectors)
        return cls(axes, turned, ngrams, ngrams.matrix(examples.texts))


def _main_directions(vectors: np.ndarray) -> np.ndarray:
    """Return (width, directions): those in which vectors (examples, width) reach farthest."""
    _, directions = linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(directions[:, ::-1][:, :DIRECTIONS], dtype=np.float32)


def _turned(axes: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return vectors (views, n, width) in the main directions, with length 1 again."""
    turned = np.matmul(vectors, axes)
    lengths = np.linalg.norm(turned, axis=2, keepdims=True)
    return np.asarray(turned / np.maximum(lengths, 1e-9), dtype=np.float32)


def _model(examples: Examples, parts: _Parts, weights: np.ndarray, kernel: Kernel) -> IntentModel:
    return IntentModel(
        intents=examples.intents,
        axes=parts.axes,
        vectors=parts.vectors,
        labels=examples.labels,
        weights=weights.astype(np.float32),
        ngrams=parts.ngrams,
        ngram_weights=np.asarray(kernel.ngrams * (parts.matrix.T @ weights), dtype=np.float32),
        kernel=kernel,
    )


def _inverse(system: np.ndarray) -> np.ndarray:
    """Return the inverse of a positive definite matrix: half the work of a general one."""
    factor, _ = linalg.cho_factor(system, lower=True, overwrite_a=True)
    inverse, info = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    if info:
        raise ArithmeticError(f"the examples cannot be told apart (LAPACK: {info})")
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(lower, -1).T)


def confidences(scores: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Return (messages, intents) confidences from scores and highest cosines of that shape."""
    shares = np.exp(SOFTMAX_SHARPNESS * (scores - scores.max(axis=1, keepdims=True)))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True) * nearest)


def _targets(examples: Examples) -> np.ndarray:
    """Return (examples, intents): 1 for an example's intent, -1 for all others."""
    return np.where(examples.labels[:, None] == np.arange(len(examples.intents)), 1.0, -1.0)


def _system(examples: Examples, parts: _Parts, kernel: Kernel) -> np.ndarray:
    """Return (examples, examples): how alike they are, with the regularization."""
    cosines = np.matmul(parts.vectors, parts.vectors.transpose(0, 2, 1))
    likeness = kernel.likeness(cosines).astype(np.float64)
    likeness += kernel.ngrams * (parts.matrix @ parts.matrix.T).toarray()
    counts = Counter(examples.labels.tolist())
    mean = len(examples.labels) / len(counts)
    shares = {label: count / mean if kernel.balanced else 1.0 for label, count in counts.items()}
    each = np.array([shares[label] for label in examples.labels.tolist()])
    likeness[np.diag_indices_from(likeness)] += REGULARIZATION * each
    return likeness
