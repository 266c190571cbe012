"""The words of a message in one line, so that patterns can be read off it like a sentence.

What belongs together may stand in the line as one word behind an "@" (``@injection``,
``@duration``): patterns then speak of kinds of words, and nobody's typing can pass for one.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from spacy.tokens import Doc

Span = tuple[int, int]  # the first token, and one past the last


@dataclass(frozen=True)
class Line:
    """Words, and for each the tokens that it stands for."""

    words: tuple[str, ...]
    spans: tuple[Span, ...]

    @cached_property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(self.words)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for word in self.words:
            starts.append(at)
            at += len(word) + 1
        return starts

    def word_at(self, position: int) -> int:
        """The number of the word at a position of the text."""
        return bisect.bisect_right(self._starts, position) - 1

    def tokens(self, match: re.Match[str], group: int | str = 0) -> Span:
        """The tokens of a match, or of one of its groups."""
        start, end = match.span(group)
        return self.spans[self.word_at(start)][0], self.spans[self.word_at(max(start, end - 1))][1]

    def before(self, position: int, count: int) -> tuple[str, ...]:
        """The last words before a position, at most ``count`` and of the same sentence."""
        at = self.word_at(position)
        words = self.words[max(0, at - count) : at]
        stops = [place for place, word in enumerate(words) if word in ENDS]
        return words[stops[-1] + 1 :] if stops else words


ENDS = frozenset(".!?;")


def word_set(words: str) -> frozenset[str]:
    """The words of a list with spaces between them."""
    return frozenset(words.split())


def line_of(document: Doc) -> Line:
    """The message's words in lower case, contractions opened ("dont" is "do", "not")."""
    words = tuple(map(_plain, (token.norm_ for token in document)))
    return Line(words, tuple((at, at + 1) for at in range(len(words))))


def _plain(word: str) -> str:
    word = word.lower()
    if word.isspace() or not word:
        return "." if "\n" in word else ","
    return _OPENED.get(word) or re.sub(r"\s", "", word.lstrip("@")) or ","


_OPENED = {"m": "am", "'m": "am", "’m": "am", "re": "are", "'re": "are", "w": "with"}


def tagged(line: Line, tags: Iterable[tuple[Span, str]]) -> Line:
    """The line with the words of each span put together under its tag; the first span wins."""
    words: list[str] = []
    spans: list[Span] = []
    at = 0
    for (start, end), tag in sorted(tags):
        if start < at:
            continue
        words += [*line.words[at:start], f"@{tag}"]
        spans += [*line.spans[at:start], (start, end)]
        at = end
    return Line((*words, *line.words[at:]), (*spans, *line.spans[at:]))


def sentence_starts(words: Sequence[str]) -> Iterator[int]:
    """The numbers of the words that follow the end of a sentence."""
    return (at + 1 for at, word in enumerate(words[:-1]) if word in ENDS or word[-1] in ".!?")
