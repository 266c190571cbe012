"""Which signs stand in a message: words of the rules file that belong together and are meant."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from spinebot.language import negation
from spinebot.safety.rules import GAP, RuleBook, Sign, Wording, book
from spinebot.safety.words import Span, tokens

# Words that may not stand between two words of a sign: another thought starts there.
BREAKS = frozenset(
    [*",.;:", "and", "but", "because", "so", "until", "since", "if", "without", "i", "stop"]
)
WINDOW = 12  # words between the parts of "a & b"
# How many places of the next word are tried from one place: keeps any text quick.
NEXT, BESIDE = 3, 3

Positions = tuple[int, ...]
Places = Mapping[str, Sequence[Span]]


@dataclass(frozen=True)
class Seen:
    """A sign found in a message."""

    evidence: str
    sentence: int
    others: bool | None  # a third person has it; None if nobody is named
    current: bool = True  # stands in the newest message


Sightings = Mapping[str, Sequence[Seen]]


@dataclass(frozen=True)
class Analysis:
    """What one message says."""

    seen: Sightings
    asks: bool  # for information about an emergency


def analyse(text: str) -> Analysis:
    """Find the signs in a message."""
    rules = book()
    words = [rules.lexicon.spelled(word) for word in tokens(text)]
    words.append(".")  # lets a pattern ask what follows a word, also at the end
    terms = rules.lexicon.spans(words)
    reading = negation.read(words, _sentence_starts(words))
    seen: dict[str, list[Seen]] = {}
    topics = terms.get("topic", ())
    asks = any(reading.asked[reading.sentences[start]] for start, _ in topics)
    finder = _Finder(rules, terms, reading)
    possible = {name for term in terms for name in _by_term(rules).get(term, ())}
    for name in rules.signs:
        if name not in possible:
            continue
        found, asked = finder.sightings(name)
        asks = asks or asked
        if found:
            seen[name] = found
    return Analysis(_gathered(rules, seen), asks)


_indexes: dict[int, tuple[RuleBook, dict[str, set[str]]]] = {}


def _by_term(rules: RuleBook) -> dict[str, set[str]]:
    """Return the signs by one term of each of their wordings, the one that is in the fewest.

    A message has a handful of terms; the signs that have none of them need not be looked for.
    """
    known = _indexes.get(id(rules))
    if known is None or known[0] is not rules:
        wordings = [(name, each) for name, sign in rules.signs.items() for each in sign.wordings]
        common = Counter(term for _, wording in wordings for term in wording.terms)
        index: dict[str, set[str]] = {}
        for name, wording in wordings:
            rarest = min(wording.terms, key=lambda term: (common[term], term))
            index.setdefault(rarest, set()).add(name)
        _indexes[id(rules)] = known = (rules, index)
    return known[1]


def _sentence_starts(words: Sequence[str]) -> set[int]:
    stops = {".", "!", "?"}
    return {at for at in range(1, len(words)) if words[at - 1] in stops and words[at] not in stops}


class _Finder:
    """Finds signs in one message."""

    def __init__(self, rules: RuleBook, terms: Places, reading: negation.Reading) -> None:
        self._signs = rules.signs
        self._terms = terms
        self._present = terms.keys()
        self._reading = reading
        self._excuses: dict[str, set[int]] = {}

    def sightings(self, name: str) -> tuple[list[Seen], bool]:
        """Where the sign stands, once a clause, and whether it is asked about."""
        sign, reading = self._signs[name], self._reading
        found: dict[int, Seen] = {}
        asked = False
        for at in self._places(sign):
            clause = reading.clauses[max(at)]
            if clause in found:
                continue
            if stands(sign, reading, at) and not self._excused(sign, at):
                words = " ".join(reading.words[place] for place in sorted(set(at)))
                others = negation.is_others(reading, at)
                found[clause] = Seen(words, reading.sentences[at[0]], others)
            elif sign.kind != "context" and negation.is_asked(reading, at):
                asked = True
        return list(found.values()), asked

    def _places(self, sign: Sign) -> Iterator[Positions]:
        for wording in sign.wordings:
            if wording.terms <= self._present:
                yield from places(wording, self._terms, self._reading)

    def _excused(self, sign: Sign, at: Positions) -> bool:
        """Whether a harmless wording stands beside the sign, and nothing says that it is new."""
        reading = self._reading
        clause = reading.clauses[max(at)]
        if not sign.unless or negation.is_new(reading, clause):
            return False
        around = {clause, clause + 1} if reading.says_more(clause) else {clause}
        return any(not around.isdisjoint(self._excuse(name)) for name in sign.unless)

    def _excuse(self, name: str) -> set[int]:
        """The clauses in which a harmless wording stands."""
        if name not in self._excuses:
            reading = self._reading
            self._excuses[name] = {
                reading.clauses[at]
                for place in self._places(self._signs[name])
                if not negation.is_denied(reading, place)
                for at in (min(place), max(place))
            }
        return self._excuses[name]


def stands(sign: Sign, reading: negation.Reading, at: Positions) -> bool:
    """Whether the sign is there, for a sign of its kind."""
    if negation.is_denied(reading, at) or negation.is_asked(reading, at):
        return False
    if sign.kind == "history":
        return not negation.is_family(reading, at)
    return sign.kind == "context" or not negation.is_over(reading, at)


def places(wording: Wording, terms: Places, reading: negation.Reading) -> Iterator[Positions]:
    """Places where a wording stands."""
    rows = _chains(wording.parts[0], terms, reading)
    for part in wording.parts[1:]:
        others = sorted(_chains(part, terms, reading))
        firsts = [other[0] for other in others]
        rows = [(*row, *other) for row in rows for other in _near(row, others, firsts, reading)]
    yield from rows


def _chains(
    part: Sequence[tuple[str, int]], terms: Places, reading: negation.Reading
) -> list[Positions]:
    """Places where the terms of a part follow one another."""
    rows: list[Positions] = [tuple(range(start, end)) for start, end in terms[part[0][0]]]
    for term, gap in part[1:]:
        following = terms[term]
        longer = []
        for row in rows:
            first = bisect_left(following, (row[-1] + 1, 0))
            for start, end in islice(following, first, first + NEXT):
                if start - row[-1] - 1 > gap:
                    break
                if _joined(reading, row[-1], start, gap):
                    longer.append((*row, *range(start, end)))
        rows = longer
    return rows


def _joined(reading: negation.Reading, last: int, start: int, gap: int) -> bool:
    """Whether two words of a sign belong together."""
    if reading.sentences[last] != reading.sentences[start]:
        return False
    if gap > GAP:
        return reading.clauses[last] == reading.clauses[start]
    return not BREAKS.intersection(reading.words[last + 1 : start])


def _near(
    row: Positions, others: Sequence[Positions], firsts: Sequence[int], reading: negation.Reading
) -> Iterator[Positions]:
    """The nearest places of the other part, before and after."""
    middle = bisect_left(firsts, row[0])
    clause = reading.clauses[row[0]]
    for other in others[max(0, middle - BESIDE) : middle + BESIDE]:
        apart = max(other[0] - max(row), min(row) - other[-1])
        same = reading.clauses[other[0]] == clause
        if same and apart <= WINDOW and not set(row).intersection(other):
            yield other


def _gathered(rules: RuleBook, seen: Mapping[str, list[Seen]]) -> Sightings:
    """Add the signs that are made of other signs."""
    if not seen:
        return {}
    done: dict[str, list[Seen]] = {}

    def of(name: str) -> list[Seen]:
        if name not in done:
            sign = rules.signs[name]
            found = [*seen.get(name, ())]
            for member in sign.members:
                found += of(member)
            parts = [of(part) for part in sign.together]
            if parts and all(parts):
                evidence = " ".join(dict.fromkeys(part[0].evidence for part in parts))
                others = next(
                    (part[0].others for part in parts if part[0].others is not None), None
                )
                found.append(Seen(evidence, parts[0][0].sentence, others))
            done[name] = found
        return done[name]

    return {name: found for name in rules.signs if (found := of(name))}
