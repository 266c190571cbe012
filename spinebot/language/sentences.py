"""Text in, sentences out."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import spacy
from spacy.language import Language

LONGEST_WORD = 200  # characters; the tokenizer takes quadratic time over what has no blank


@functools.cache
def _pipeline() -> Language:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return pipeline


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text``; every line of a list is a sentence of its own.

    A line with a word of more than ``LONGEST_WORD`` characters is one sentence: it is no prose.
    """
    lines = [line.split() for line in text.replace("\n- ", "\n\n").split("\n\n")]
    return [sentence for words in lines if words for sentence in _of_line(words)]


def _of_line(words: list[str]) -> Iterator[str]:
    line = " ".join(words)
    if max(map(len, words)) > LONGEST_WORD:
        yield line
        return
    yield from filter(None, (sentence.text.strip() for sentence in _pipeline()(line).sents))
