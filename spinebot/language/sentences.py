"""Text in, sentences out."""

from __future__ import annotations

import functools

import spacy
from spacy.language import Language


@functools.cache
def _pipeline() -> Language:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text``; every line of a list is a sentence of its own."""
    lines = [line.strip() for line in text.replace("\n- ", "\n\n").split("\n\n")]
    return [
        sentence.text.strip()
        for document in _pipeline().pipe(" ".join(line.split()) for line in lines if line)
        for sentence in document.sents
        if sentence.text.strip()
    ]
