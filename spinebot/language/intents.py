"""Sentences in, intents out: kernel ridge regression on sentence vectors and character n-grams.

Two sentences are alike by a sum of kernels: the exponential of the cosine in each of the encoder's
three views, and the product of their n-gram weights. How a model is trained stands in
``spinebot.language.intent_training``. The name of an intent counts as one of its examples: it is a
hint that trainers write anyway.

The confidence is the class's share of a softmax times the highest cosine to one of its examples.
A softmax alone is sure of itself far away from everything that it was shown; the cosine is not.
Measured against others in docs/decisions/0010-kernel-ridge-classifier.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg, sparse

from spinebot.language.ngrams import NgramWeights

# Each view is kept in its main directions only: as good, and half the work for every message.
DIRECTIONS = 192
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

    The regression stands on examples: on all of them, or where there are very many on some, the
    landmarks. axes: (views, width, directions); vectors: (views, landmarks, directions) of length
    1; letters: (landmarks, n-grams) their weights; weights: (landmarks, intents); labels:
    (examples,) index into ``intents``; others: (examples, directions) the first view of all
    examples where these are not the landmarks.
    """

    intents: list[str]
    axes: np.ndarray
    vectors: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    ngrams: NgramWeights
    letters: sparse.csc_matrix
    kernel: Kernel
    others: np.ndarray | None = None

    def rank(self, vectors: np.ndarray, text: str) -> list[tuple[str, float]]:
        """Return (intent, confidence), highest first, for one message.

        vectors: (views, width), each of length 1. Confidences lie between 0 and 1 and do not add
        up to 1.
        """
        near, scores = self._compare(vectors, text)
        found = confidences(scores[None], self._nearest(near)[None])[0]
        order = np.argsort(-found, kind="stable")
        return [(self.intents[place], float(found[place])) for place in order]

    def scores(self, vectors: np.ndarray, text: str) -> np.ndarray:
        """Return (intents,): about 1 for the intent of the message and -1 for the others."""
        return self._compare(vectors, text)[1]

    def _compare(self, vectors: np.ndarray, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the cosines to all examples in the first view, and the scores (intents,)."""
        turned = turn(self.axes, vectors[:, None])
        # Not `@`: its threads wait for one another, on a busy machine for longer than this takes.
        cosines = np.einsum("ved,vd->ve", self.vectors, turned[:, 0])
        near = cosines[0]
        if self.others is not None:
            near = np.einsum("ed,d->e", self.others, turned[0, 0])
        columns, weights = self.ngrams.weigh(text)
        likeness = self.kernel.likeness(cosines)
        likeness += self.kernel.ngrams * (self.letters[:, columns] @ weights)
        return near, likeness @ self.weights

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
        arrays = {
            "axes": self.axes,
            "vectors": self.vectors,
            "labels": self.labels,
            "weights": self.weights,
            "rarity": self.ngrams.rarity,
            "letters": self.letters.data,
            "letters_rows": self.letters.indices,
            "letters_starts": self.letters.indptr,
        }
        if self.others is not None:
            arrays["others"] = self.others
        np.savez_compressed(directory / "intents.npz", **arrays)

    @classmethod
    def load(cls, directory: Path) -> IntentModel:
        """Read what ``save`` wrote."""
        words = json.loads((directory / "intents.json").read_text(encoding="utf-8"))
        places = {ngram: place for place, ngram in enumerate(words["ngrams"])}
        with np.load(directory / "intents.npz", allow_pickle=False) as arrays:
            columns = (arrays["letters"], arrays["letters_rows"], arrays["letters_starts"])
            shape = (arrays["vectors"].shape[1], len(places))
            return cls(
                intents=words["intents"],
                axes=arrays["axes"],
                vectors=arrays["vectors"],
                labels=arrays["labels"],
                weights=arrays["weights"],
                ngrams=NgramWeights(places, arrays["rarity"]),
                letters=sparse.csc_matrix(columns, shape=shape),
                kernel=_kernel(words["kernel"]),
                others=arrays.get("others"),
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


@dataclass(frozen=True)
class Parts:
    """What examples are compared by: their vectors in the main directions, and their n-grams."""

    axes: np.ndarray
    vectors: np.ndarray
    ngrams: NgramWeights
    matrix: sparse.csr_matrix

    @classmethod
    def of(cls, examples: Examples) -> Parts:
        """Return the parts of the examples."""
        axes = np.stack([_main_directions(view) for view in examples.vectors])
        ngrams = NgramWeights.of(examples.texts)
        turned = turn(axes, examples.vectors)
        return cls(axes, turned, ngrams, ngrams.matrix(examples.texts))

    def likeness(self, kernel: Kernel, places: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return (places, others): how alike these examples are."""
        cosines = np.matmul(self.vectors[:, places], self.vectors[:, others].transpose(0, 2, 1))
        likeness = kernel.likeness(cosines).astype(np.float64)
        letters = (self.matrix[places] @ self.matrix[others].T).toarray()
        return np.asarray(likeness + kernel.ngrams * letters)

    def model(
        self, examples: Examples, kernel: Kernel, weights: np.ndarray, landmarks: np.ndarray
    ) -> IntentModel:
        """Return the model whose regression stands on the landmarks. weights: of each of them."""
        is_all = len(landmarks) == len(examples.labels)
        return IntentModel(
            intents=examples.intents,
            axes=self.axes,
            vectors=np.ascontiguousarray(self.vectors[:, landmarks]),
            labels=examples.labels,
            weights=weights.astype(np.float32),
            ngrams=self.ngrams,
            letters=self.matrix[landmarks].tocsc(),
            kernel=kernel,
            others=None if is_all else self.vectors[0],
        )


def _main_directions(vectors: np.ndarray) -> np.ndarray:
    """Return (width, directions): those in which vectors (examples, width) reach farthest."""
    _, directions = linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(directions[:, ::-1][:, :DIRECTIONS], dtype=np.float32)


def turn(axes: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return vectors (views, n, width) in the main directions, with length 1 again."""
    turned = np.matmul(vectors, axes)
    lengths = np.linalg.norm(turned, axis=2, keepdims=True)
    return np.asarray(turned / np.maximum(lengths, 1e-9), dtype=np.float32)


def confidences(scores: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Return (messages, intents) confidences from scores and highest cosines of that shape."""
    shares = np.exp(SOFTMAX_SHARPNESS * (scores - scores.max(axis=1, keepdims=True)))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True) * nearest)
