"""Mends typing errors, so that a misspelt message is understood as the right one would be.

A noisy channel (Kernighan, Church and Gale 1990): of the words that lie one letter away from what
was typed, those are taken that together are the likeliest sentence, less what it costs to believe
in an error. How likely a sentence is, single words and pairs of the training data say; a general
list of English words stands behind them. Only what understands a message reads the mended text:
what a visitor wrote is stored, shown and searched for red flags as it was written.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from symspellpy import SymSpell, Verbosity

FILE = "spelling.json"
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
# Of fewer letters too many words are neighbours of each other.
SHORTEST = 3
# The commonest words of the general list; the rest are rarer than typing errors are.
GENERAL_WORDS = 40_000
# The general list's share in how likely a word is; our field's own words are the rest.
GENERAL_SHARE = 0.2
# How far the pairs count, and how often a word must have been seen for half of that.
PAIR_SHARE, PAIR_HALF = 0.7, 3.0
NEVER_SEEN = 1e-9
# What an error costs (nats): in a message whose words are all known, and in one that has a word
# which nobody knows, so that it was typed in a hurry. Chosen on training examples that had been
# left out, with one letter wrong in every word: see bench/README.md.
COST, COST_IN_HURRY = 12.0, 5.0
MOST_CANDIDATES = 40
MOST_PATHS = 8
START, END = "<s>", "</s>"


@functools.cache
def general_words() -> dict[str, float]:
    """Return the commonest English words and the share of each (all add up to 1)."""
    text = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text("utf-8-sig")
    pairs = (line.split() for line in text.splitlines())
    counts = Counter({pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2})
    common = counts.most_common(GENERAL_WORDS)
    total = sum(count for _, count in common)
    return {word: count / total for word, count in common}


@dataclass
class Speller:
    """What is known of the words.

    single: word -> how often it stands in the training data; pairs: the same for two in a row,
    with a blank between them.
    """

    single: dict[str, int]
    pairs: dict[str, int]
    _index: SymSpell = field(init=False, repr=False, compare=False)
    _first: Counter[str] = field(init=False, repr=False, compare=False)
    _total: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the words by what they look like with a letter gone."""
        self._index = SymSpell(max_dictionary_edit_distance=1)
        for word in {**general_words(), **self.single}.keys() - {END}:
            self._index.create_dictionary_entry(word, 1)
        self._first = Counter()
        for pair, count in self.pairs.items():
            self._first[pair.split(" ")[0]] += count
        self._total = sum(self.single.values())
        self._neighbours = functools.lru_cache(maxsize=20_000)(self._find_neighbours)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Speller:
        """Learn from texts that are spelt as they should be, by and large."""
        single: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        for text in texts:
            words = [START, *(word.lower() for word in WORD.findall(text)), END]
            single.update(words[1:])  # the end, too: some words seldom stand last
            pairs.update(f"{first} {second}" for first, second in zip(words, words[1:]))  # noqa: B905,RUF007
        return cls(dict(single), dict(pairs))

    def mend(self, text: str) -> str:
        """Return ``text`` with its words as they were probably meant; the rest stays as it is."""
        found = list(WORD.finditer(text))
        words = [each[0].lower() for each in found]
        pieces, at = [], 0
        for each, word, meant in zip(found, words, self._likeliest(words), strict=True):
            pieces += [text[at : each.start()], each[0] if meant == word else meant]
            at = each.end()
        return "".join([*pieces, text[at:]])

    def _likeliest(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the likeliest words, as many as were typed (a beam search)."""
        hurried = any(len(word) >= SHORTEST and not self._is_known(word) for word in words)
        cost = COST_IN_HURRY if hurried else COST
        paths: list[tuple[float, tuple[str, ...]]] = [(0.0, (START,))]
        for word in words:
            steps = []
            for meant in (word, *self._neighbours(word)):
                price = 0.0 if meant == word else cost
                steps.append(
                    max((s + self._log_share(p[-1], meant) - price, (*p, meant)) for s, p in paths)
                )
            paths = sorted(steps, reverse=True)[:MOST_PATHS]
        _, best = max((s + self._log_share(path[-1], END), path) for s, path in paths)
        return best[1:]

    def _is_known(self, word: str) -> bool:
        # Once in the training data may be an error there; twice hardly.
        return word in general_words() or self.single.get(word, 0) > 1

    def _find_neighbours(self, word: str) -> tuple[str, ...]:
        if len(word) < SHORTEST:
            return ()
        near = self._index.lookup(word, Verbosity.ALL, max_edit_distance=1)
        others = {each.term for each in near} - {word}
        return tuple(sorted(others, key=lambda other: (-self._share(other), other)))[
            :MOST_CANDIDATES
        ]

    def _share(self, word: str) -> float:
        own = self.single.get(word, 0) / max(self._total, 1)
        general = general_words().get(word, 0.0)
        return (1 - GENERAL_SHARE) * own + GENERAL_SHARE * general + NEVER_SEEN

    def _log_share(self, first: str, second: str) -> float:
        """Return how likely ``second`` is after ``first``, as a logarithm."""
        seen = self._first[first]
        if not seen:
            return math.log(self._share(second))
        weight = PAIR_SHARE * seen / (seen + PAIR_HALF)
        pair = self.pairs.get(f"{first} {second}", 0) / seen
        return math.log(weight * pair + (1 - weight) * self._share(second))

    def save(self, directory: Path) -> None:
        """Write it into ``directory``."""
        content = {"single": self.single, "pairs": self.pairs}
        (directory / FILE).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Speller:
        """Read what ``save`` wrote."""
        content = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return cls(content["single"], content["pairs"])
