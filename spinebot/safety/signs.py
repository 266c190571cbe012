"""Which signs stand in a message: words of the rules file that belong together and are meant."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from spinebot.language import negation
from spinebot.safety.numbers import Span
from spinebot.safety.rules import GAP, RuleBook, Sign, Wording, book
from spinebot.safety.words import tokens

# Words that may not stand between two words of a sign: another thought starts there.
BREAKS = frozenset(
    [*",.;:", "and", "but", "because", "so", "until", "since", "if", "without", "i", "stop"]
)
# A turn looks at the messages before it, too, and each of them was read when it was new. They are
# kept in memory only, and for the talks that go on.
MESSAGES = 2000
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
    # The same, with the signs that are only asked about as if somebody had them.
    imagined: Sightings
    names_emergency: bool  # and asks about it


@lru_cache(maxsize=MESSAGES)
def analyse(text: str) -> Analysis:
    """Find the signs in a message. What is returned belongs to all who ask: it is not changed."""
    rules = book()
    words = [rules.lexicon.spelled(word) for word in tokens(text)]
    words.append(".")  # lets a pattern ask what follows a word, also at the end
    terms = rules.lexicon.spans(words)
    reading = negation.read(words, _sentence_starts(words))
    seen: dict[str, list[Seen]] = {}
    topics = terms.get("topic", ())
    names_emergency = any(reading.asked[reading.sentences[start]] for start, _ in topics)
    imagined: dict[str, list[Seen]] = {}
    finder = _Finder(rules, terms, reading)
    for name in finder.candidates:
        found, asked = finder.sightings(name)
        if found:
            seen[name] = found
        if asked:
            imagined[name] = asked
    asked_about = _gathered(rules, {**seen, **imagined}) if imagined else {}
    return Analysis(_gathered(rules, seen), asked_about, names_emergency)


def _sentence_starts(words: Sequence[str]) -> set[int]:
    stops = {".", "!", "?"}
    return {at for at in range(1, len(words)) if words[at - 1] in stops and words[at] not in stops}


class _Finder:
    """Finds signs in one message."""

    def __init__(self, rules: RuleBook, terms: Places, reading: negation.Reading) -> None:
        self._signs = rules.signs
        self._terms = terms
        self._reading = reading
        self._excuses: dict[str, set[int]] = {}
        # The signs of which some wording has all its terms here, with those wordings.
        self.candidates: dict[str, list[Wording]] = {}
        present = terms.keys()
        for term in present:
            for name, wording in rules.by_term.get(term, ()):
                if wording.terms <= present:
                    self.candidates.setdefault(name, []).append(wording)

    def sightings(self, name: str) -> tuple[list[Seen], list[Seen]]:
        """Where the sign stands, once a clause, and where it is only asked about."""
        sign, reading = self._signs[name], self._reading
        found: dict[int, Seen] = {}
        asked: dict[int, Seen] = {}
        for at in self._places(name):
            clause = reading.clauses[max(at)]
            if clause in found:
                continue
            if stands(sign, reading, at) and not self._excused(sign, at):
                kept = found
            elif sign.kind != "context" and negation.is_asked(reading, at):
                kept = asked
            else:
                continue
            words = " ".join(reading.words[place] for place in sorted(set(at)))
            others = negation.is_others(reading, at)
            kept[clause] = Seen(words, reading.sentences[at[0]], others)
        return list(found.values()), list(asked.values())

    def _places(self, name: str) -> Iterator[Positions]:
        for wording in self.candidates.get(name, ()):
            yield from places(wording, self._terms, self._reading)

    def _excused(self, sign: Sign, at: Positions) -> bool:
        """Whether a harmless wording stands beside the sign, and nothing says that it is new."""
        if not sign.unless:
            return False
        reading = self._reading
        clause = reading.clauses[max(at)]
        new = negation.is_new(reading, clause)
        excuses = [name for name in sign.unless if not new or self._signs[name].firm]
        around = {reading.clauses[min(at)], *reading.around(clause)}
        return any(not around.isdisjoint(self._excuse(name)) for name in excuses)

    def _excuse(self, name: str) -> set[int]:
        """The clauses in which a harmless wording stands."""
        if name not in self._excuses:
            reading = self._reading
            self._excuses[name] = {
                reading.clauses[at]
                for place in self._places(name)
                if not negation.is_denied(reading, place)
                for at in (min(place), max(place))
            }
        return self._excuses[name]


def stands(sign: Sign, reading: negation.Reading, at: Positions) -> bool:
    """Whether the sign is there, for a sign of its kind."""
    if negation.is_denied(reading, at) or negation.is_story(reading, at):
        return False
    # Who imagines dying says enough ("what if I just end it?"), and who only asks, mostly too.
    if sign.kind == "wish":
        return not negation.is_past(reading, at) and not negation.is_study(reading, at)
    if negation.is_asked(reading, at):
        return sign.kind == "context" and negation.asks_remedy(reading, at)
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

    made = {name: None for one in seen for name in (one, *rules.made_of.get(one, ()))}
    return {name: found for name in made if (found := of(name))}
