"""How alike sentences are, by the encoder's vectors: near-duplicates, conflicts, clusters.

The bounds are taken from the training data as they are (4,501 examples): of the cosines to the
nearest example of another intent, 95 of 100 lie below ``CONFLICT``; of those to the nearest of the
same intent, 99 of 100 below ``TOO_ALIKE``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinebot.language.encoder import WIDTH, load_encoder
from spinebot.training import examples
from spinebot.training.changes import project
from spinebot.training.examples import TESTS, TRAINING, Example

CONFLICT = 0.72
TOO_ALIKE = 0.93
# Sentences of one cluster say the same in other words.
CLUSTER = 0.62
# All examples of a new intent this near to one another teach one wording only.
ONE_WORDING = 0.8


@dataclass(frozen=True)
class Advice:
    """What to think of a sentence before it is added. kind: conflict, alike or test."""

    text: str
    kind: str
    says: str
    other: str = ""
    cosine: float = 0.0


@dataclass(frozen=True)
class Neighbour:
    """A sentence that is near another one."""

    text: str
    intent: str
    cosine: float


def vectors_of(texts: Sequence[str]) -> np.ndarray:
    """Return the sentences' vectors (texts, width), each of length 1.

    For what visitors say: it is remembered by this process for a while and written nowhere.
    """
    with _lock:
        missing = list(dict.fromkeys(text for text in texts if text not in _lately))
        if len(_lately) + len(missing) > MOST_LATELY:
            _lately.clear()
            missing = list(dict.fromkeys(texts))
        if missing:
            _lately.update(zip(missing, load_encoder().encode(missing), strict=True))
        empty = np.zeros((0, WIDTH), dtype=np.float32)
        return np.stack([_lately[text] for text in texts]) if len(texts) else empty


def vectors_of_examples(found: Sequence[Example]) -> np.ndarray:
    """Return the vectors of examples in the project's files; they are kept beside the encoder."""
    with _lock:
        return load_encoder().encode_kept([each.text for each in found])[:, 0]


# Two requests at once must not mix up what is remembered.
_lock = threading.Lock()
_lately: dict[str, np.ndarray] = {}
MOST_LATELY = 5000


def nearest(
    texts: Sequence[str], among: Sequence[Example], limit: int = 3
) -> list[list[Neighbour]]:
    """Return for each text the examples nearest to it, the nearest first."""
    if not among or not texts:
        return [[] for _ in texts]
    cosines = vectors_of(texts) @ vectors_of_examples(among).T
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :limit]
    return [
        [Neighbour(among[n].text, among[n].intent, float(row[n])) for n in best]
        for row, best in zip(cosines, order, strict=True)
    ]


def advice(
    intent: str, texts: Sequence[str], tests: Sequence[str] = (), *, root: Path | None = None
) -> list[Advice]:
    """Return what speaks against sentences as examples of an intent, new or not.

    tests: the intent's sentences that are to test it, beside those in the project.
    """
    if not texts:
        return []
    root = root or project()
    known = examples.read(root / TRAINING)
    tested = examples.read(root / TESTS)
    typed = [Example(text, intent, 0) for text in tests]
    given, of = vectors_of(texts), vectors_of_examples
    others = [each for each in known if each.intent != intent]
    own = [each for each in known if each.intent == intent]
    alike = "says the same as a test sentence"
    found = [
        *_near(texts, given, (others, of(others)), CONFLICT, "conflict", "is near to {intent}"),
        *_near(texts, given, (own, of(own)), TOO_ALIKE, "alike", "says the same as its own"),
        *_near(texts, given, (tested, of(tested)), TOO_ALIKE, "test", alike),
        # Not of the project yet: their vectors are kept nowhere.
        *_near(texts, given, (typed, vectors_of(tests)), TOO_ALIKE, "test", alike),
        *_among(texts, given),
    ]
    return sorted(found, key=lambda each: -each.cosine)


@dataclass(frozen=True)
class Conflict:
    """Two examples of different intents that say nearly the same."""

    one: Example
    other: Example
    cosine: float


def conflicts(known: Sequence[Example], limit: int = 40) -> list[Conflict]:
    """Return the examples that are nearest to one of another intent, each pair once."""
    if not known:
        return []
    vectors = vectors_of_examples(known)
    cosines = vectors @ vectors.T
    numbers = {name: place for place, name in enumerate(sorted({e.intent for e in known}))}
    labels = np.array([numbers[each.intent] for each in known])
    cosines[labels[:, None] == labels[None, :]] = 0.0
    best = cosines.argmax(axis=1)
    found: dict[tuple[int, int], float] = {}
    for place, other in enumerate(best.tolist()):
        if cosines[place, other] >= CONFLICT:
            found[min(place, other), max(place, other)] = float(cosines[place, other])
    nearest = sorted(found.items(), key=lambda each: -each[1])[:limit]
    return [Conflict(known[one], known[other], cosine) for (one, other), cosine in nearest]


def clusters(texts: Sequence[str]) -> list[list[int]]:
    """Return the places of sentences that say the same, the largest cluster first."""
    # It takes most of a second to load, and most processes never cluster.
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(texts) < 2:
        return [[place] for place in range(len(texts))]
    vectors = vectors_of(texts)
    tree = linkage(vectors, method="average", metric="cosine")
    found: dict[int, list[int]] = {}
    for place, label in enumerate(fcluster(tree, 1.0 - CLUSTER, criterion="distance")):
        found.setdefault(int(label), []).append(place)
    return sorted(found.values(), key=lambda places: (-len(places), places[0]))


def _near(
    texts: Sequence[str],
    vectors: np.ndarray,
    others: tuple[Sequence[Example], np.ndarray],
    bound: float,
    kind: str,
    says: str,
) -> list[Advice]:
    """Return advice for each text that is as near as ``bound`` to one of others, with vectors."""
    known, of_known = others
    if not known:
        return []
    cosines = vectors @ of_known.T
    best = cosines.argmax(axis=1)
    return [
        Advice(
            text,
            kind,
            f"{says.format(intent=known[place].intent)}: {known[place].text!r}",
            known[place].intent,
            float(row[place]),
        )
        for text, row, place in zip(texts, cosines, best, strict=True)
        if row[place] >= bound and text != known[place].text
    ]


def _among(texts: Sequence[str], vectors: np.ndarray) -> list[Advice]:
    """Return which of the sentences say the same as one before, or that all are too alike."""
    if len(texts) < 2:
        return []
    cosines = np.tril(vectors @ vectors.T, -1)
    found = [
        Advice(texts[n], "alike", f"says the same as {texts[m]!r}", "", float(cosines[n, m]))
        for n, m in enumerate(cosines.argmax(axis=1))
        if cosines[n, m] >= TOO_ALIKE
    ]
    pairs = cosines[np.tril_indices(len(texts), -1)]
    if len(texts) > 3 and float(np.median(pairs)) >= ONE_WORDING:
        all_alike = "all are worded alike: put it as different people would"
        found.append(Advice(texts[0], "alike", all_alike, "", float(np.median(pairs))))
    return found
