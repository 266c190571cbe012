"""Finds the section nearest to a question that no intent fits: by its words and by its meaning.

Words: BM25 (bm25s, with the English Snowball stemmer), as a share of what the question's words
weigh, so that words that stand in no article count against it. Meaning: the cosine of sentence
vectors, half of it to the nearest sentence of the section, half to the section as a whole.
The figures below are chosen by ``tests/data/search.yml`` (docs/articles.md).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.articles.answers import is_in_force
from spinebot.articles.vectors import fingerprint, plain_text, read_vectors
from spinebot.language.encoder import WIDTH, load_encoder
from spinebot.models import Article, Section, SectionRevision

# What the words weigh beside the meaning.
WORDS = 1.5
# Below the floor nothing is found; from the second on a section may be shown as the closest one.
FLOOR = 0.84
CLEAR = 0.89


@dataclass(frozen=True)
class Hit:
    """A section found: which one, and how near it comes."""

    section_id: int
    place: str
    score: float

    @property
    def is_clear(self) -> bool:
        """Whether it is near enough to be shown."""
        return self.score >= CLEAR


def nearest(session: Session, question: str, limit: int = 3, floor: float = FLOOR) -> list[Hit]:
    """Return the sections in force that come nearest to ``question``, best first.

    None where nothing comes near: then the articles have no answer. floor: what is farther away is
    left out; trainers want to see it all the same.
    """
    index = _index(session)
    scores = index.scores(question)
    best = np.argsort(-scores, kind="stable")[:limit]
    return [
        Hit(index.sections[place][0], index.sections[place][1], float(scores[place]))
        for place in best.tolist()
        if scores[place] >= floor
    ]


class Index:
    """The sections in force, in memory."""

    def __init__(self, rows: list[Any]) -> None:
        """Take rows of section id, slug, article's slug, heading, body, vectors and encoder."""
        # Here and not above: it takes most of a second, and most processes never search.
        import bm25s
        import Stemmer

        self._bm25s, self._stemmer = bm25s, Stemmer.Stemmer("english")
        self.sections = [(row.id, f"{row.article}#{row.slug}") for row in rows]
        # The heading says what the section is about: its words count twice.
        texts = [f"{row.heading} {row.heading} {plain_text(row.body)}" for row in rows]
        words = self._words(texts)
        self._found_in = Counter(word for each in words for word in set(each))
        self._bm25 = bm25s.BM25(method="lucene")
        if rows:
            self._bm25.index(words, show_progress=False)
        known = [_vectors(row) for row in rows]
        self._parts = np.concatenate([np.zeros((0, WIDTH), dtype=np.float32), *known])
        self._starts = np.cumsum([0, *(len(each) for each in known)])[:-1]
        self._whole = np.array([_mean(each) for each in known])

    def scores(self, question: str) -> np.ndarray:
        """Return how near each section comes: about 2 for the same words and meaning."""
        if not self.sections:
            return np.zeros(0)
        [vector] = load_encoder().encode([question])
        nearest = np.maximum.reduceat(_cosines(self._parts, vector), self._starts)
        meaning = (_cosines(self._whole, vector) + nearest) / 2
        return np.asarray(meaning + WORDS * self._share_of_words(question))

    def _share_of_words(self, question: str) -> np.ndarray | float:
        words = sorted(set(self._words([question])[0]))
        weight = sum(self._weight(word) for word in words)
        if not any(word in self._found_in for word in words):
            return 0.0
        return np.asarray(self._bm25.get_scores(words)) / weight

    def _weight(self, word: str) -> float:
        """Return what a word weighs (idf): the more, the fewer sections have it."""
        having = self._found_in[word]
        return math.log(1 + (len(self.sections) - having + 0.5) / (having + 0.5))

    def _words(self, texts: list[str]) -> list[list[str]]:
        tokens = self._bm25s.tokenize(
            texts, stopwords="en_plus", stemmer=self._stemmer, return_ids=False, show_progress=False
        )
        return [list(each) for each in tokens]


def _vectors(row: Any) -> np.ndarray:
    """Return the row's vectors; none that say something where another encoder made them."""
    if row.vectors is None or row.encoder != fingerprint():
        return np.zeros((1, WIDTH), dtype=np.float32)
    return read_vectors(row.vectors)


def _cosines(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    # Not `@`: on a busy machine its threads wait for one another, for longer than this takes.
    return np.asarray(np.einsum("ij,j->i", vectors, vector))


def _mean(vectors: np.ndarray) -> np.ndarray:
    """Return the mean of the vectors, with length 1."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9))


@dataclass(frozen=True)
class _Version:
    """What tells one state of the articles from another: every load that changes one changes it."""

    database: str
    revision: int | None
    made_at: datetime | None
    in_force: int
    retired_at: datetime | None


_last: tuple[_Version, Index] | None = None


def _index(session: Session) -> Index:
    """Return this process's index, made anew when the articles have changed."""
    global _last
    version = _version(session)
    if _last is None or _last[0] != version:
        _last = (version, _make(session))
    return _last[1]


def _version(session: Session) -> _Version:
    newest = (
        sa.select(SectionRevision.id, SectionRevision.created_at)
        .order_by(SectionRevision.id.desc())
        .limit(1)
    )
    revision, made_at = session.execute(newest).first() or (None, None)
    count = sa.func.count().filter(Section.retired_at.is_(None))
    in_force, retired_at = session.execute(sa.select(count, sa.func.max(Section.retired_at))).one()
    database = session.get_bind().engine.url.render_as_string()
    return _Version(database, revision, made_at, in_force, retired_at)


def _make(session: Session) -> Index:
    rows = session.execute(
        sa.select(
            Section.id,
            Section.slug,
            Article.slug.label("article"),
            SectionRevision.heading,
            SectionRevision.body,
            SectionRevision.vectors,
            SectionRevision.encoder,
        )
        .join(SectionRevision, is_in_force())
        .join(Article, Article.id == Section.article_id)
        .order_by(Section.id)
    ).all()
    return Index(list(rows))
