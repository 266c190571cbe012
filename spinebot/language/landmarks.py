"""Kernel ridge regression for more examples than one system of equations can hold.

It learns from all examples but stands on some of them alone, the landmarks ("subset of regressors",
Smola and Schölkopf 2000, "Sparse greedy matrix approximation for machine learning"). Time and
memory grow linearly with the examples. Were all examples landmarks, it would be the regression of
``spinebot.language.intent_training`` exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from spinebot.language.intents import Examples, IntentModel, Kernel, Parts

# How far an example may be from what the regression says of it.
REGULARIZATION = 0.05
LANDMARKS = 4000
JUDGED = 2000  # of so many examples it is seen what models without them would say
AT_ONCE = 2000  # rows of the examples' likeness to the landmarks that are in memory
SEED = 7


def regularization(examples: Examples, kernel: Kernel) -> np.ndarray:
    """Return (examples,): how far each may be from what is said of it."""
    counts = np.bincount(examples.labels, minlength=len(examples.intents))
    shares = counts * len(examples.intents) / len(examples.labels)
    each = (shares if kernel.balanced else np.ones(len(counts)))[examples.labels]
    return np.asarray(REGULARIZATION * each)


@dataclass(frozen=True)
class Regression:
    """The equations of a regression: system @ weights = right.

    An example is described by its likeness to the landmarks, turned so that the landmarks' own
    likeness becomes the identity: with the likeness as it is, the equations could not be solved
    with the digits that there are. landmarks: (landmarks,) places among the examples; root: lower
    Cholesky factor of their likeness; system: (landmarks, landmarks); right: (landmarks, intents).
    """

    examples: Examples
    kernel: Kernel
    parts: Parts
    landmarks: np.ndarray
    root: np.ndarray
    system: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, examples: Examples, kernel: Kernel) -> Regression:
        """Return the regression of the examples. Same examples, same regression."""
        count = len(examples.labels)
        chosen = np.random.default_rng(SEED).permutation(count)[:LANDMARKS]
        landmarks, parts = np.sort(chosen), Parts.of(examples)
        likeness = parts.likeness(kernel, landmarks, landmarks)
        # Two landmarks may be the same sentence.
        likeness[np.diag_indices_from(likeness)] += 1e-6
        root = linalg.cholesky(likeness, lower=True, overwrite_a=True)
        empty = np.zeros((len(landmarks), len(examples.intents)))
        none = cls(examples, kernel, parts, landmarks, root, np.eye(len(landmarks)), empty)
        gram, right = none._sums(np.arange(count))
        return cls(examples, kernel, parts, landmarks, root, none.system + gram, right)

    def model(self) -> IntentModel:
        """Return the model."""
        weights = linalg.cho_solve(linalg.cho_factor(self.system), self.right)
        weights = linalg.solve_triangular(self.root, weights, lower=True, trans="T")
        return self.parts.model(self.examples, self.kernel, weights, self.landmarks)

    def sample(self) -> np.ndarray:
        """Return the places of the examples that are judged, sorted.

        No landmarks, where not all are: one that is left out stays a landmark, which those beside
        it lean on, and is judged worse than what was never seen.
        """
        count = len(self.examples.labels)
        others = np.setdiff1d(np.arange(count), self.landmarks)
        if not len(others):
            return np.arange(count)
        return np.sort(np.random.default_rng(SEED + 1).permutation(others)[:JUDGED])

    def left_out(self, places: np.ndarray) -> np.ndarray:
        """Return (places, intents): the scores of each from a model without it."""
        rows = self._rows(places)
        turned = linalg.cho_solve(linalg.cho_factor(self.system), rows.T).T
        # What an example adds to the equations is of rank one: the rest has a closed form.
        own = (turned * rows).sum(axis=1) / regularization(self.examples, self.kernel)[places]
        targets = -np.ones((len(places), len(self.examples.intents)))
        targets[np.arange(len(places)), self.examples.labels[places]] = 1.0
        return np.asarray((turned @ self.right - own[:, None] * targets) / (1.0 - own)[:, None])

    def fold(self, places: np.ndarray, share: float, seed: int) -> np.ndarray:
        """Return (examples,): whether each is left out with ``places``, a share of all by chance.

        One fold is enough where there are so many; it holds all that are judged.
        """
        inside = np.zeros(len(self.examples.labels), dtype=bool)
        inside[places] = True
        others = np.random.default_rng(seed).permutation(np.flatnonzero(~inside))
        inside[others[: max(0, round(share * len(inside)) - len(places))]] = True
        return inside

    def without(self, inside: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return (places, intents): the scores of each from a model without those ``inside``."""
        gram, right = self._sums(np.flatnonzero(inside))
        factor = linalg.cho_factor(self.system - gram, overwrite_a=True)
        turned = linalg.cho_solve(factor, self._rows(places).T).T
        return np.asarray(turned @ (self.right - right))

    def _sums(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the examples at ``places`` add to the equations' two sides."""
        loose = regularization(self.examples, self.kernel)
        gram = np.zeros((len(self.landmarks),) * 2)
        right = np.zeros((len(self.landmarks), len(self.examples.intents)))
        for some in self._some(places):
            rows = self._rows(some)
            scaled = rows / loose[some][:, None]
            gram += rows.T @ scaled
            # The target is 1 for an example's intent and -1 for all others.
            right += 2.0 * (self._intents_of(some).T @ scaled).T
            right -= scaled.sum(axis=0)[:, None]
        return gram, right

    def _some(self, places: np.ndarray) -> Iterator[np.ndarray]:
        return (places[start : start + AT_ONCE] for start in range(0, len(places), AT_ONCE))

    def _intents_of(self, places: np.ndarray) -> sparse.csr_matrix:
        """Return (places, intents): 1 for the intent of each."""
        where = (np.arange(len(places)), self.examples.labels[places])
        shape = (len(places), len(self.examples.intents))
        return sparse.csr_matrix((np.ones(len(places)), where), shape=shape)

    def _rows(self, places: np.ndarray) -> np.ndarray:
        """Return (places, landmarks): the examples, each described by the landmarks."""
        likeness = self.parts.likeness(self.kernel, self.landmarks, places)
        return np.asarray(linalg.solve_triangular(self.root, likeness, lower=True).T)
