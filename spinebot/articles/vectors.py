"""The vectors of a section's wording, by which the search knows what it means.

A wording has several, one of its heading and one of each sentence: a question is often answered
by one sentence, and the encoder reads 128 tokens, which is less than a section has.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session, undefer

from spinebot.articles.answers import is_in_force
from spinebot.articles.files import ArticleFile
from spinebot.errors import SpinebotError
from spinebot.language.encoder import WIDTH, encoder_fingerprint, load_encoder
from spinebot.language.sentences import sentences
from spinebot.models import Section, SectionRevision

# (heading, body) -> vectors, as they are stored.
Vectors = dict[tuple[str, str], bytes]

_STORED = np.dtype("<f4")


@functools.cache
def fingerprint() -> str:
    """Return the fingerprint of this process's encoder: it is loaded once, like the encoder."""
    return encoder_fingerprint()


def plain_text(body: str) -> str:
    """Return a section's text without its markup."""
    return body.replace("**", "")


def texts_of(heading: str, body: str) -> list[str]:
    """Return the texts that stand for a wording: its heading and its sentences."""
    return [heading, *sentences(plain_text(body))]


def read_vectors(stored: bytes) -> np.ndarray:
    """Return the vectors as a matrix, a row a vector."""
    return np.frombuffer(stored, dtype=_STORED).reshape(-1, WIDTH)


def make_vectors(session: Session, articles: Sequence[ArticleFile]) -> Vectors:
    """Return the vectors of the wordings that have none in the tables yet.

    It takes seconds where much is new: made before the load's own transaction, nobody who writes
    has to wait for it.

    Raises:
        SpinebotError: there is no encoder.
    """
    rows = session.execute(
        sa.select(SectionRevision.heading, SectionRevision.body).where(
            SectionRevision.encoder == fingerprint()
        )
    )
    known = {(heading, body) for heading, body in rows}
    wordings = {(part.heading, part.body): None for file in articles for part in file.sections}
    return _encode([wording for wording in wordings if wording not in known])


def add_vectors(session: Session, made: Vectors | None = None) -> None:
    """Give the wordings in force the vectors of this process's encoder, where they have none.

    made: what ``make_vectors`` gave; what is missing in it is made here.

    Raises:
        SpinebotError: there is no encoder.
    """
    lacking = session.scalars(
        sa.select(SectionRevision)
        .join(Section, is_in_force())
        .where(SectionRevision.encoder.is_distinct_from(fingerprint()))
        .options(undefer(SectionRevision.encoder))
    ).all()
    found = {(each.heading, each.body): None for each in lacking}
    vectors = {**(made or {}), **_stored(session, lacking)}
    vectors |= _encode([wording for wording in found if wording not in vectors])
    for revision in lacking:
        revision.vectors = vectors[revision.heading, revision.body]
        revision.encoder = fingerprint()


def _stored(session: Session, revisions: Sequence[SectionRevision]) -> Vectors:
    """Return the vectors of the same words in an earlier revision: only their review is new."""
    rows = session.execute(
        sa.select(SectionRevision.heading, SectionRevision.body, SectionRevision.vectors).where(
            SectionRevision.section_id.in_([each.section_id for each in revisions]),
            SectionRevision.encoder == fingerprint(),
        )
    )
    return {(heading, body): vectors for heading, body, vectors in rows if vectors}


def _encode(wordings: Sequence[tuple[str, str]]) -> Vectors:
    texts = {wording: texts_of(*wording) for wording in wordings}
    # Some sentences stand in many sections: each is read once.
    distinct = list(dict.fromkeys(text for each in texts.values() for text in each))
    if not distinct:
        return {}
    try:
        vectors = dict(zip(distinct, load_encoder().encode(distinct), strict=True))
    except FileNotFoundError as error:
        raise SpinebotError(str(error)) from error
    return {
        wording: np.stack([vectors[text] for text in each]).astype(_STORED).tobytes()
        for wording, each in texts.items()
    }
