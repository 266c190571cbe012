"""Sentences encoded once in a run, and training examples as the assistant learns them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.data import Example
from spinebot.language.encoder import VIEWS, WIDTH, SentenceEncoder
from spinebot.language.intents import Examples, name_as_words


class Encoded:
    """An encoder that remembers every text of this run."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        """Begin with nothing encoded."""
        self._encoder = encoder
        self._known: dict[str, np.ndarray] = {}

    def views(self, texts: Sequence[str]) -> np.ndarray:
        """Return (texts, views, width), in the order given."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode_views(new), strict=True))
        found = [self._known[text] for text in texts]
        return np.stack(found) if found else np.zeros((0, VIEWS, WIDTH), dtype=np.float32)


def with_names(examples: Sequence[Example]) -> list[Example]:
    """Return the examples, and each intent's name as one more, as the assistant learns them."""
    return [*examples, *((i, name_as_words(i)) for i in sorted({i for i, _ in examples}))]


def learnt(examples: Sequence[Example], encoded: Encoded) -> Examples:
    """Return the examples as the classifier takes them."""
    texts = [text for _, text in examples]
    return Examples.of(texts, encoded.views(texts), [intent for intent, _ in examples])
