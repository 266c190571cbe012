"""Red flags: does a visitor's message name an emergency, and what must be said then?

The rules are data (red_flags.yml, from the clinical facts sheet, sections 21 and 26). Whether a
sign is really there (not denied, past or only asked about) is decided in language/negation.py.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import spacy
from ruamel.yaml import YAML
from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.matcher.levenshtein import levenshtein  # type: ignore[import-not-found]
from spacy.tokens import Doc

from spinebot.language import negation

RULES = Path(__file__).with_name("red_flags.yml")
LONGEST_TEXT = 100_000  # characters; only the end of a longer text is read
GAP, WIDE_GAP, WINDOW = 2, 6, 10  # words between, for "a b", "a ... b" and "a & b"
# Words that may not stand between two words of a sign: another thought starts there.
BREAKS = frozenset(
    [*",.;:", "and", "but", "because", "so", "until", "since", "if", "without", "i", "stop"]
)
HEIGHTS = ["feet", "ft", "foot", "meters", "metres", "stories", "floors"]
# 100.4 to 105 Fahrenheit, 38 to 41 Celsius.
FEVER = r"^(?:10[0-6](?:\.\d+)?f?|3[89](?:\.\d+)?c?|4[01](?:\.\d+)?c?)$"
KINDS = ("symptom", "event", "history", "context")
PLACES = ("sentence", "message", "conversation")

Span = tuple[int, int]
Positions = tuple[int, ...]


class Action(str, Enum):
    """What the visitor must do. The more urgent one is the smaller, so it sorts first."""

    CALL_911 = "call_911"
    CALL_988 = "call_988"
    ER_NOW = "er_now"
    DOCTOR_TODAY = "doctor_today"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Action).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Action(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Action(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Action(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Action(other).rank


@dataclass(frozen=True)
class Finding:
    """A red flag that is met."""

    rule: str
    name: str
    action: Action
    evidence: tuple[str, ...]  # the words that fired
    helper: bool  # said about a third person


class RedFlagsError(ValueError):
    """The rules file holds a fault; the message names the entry and the field."""


@dataclass(frozen=True)
class Combination:
    """Signs that lead to an action when all of them are there."""

    signs: tuple[str, ...]
    where: str
    unless: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One red flag."""

    id: str
    name: str
    line: str
    helper_line: str
    tiers: tuple[tuple[Action, tuple[Combination, ...]], ...]


@dataclass(frozen=True)
class Wording:
    """One way to say a sign: parts in any order, each a row of (term, words allowed before it)."""

    parts: tuple[tuple[tuple[str, int], ...], ...]


@dataclass(frozen=True)
class Sign:
    """What a visitor may say."""

    kind: str
    wordings: tuple[Wording, ...]
    members: tuple[str, ...]
    unless: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """A sign found in a message."""

    evidence: str
    sentence: int
    others: bool | None  # a third person has it; None if nobody is named
    current: bool = True  # stands in the newest message


Sightings = Mapping[str, Sequence[Seen]]


@dataclass(frozen=True)
class RuleBook:
    """The rules file, checked and ready to match."""

    rules: tuple[Rule, ...]
    signs: Mapping[str, Sign]
    texts: Mapping[Action, tuple[str, str]]
    information: str
    nlp: Language
    phrases: PhraseMatcher
    numbers: Matcher
    vocabulary: Mapping[tuple[str, int], tuple[str, ...]]
    ordinary: frozenset[str]


# Loading -----------------------------------------------------------------------------------


def _field(entry: object, where: str, name: str, kind: type, default: Any = None) -> Any:
    """A field of an entry of the file, of the kind that it must have."""
    if not isinstance(entry, dict):
        raise RedFlagsError(f"{where}: must have fields")
    value = entry.get(name, default)
    if not isinstance(value, kind) or (value in ("", [], {}) and default is None):
        raise RedFlagsError(f"{where}: {name}: must be a filled {kind.__name__}")
    return value


def _strings(entry: object, where: str, name: str, default: Any = None) -> tuple[str, ...]:
    values = _field(entry, where, name, list, default)
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise RedFlagsError(f"{where}: {name}: must be a list of words in quotes")
    return tuple(values)


def _only(entry: object, where: str, names: str) -> None:
    unknown = set(entry) - set(names.split()) if isinstance(entry, dict) else set()
    if unknown:
        raise RedFlagsError(f"{where}: {min(map(str, unknown))}: no such field")


