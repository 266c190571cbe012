"""Features in, intents out: logistic regression on sentence vectors and character n-grams.

The confidence is the class's probability times the highest cosine to one of its training
examples. A softmax alone is sure of itself far away from everything that it was shown; the cosine
is not (docs/decisions/0004-intent-classifier.md). Training needs scikit-learn, predicting does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

# Chosen by cross-validation on the training data (docs/decisions/0004-intent-classifier.md).
REGULARIZATION = 10.0
NGRAM_WEIGHT = 0.5


@dataclass(frozen=True)
class IntentModel:
    """A trained classifier.

    vectors: (examples, width) unit vectors; labels: (examples,) index into ``intents``;
    weights: (classes, width + n-grams); bias: (classes,); idf: (n-grams,).
    """

    intents: list[str]
    vectors: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    idf: np.ndarray

    def rank(self, vector: np.ndarray, ngrams: sparse.spmatrix) -> list[tuple[str, float]]:
        """Return (intent, confidence), highest first, for one message.

        vector: (width,) of length 1, or zeros for a message without words; ngrams: (1, n-grams)
        counts. Confidences lie between 0 and 1 and do not add up to 1.
        """
        width = vector.shape[0]
        scores = self.weights[:, :width] @ vector + self.bias
        weighted = _weighted(ngrams, self.idf)
        # Of some ten thousand n-grams a message has a hundred: only their columns are touched.
        scores = scores + self.weights[:, width + weighted.indices] @ weighted.data
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        confidences = shares * self._nearest(vector)
        order = np.argsort(-confidences, kind="stable")
        return [(self.intents[place], float(confidences[place])) for place in order]

    def _nearest(self, vector: np.ndarray) -> np.ndarray:
        """Return for each intent the highest cosine to one of its examples, at least 0."""
        nearest = np.zeros(len(self.intents))
        np.maximum.at(nearest, self.labels, self.vectors @ vector)
        return nearest

    def save(self, directory: Path) -> None:
        """Write the model as arrays and JSON: nothing in it can run code when it is read."""
        (directory / "intents.json").write_text(json.dumps(self.intents), encoding="utf-8")
        np.savez(
            directory / "intents.npz",
            vectors=self.vectors,
            labels=self.labels,
            weights=self.weights,
            bias=self.bias,
            idf=self.idf,
        )

    @classmethod
    def load(cls, directory: Path) -> IntentModel:
        """Read what ``save`` wrote."""
        intents = json.loads((directory / "intents.json").read_text(encoding="utf-8"))
        with np.load(directory / "intents.npz", allow_pickle=False) as arrays:
            return cls(intents, **{name: arrays[name] for name in arrays.files})


def train(vectors: np.ndarray, ngrams: sparse.spmatrix, labels: Sequence[str]) -> IntentModel:
    """Return the model of the given examples.

    vectors: (examples, width); ngrams: (examples, n-grams) counts; labels: an intent an example.
    Same examples, same model.
    """
    from sklearn.linear_model import LogisticRegression

    counts = sparse.csr_matrix(ngrams)
    seen = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = (np.log((1 + len(labels)) / (1 + seen)) + 1).astype(np.float32)
    regression = LogisticRegression(C=REGULARIZATION, max_iter=1000)
    regression.fit(_features(vectors, counts, idf), list(labels))
    intents = [str(intent) for intent in regression.classes_]
    places = {intent: place for place, intent in enumerate(intents)}
    return IntentModel(
        intents=intents,
        vectors=vectors.astype(np.float32),
        labels=np.array([places[label] for label in labels], dtype=np.int64),
        weights=regression.coef_.astype(np.float32),
        bias=regression.intercept_.astype(np.float32),
        idf=idf,
    )


def _features(vectors: np.ndarray, ngrams: sparse.spmatrix, idf: np.ndarray) -> sparse.spmatrix:
    """Return (examples, width + n-grams): the vectors beside the weighted n-grams."""
    return sparse.hstack([sparse.csr_matrix(vectors), _weighted(ngrams, idf)]).tocsr()


def _weighted(ngrams: sparse.spmatrix, idf: np.ndarray) -> sparse.csr_matrix:
    """Return (examples, n-grams): counts as TF-IDF, each row of length NGRAM_WEIGHT (or 0)."""
    counts = sparse.csr_matrix(ngrams, dtype=np.float32)
    data = (np.log(counts.data) + 1) * idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    lengths = np.sqrt(np.bincount(rows, weights=data**2, minlength=counts.shape[0]))
    data = (NGRAM_WEIGHT * data / lengths[rows]).astype(np.float32)
    return sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
