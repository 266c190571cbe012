"""Character n-grams of a text, weighted: they forgive spelling and know names of medicines.

Pieces of 2 to 5 letters within words, word ends included (a blank on either side), as TF-IDF:
log-counts times how rare a piece is in the training data, each text of length 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

SHORTEST, LONGEST = 2, 5
# A piece that stands in one example only says more about that example than about its intent.
FEWEST_TEXTS = 2


@dataclass(frozen=True)
class NgramWeights:
    """The n-grams of the training data.

    places: n-gram -> column; rarity: (n-grams,) inverse document frequencies.
    """

    places: dict[str, int]
    rarity: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> NgramWeights:
        """Return the n-grams that stand in at least ``FEWEST_TEXTS`` of ``texts``."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(_ngrams(text)))
        kept = sorted(ngram for ngram, count in seen.items() if count >= FEWEST_TEXTS)
        rarity = [math.log((1 + len(texts)) / (1 + seen[ngram])) + 1 for ngram in kept]
        places = {ngram: place for place, ngram in enumerate(kept)}
        return cls(places, np.array(rarity, dtype=np.float32))

    def weigh(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns of a text's n-grams and their weights (length 1, or both empty)."""
        counts = Counter(
            place for ngram in _ngrams(text) if (place := self.places.get(ngram)) is not None
        )
        columns = np.fromiter(counts, dtype=np.int64, count=len(counts))
        numbers = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        weights = (np.log(numbers) + 1) * self.rarity[columns]
        length = float(np.sqrt(weights @ weights))
        return columns, (weights / length if length else weights)

    def matrix(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return (texts, n-grams): a row of weights for each text."""
        rows = [self.weigh(text) for text in texts]
        starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        columns = np.concatenate([row[0] for row in rows])
        weights = np.concatenate([row[1] for row in rows])
        return sparse.csr_matrix((weights, columns, starts), shape=(len(texts), len(self.places)))


def _ngrams(text: str) -> list[str]:
    found = []
    for word in text.lower().split():
        padded = f" {word} "
        for size in range(SHORTEST, LONGEST + 1):
            if size > len(padded):
                break
            found += [padded[at : at + size] for at in range(len(padded) - size + 1)]
    return found