def _known(names: Iterable[str], known: Iterable[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise RedFlagsError(f"{where}: {name!r} is not defined")


def _wording(text: str) -> Wording:
    """Read the notation that the head of the rules file explains."""
    parts = []
    for part in text.split(" & "):
        items: list[tuple[str, int]] = []
        gap = GAP
        for piece in re.findall(r"\{\w+\}|\.\.\.|[^{}.]+", part):
            if piece == "...":
                gap = WIDE_GAP
            elif piece.strip():
                items.append((piece.strip(), gap))
                gap = GAP
        parts.append(tuple(items))
    return Wording(tuple(parts))


def _sign(name: str, entry: object, terms: Iterable[str]) -> Sign:
    where = f"signs: {name}"
    _only(entry, where, "kind means any of unless")
    _field(entry, where, "means", str)
    kind = _field(entry, where, "kind", str, "symptom")
    _known([kind], KINDS, f"{where}: kind")
    wordings = tuple(_wording(text) for text in _strings(entry, where, "any", []))
    members = _strings(entry, where, "of", [])
    if bool(wordings) == bool(members):
        raise RedFlagsError(f"{where}: any: give either any or of")
    for wording in wordings:
        used = [term[1:-1] for part in wording.parts for term, _ in part if term[0] == "{"]
        _known(used, terms, f"{where}: any")
    return Sign(kind, wordings, members, _strings(entry, where, "unless", []))


def _combination(entry: object, where: str, signs: Mapping[str, Sign]) -> Combination:
    _only(entry, where, "all where unless")
    names = _strings(entry, where, "all")
    place = _field(entry, where, "where", str, "conversation")
    unless = _strings(entry, where, "unless", [])
    _known([place], PLACES, f"{where}: where")
    _known([*names, *unless], signs, f"{where}: all")
    return Combination(names, place, unless)


def _tier(
    entry: object, where: str, signs: Mapping[str, Sign]
) -> tuple[Action, tuple[Combination, ...]]:
    _only(entry, where, "action any")
    action = _field(entry, where, "action", str)
    _known([action], [one.value for one in Action], f"{where}: action")
    entries = _field(entry, where, "any", list)
    return Action(action), tuple(_combination(one, f"{where}: any", signs) for one in entries)


def _rule(id_: str, entry: object, signs: Mapping[str, Sign]) -> Rule:
    _only(entry, id_, "name line helper_line when sources")
    for source in _field(entry, id_, "sources", list):
        _only(source, f"{id_}: sources", "name url")
        _field(source, f"{id_}: sources", "name", str)
        if not _field(source, f"{id_}: sources", "url", str, "https://").startswith("http"):
            raise RedFlagsError(f"{id_}: sources: url: must start with http")
    tiers = tuple(_tier(one, f"{id_}: when", signs) for one in _field(entry, id_, "when", list))
    if [action for action, _ in tiers] != sorted({action for action, _ in tiers}):
        raise RedFlagsError(f"{id_}: when: the most urgent action must come first, each once")
    name, line, helper = (_field(entry, id_, one, str) for one in ("name", "line", "helper_line"))
    return Rule(id_, name, line, helper, tiers)


def load(path: Path = RULES) -> RuleBook:
    """Read and check the rules file. Raises RedFlagsError naming the entry and the field."""
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    _only(data, path.name, "actions information rules signs terms old_age ordinary")
    terms = _field(data, path.name, "terms", dict)
    phrases = {name: _strings(terms, "terms", name) for name in terms}
    raw_signs = _field(data, path.name, "signs", dict)
    signs = {name: _sign(name, entry, phrases) for name, entry in raw_signs.items()}
    for name, sign in signs.items():
        _known([*sign.members, *sign.unless], signs, f"signs: {name}: of, unless")
    rules = _field(data, path.name, "rules", dict)
    actions = _field(data, path.name, "actions", dict)
    information = _field(data, path.name, "information", dict)
    topics = _strings(information, "information", "topics")
    nlp = _language()
    phrase_matcher, words = _phrase_matcher(nlp, phrases, signs.values(), topics)
    return RuleBook(
        rules=tuple(_rule(id_, entry, signs) for id_, entry in rules.items()),
        signs=signs,
        texts={action: _action_texts(actions, action) for action in Action},
        information=_field(information, "information", "line", str),
        nlp=nlp,
        phrases=phrase_matcher,
        numbers=_number_matcher(nlp, _field(data, path.name, "old_age", int)),
        vocabulary=_by_start_and_length(words),
        ordinary=frozenset(_strings(data, path.name, "ordinary")) | words,
    )


def _action_texts(actions: object, action: Action) -> tuple[str, str]:
    entry, where = _field(actions, "actions", action.value, dict), f"actions: {action.value}"
    _only(entry, where, "text helper_text")
    return _field(entry, where, "text", str), _field(entry, where, "helper_text", str)


def _language() -> Language:
    """A blank English pipeline: its tokenizer opens contractions, also without apostrophe."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.max_length = LONGEST_TEXT * 10
    return nlp


def _phrase_matcher(
    nlp: Language,
    terms: Mapping[str, Sequence[str]],
    signs: Iterable[Sign],
    topics: Sequence[str],
) -> tuple[PhraseMatcher, frozenset[str]]:
    """The matcher of all terms and literal words of the signs, and the words in it."""
    wanted = {f"{{{name}}}": list(phrases) for name, phrases in terms.items()}
    for sign in signs:
        for wording in sign.wordings:
            for part in wording.parts:
                wanted.update({text: [text] for text, _ in part if text[0] != "{"})
    matcher = PhraseMatcher(nlp.vocab, attr="NORM")
    words: set[str] = set()
    for key, phrases in [*wanted.items(), ("topic", list(topics))]:
        docs = [nlp.make_doc(normalise(phrase)) for phrase in phrases]
        matcher.add(key, docs)
        words.update(token.norm_ for doc in docs for token in doc)
    return matcher, frozenset(words)


def _number_matcher(nlp: Language, old_age: int) -> Matcher:
    ages = {"LOWER": {"IN": [str(age) for age in range(old_age, 111)]}}
    matcher = Matcher(nlp.vocab)
    lead = {"NORM": {"IN": ["is", "am", "'m", "'s", "m", "age", "aged", "turned"]}}
    # "is 82 pounds" or "is 60 miles" is no age.
    after = {"LOWER": {"NOT_IN": ["pounds", "lbs", "miles", "%", "percent", "minutes", "degrees"]}}
    unit = {"LOWER": {"REGEX": r"^(?:years?|yrs?|yo|y)$"}}
    number, unit_of_height = {"LIKE_NUM": True}, {"LOWER": {"IN": HEIGHTS}}
    matcher.add("{height}", [[number, unit_of_height]])
    matcher.add("{degrees}", [[{"LOWER": {"REGEX": FEVER}}]])
    matcher.add("{age_50_up}", [[lead, ages, after], [ages, {"ORTH": "-", "OP": "?"}, unit]])
    return matcher


def _by_start_and_length(words: Iterable[str]) -> dict[tuple[str, int], tuple[str, ...]]:
    groups: dict[tuple[str, int], tuple[str, ...]] = {}
    for word in sorted(words):
        if len(word) >= 5 and word.isalpha():
            key = word[0], len(word)
            groups[key] = (*groups.get(key, ()), word)
    return groups


book = functools.cache(load)


# Reading -----------------------------------------------------------------------------------


def normalise(text: str) -> str:
    """Lower case, plain quotes, no control characters, no accents, single spaces."""
    text = unicodedata.normalize("NFKD", text[-LONGEST_TEXT:].upper().lower())
    text = re.sub(r"[\n\r\u2028\u2029]+", " . ", text)
    text = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub("[\u2018\u2019\u201b\u02bc\u00b4`\u2032]", "'", text)
    text = re.sub('[\u201c\u201d\u00ab\u00bb"*_~|<>#]', " ", text)
    text = re.sub(r"([^\w\s])\1+", r" \1 ", text)
    text = re.sub(r"(\w)([/+&;])(\w)", r"\1 \2 \3", text.replace("\u2026", " . "))
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    # A keyboard mash must not keep the tokenizer busy.
    text = re.sub(r"(\S{60})", r"\1 ", text)
    return re.sub(r"\s+", " ", text).strip()


@functools.lru_cache(maxsize=4096)
def _spelled(word: str) -> str:
    """The sign word that this word is a slip of, or the word itself.

    One letter wrong in a word of six or more, or two neighbours swapped in one of five or more;
    the first letter must be right. Shorter slips stand in the rules file.
    """
    rules = book()
    if len(word) < 5 or word in rules.ordinary or not word.isalpha():
        return word
    for length in (len(word), len(word) + 1, len(word) - 1):
        for candidate in rules.vocabulary.get((word[0], length), ()):
            swapped = sorted(candidate) == sorted(word) and levenshtein(word, candidate) == 2
            close = min(len(word), length) >= 6 and levenshtein(word, candidate) == 1
            # "leg" and "legs", "hand" and "handed" are forms of a word, not slips.
            if swapped or (close and not _is_form(word, candidate)):
                return candidate
    return word


def _is_form(word: str, candidate: str) -> bool:
    return word[:-1] == candidate or candidate[:-1] == word


def _read(text: str) -> tuple[Doc, negation.Reading]:
    # The stop lets a pattern ask what follows a word, also at the end.
    doc = book().nlp(normalise(text) + " .")
    for token in doc:
        if token.norm_ != (word := _spelled(token.norm_)):
            token.norm_ = word
    starts = {sentence.start for sentence in doc.sents} if len(doc) else set()
    return doc, negation.read([token.norm_ for token in doc], starts)


def _terms(doc: Doc) -> dict[str, list[Span]]:
    """Where each term stands."""
    rules = book()
    spans: dict[str, list[Span]] = {}
    for matcher in (rules.phrases, rules.numbers):
        for key, start, end in matcher(doc):
            spans.setdefault(doc.vocab.strings[key], []).append((start, end))
    for found in spans.values():
        found.sort()
    return spans


def _chains(
    part: Sequence[tuple[str, int]], terms: Mapping[str, list[Span]], reading: negation.Reading
) -> Iterator[Positions]:
    """Places where the terms of a part follow one another."""
    rows: list[Positions] = [tuple(range(start, end)) for start, end in terms[part[0][0]]]
    for term, gap in part[1:]:
        following = terms[term]
        longer = []
        for row in rows:
            first = bisect_left(following, (row[-1] + 1, 0))
            for start, end in following[first:]:
                if start - row[-1] - 1 > gap:
                    break
                if _joined(reading, row[-1], start, gap):
                    longer.append((*row, *range(start, end)))
        rows = longer
    yield from rows


def _joined(reading: negation.Reading, last: int, start: int, gap: int) -> bool:
    """Whether two words of a sign belong together."""
    if reading.sentences[last] != reading.sentences[start]:
        return False
    if gap > GAP:
        return reading.clauses[last] == reading.clauses[start]
    return not BREAKS.intersection(reading.words[last + 1 : start])


def _places(
    wording: Wording, terms: Mapping[str, list[Span]], reading: negation.Reading
) -> Iterator[Positions]:
    """Places where a wording stands."""
    if any(term not in terms for part in wording.parts for term, _ in part):
        return
    rows = list(_chains(wording.parts[0], terms, reading))
    for part in wording.parts[1:]:
        others = sorted(_chains(part, terms, reading))
        rows = [(*row, *other) for row in rows for other in _near(row, others, reading)]
    yield from rows


def _near(
    row: Positions, others: Sequence[Positions], reading: negation.Reading
) -> Iterator[Positions]:
    low, high = min(row), max(row)
    for other in others[bisect_left(others, (low - WINDOW - 3,)) :]:
        if other[0] > high + WINDOW:
            break
        same = reading.clauses[other[0]] == reading.clauses[row[0]]
        if same and other[-1] >= low - WINDOW and not set(row).intersection(other):
            yield other


# Finding -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Analysis:
    """What one message says."""

    seen: Sightings
    asks: bool  # for information about an emergency


# Kept in memory only, and for few messages: the earlier ones of a visit are read at every turn.
@functools.lru_cache(maxsize=256)
def _analyse(text: str) -> Analysis:
    doc, reading = _read(text)
    terms = _terms(doc)
    seen: dict[str, list[Seen]] = {}
    asks = any(reading.asked[reading.sentences[start]] for start, _ in terms.get("topic", []))
    for name, sign in book().signs.items():
        for at in _sign_places(sign, terms, reading):
            if _stands(sign, reading, at) and not _excused(sign, terms, reading, at):
                words = " ".join(reading.words[place] for place in sorted(set(at)))
                sentence = reading.sentences[at[0]]
                others = negation.is_others(reading, at)
                seen.setdefault(name, []).append(Seen(words, sentence, others))
            elif sign.kind != "context" and negation.is_asked(reading, at):
                asks = True
    return Analysis(_gathered(seen), asks)


def _sign_places(
    sign: Sign, terms: Mapping[str, list[Span]], reading: negation.Reading
) -> Iterator[Positions]:
    for wording in sign.wordings:
        yield from _places(wording, terms, reading)


def _stands(sign: Sign, reading: negation.Reading, at: Positions) -> bool:
    """Whether the sign is there, for a sign of its kind."""
    if negation.is_denied(reading, at) or negation.is_asked(reading, at):
        return False
    if sign.kind == "history":
        return not negation.is_family(reading, at)
    return sign.kind == "context" or not negation.is_over(reading, at)


def _excused(
    sign: Sign, terms: Mapping[str, list[Span]], reading: negation.Reading, at: Positions
) -> bool:
    """Whether a harmless wording stands beside the sign, and nothing says that it is new."""
    clause = reading.clauses[max(at)]
    around = {clause, clause + 1} if reading.around(clause).find(" , ") >= 0 else {clause}
    if not sign.unless or negation.CURRENT.search(reading.clause_text(clause)):
        return False
    return any(
        reading.clauses[min(place)] in around
        for name in sign.unless
        for place in _sign_places(book().signs[name], terms, reading)
    )


def _gathered(seen: dict[str, list[Seen]]) -> Sightings:
    """Add the signs that are made of other signs."""

    def of(name: str) -> list[Seen]:
        members = book().signs[name].members
        return seen.get(name, []) + [one for member in members for one in of(member)]

    return {name: found for name in book().signs if (found := of(name))}


def _chosen(
    combination: Combination, seen: Sightings, person: bool, sentence: int | None
) -> list[Seen] | None:
    """One sighting for each sign of the combination, all about the same person."""
    chosen = []
    for name in combination.signs:
        fitting = [
            one
            for one in seen.get(name, ())
            if one.others in (person, None)
            and (combination.where == "conversation" or one.current)
            and (sentence is None or one.sentence == sentence)
        ]
        if not fitting:
            return None
        chosen.append(max(fitting, key=lambda one: one.current))
    return chosen


def _met(combination: Combination, seen: Sightings) -> list[Seen] | None:
    if any(name in seen for name in combination.unless):
        return None
    sentences: list[int | None] = [None]
    if combination.where == "sentence":
        sentences = [*sorted({one.sentence for one in seen.get(combination.signs[0], ())})]
    for sentence in sentences:
        for person in (False, True):
            if chosen := _chosen(combination, seen, person, sentence):
                return chosen
    return None


def _apply(rule: Rule, seen: Sightings) -> Finding | None:
    """The most urgent tier of a rule that is met."""
    for action, combinations in rule.tiers:
        for combination in combinations:
            chosen = _met(combination, seen)
            if chosen and any(one.current for one in chosen):
                evidence = tuple(dict.fromkeys(one.evidence for one in chosen))
                helper = any(one.others for one in chosen)
                return Finding(rule.id, rule.name, action, evidence, helper)
    return None


def _merge(messages: Sequence[Sightings], current: bool) -> dict[str, list[Seen]]:
    merged: dict[str, list[Seen]] = {}
    for seen in messages:
        for name, found in seen.items():
            marked = [Seen(one.evidence, one.sentence, one.others, current) for one in found]
            merged.setdefault(name, []).extend(marked)
    return merged


def check(text: str, earlier: Sequence[str] = ()) -> list[Finding]:
    """The red flags that `text` meets, most urgent first.

    `earlier` holds the visitor's earlier messages, oldest first: a sign there counts together
    with one in `text`. A rule that the earlier messages met already is not met again by something
    that only adds to it, unless the action becomes more urgent. Source: facts sheet, section 26.
    """
    now = _analyse(text).seen
    before = [_analyse(message).seen for message in earlier]
    joined = {name: [*found] for name, found in now.items()}
    for name, found in _merge(before, current=False).items():
        joined.setdefault(name, []).extend(found)
    findings = []
    for rule in book().rules:
        alone, together = _apply(rule, now), _apply(rule, joined)
        if together and not alone and before:
            known = _apply(rule, _merge(before, current=True))
            if known and known.action <= together.action:
                continue
        if together or alone:
            findings.append(min(filter(None, (together, alone)), key=lambda one: one.action))
    return sorted(findings, key=lambda finding: (finding.action, finding.rule))


def warning(findings: Sequence[Finding]) -> str:
    """The emergency words for the most urgent finding; nothing if there is none."""
    if not findings:
        return ""
    first = min(findings, key=lambda finding: finding.action)
    rule = next(rule for rule in book().rules if rule.id == first.rule)
    own, helper = book().texts[first.action]
    return f"{rule.helper_line} {helper}" if first.helper else f"{rule.line} {own}"


def information_line(text: str) -> str | None:
    """The line to add to an answer about an emergency that nobody seems to have, or None."""
    if check(text) or not _analyse(text).asks:
        return None
    return book().information
