"""Spine words in a text, and what a visitor says of themselves with them. spaCy, no model.

The words of visitors ("slipped disc", "L4/5") are mapped to one word of ours. What is denied
("no diabetes", "I don't take blood thinners") is no finding.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import spacy
from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc, Span
from spacy.util import compile_infix_regex, filter_spans

from spinebot.language import ages, durations, negation, treatments, trouble_time
from spinebot.language.spine_words import NO_TREATMENTS, TERMS, TREATMENTS
from spinebot.language.word_lines import Line, line_of, sentence_starts, tagged, word_set

__all__ = ["TERMS", "SpineTerm", "is_telling", "pipeline", "said", "spine_terms"]

_LONG_RUN = re.compile(r"\S{80,}")
_LEVEL = r"(?i)^(c[1-8]|t(1[0-2]|[1-9])|l[1-6]|s[1-5])$"
_LEVEL_PAIR = r"(?i)^([ctl]1?[0-9]){1}[ctls]1?[0-9]$"  # "L5S1"
# Kinds that a "no" takes back, and illnesses that may be a relative's.
_DENIABLE = {"condition", "symptom", "medicine"}
_FAMILY = {"cancer", "diabetes", "osteoporosis"}
_OF_THE_SPINE = {"herniated disc", "bulging disc", "sciatica", "stenosis", "disc wear"}
_NOT_FOR_PAIN = {"blood thinner"}
# "Should I not take advil?" denies no advil.
_ADVISED = word_set("should shall why may must supposed allowed told advised better whether")
_NO_BACK = word_set(
    "go goes going went gone come comes came coming get gets got getting call called calling "
    "bring put send hold grow grows pay give write heard right step bounce way"
)
_OBJECTS = word_set("me you us him it them")  # "call me back"
_BACK_TO = word_set("to again in at then home when together into up")
_OWN = word_set("my the his her your low lower upper mid a bad of this our")
# "My grandmother had it too": the visitor's trouble is their own.
_TOLD = word_set("had used spent wore died says said told gave swears swore lived")
_WEIGHTED = word_set(
    "hyperintense hyperintensity hypointense hypointensity signal weighted bright dark images "
    "image sequence sequences flair stir hyper hypo"
)


@dataclass(frozen=True)
class SpineTerm:
    """A spine word found: its kind, our word for it, and where it stands (character offsets)."""

    kind: str
    value: str
    text: str
    start: int
    end: int


@functools.cache
def pipeline() -> Language:
    """Return the tokenizer that everything shares: English, and levels such as L4-L5 cut up."""
    language = spacy.blank("en")
    infixes = [*(language.Defaults.infixes or []), r"(?<=[0-9])[/–-](?=[0-9A-Za-z])"]
    tokenizer: Any = language.tokenizer
    tokenizer.infix_finditer = compile_infix_regex(infixes).finditer
    return language


def document(text: str) -> Doc:
    """Return the tokens of what a visitor wrote, each where it stands in ``text``.

    A run of 80 signs and more without a blank is one token of as many x: no word, name or date is
    as long, and spaCy takes such a run apart sign by sign, in the square of its length: minutes for
    one message.
    """
    return pipeline().make_doc(_LONG_RUN.sub(lambda run: "x" * len(run[0]), text))


@functools.cache
def _phrases() -> PhraseMatcher:
    matcher = PhraseMatcher(pipeline().vocab, attr="NORM")

    def add(label: str, texts: Iterable[str]) -> None:
        matcher.add(label, [pipeline().make_doc(text) for text in texts])

    for kind, values in TERMS.items():
        for value, texts in values.items():
            add(f"{kind}/{value}", texts)
    for tag, value in treatments.TAGS.items():
        add(f"treatment/{tag}", TREATMENTS[value])
    add("none/", NO_TREATMENTS)
    return matcher


@functools.cache
def _levels() -> Matcher:
    matcher = Matcher(pipeline().vocab)
    level = {"TEXT": {"REGEX": _LEVEL}}
    lower = {"TEXT": {"REGEX": r"(?i)^([ctls]?1?[0-9])$"}}
    join = {"LOWER": {"IN": ["-", "–", "/", "to", "and"]}}
    pair = {"TEXT": {"REGEX": _LEVEL_PAIR}}
    matcher.add("level", [[level], [level, join, lower], [level, level], [pair]])
    return matcher


def spine_terms(text: str, today: date | None = None) -> list[SpineTerm]:
    """Return the spine words of ``text`` from left to right; the longest wins where two overlap.

    A duration's value is its bucket where it says how long the trouble has lasted, else its words.
    today: what "since March" is counted to; by default the day it is.
    """
    words = document(text)
    spans = filter_spans(_spans(words))
    line = line_of(words)
    found = [*_stated(words, spans, line), *_told(words, spans, line, today or date.today())]
    return sorted(found, key=lambda term: (term.start, term.end))


def said(text: str, today: date | None = None) -> dict[str, set[str]]:
    """Return what ``text`` says of its visitor, kind -> values, for the conditions of articles."""
    found: dict[str, set[str]] = {}
    for term in spine_terms(text, today):
        if is_telling(term):
            found.setdefault(term.kind, set()).add(term.value)
    return found


def is_telling(term: SpineTerm) -> bool:
    """Whether a term says something of the visitor; "20 minutes" alone does not."""
    return term.kind != "duration" or term.value in trouble_time.BUCKETS


def side_by_side(terms: Sequence[SpineTerm]) -> list[SpineTerm]:
    """Return the terms as Rasa wants them: none upon an earlier one, none that tells nothing."""
    kept: list[SpineTerm] = []
    for term in filter(is_telling, terms):
        if not kept or term.start >= kept[-1].end:
            kept.append(term)
    return kept


def _spans(document: Doc) -> list[Span]:
    strings = document.vocab.strings
    found = [*_phrases()(document), *_levels()(document)]
    return [Span(document, start, end, label=strings[key]) for key, start, end in found]


def _stated(document: Doc, spans: Sequence[Span], line: Line) -> Iterator[SpineTerm]:
    """Yield what the words themselves say, but for what is denied or means something else."""
    kinds = {span.label_.partition("/")[0] for span in spans}
    reading = _read(line) if kinds & _DENIABLE else None
    arm_side = any(span.label_ in {"region/neck", "region/arm"} for span in spans)
    for span in spans:
        kind, _, value = span.label_.partition("/")
        if kind in {"treatment", "none"} or _means_something_else(span, line):
            continue
        if kind == "level":
            value = _level(span.text)
        elif value == "sciatica" and arm_side and "sci" not in span.text.lower():
            continue  # a pinched nerve in the neck
        if reading and kind in _DENIABLE and _is_denied(reading, span, value):
            continue
        yield _term(document, kind, value, (span.start, span.end))


def _told(document: Doc, spans: Sequence[Span], line: Line, today: date) -> Iterator[SpineTerm]:
    """Yield what only the words around tell: side, age, duration, what was tried, surgery."""
    for kind, found in (("side", ages.sides(line)), ("age", ages.ages(line))):
        yield from (_term(document, kind, value, place) for value, place in found)
    times = {each.span: each for each in durations.durations(line, today)}
    tags = [(place, "duration") for place in times]
    tags += [((span.start, span.end), tag) for span in spans if (tag := _tag(span))]
    whole = tagged(line, tags)
    for word, place in enumerate(whole.spans):
        if whole.words[word] == "@duration":
            length = trouble_time.bucket(whole, word, times[place])
            moment = times[place].onset and length is None
            if not moment:
                yield _term(document, "duration", length or _words(document, place), place)
    treated = any(tag in treatments.TAGS for _, tag in tags)
    if treated or treatments.SURGERY_WORDS.intersection(line.words):
        reading = _read(line)
        for value, place in dict.fromkeys(treatments.tried(whole, reading)):
            yield _term(document, "tried", value, place)
        for place in dict.fromkeys(treatments.prior_surgery(whole, reading)):
            yield _term(document, "prior_surgery", "yes", place)


def _tag(span: Span) -> str:
    kind, _, value = span.label_.partition("/")
    if kind == "medicine":
        return "drug" if value in _NOT_FOR_PAIN else "medicine"
    if kind == "treatment":
        return value
    if kind == "condition":
        return "trouble" if value in _OF_THE_SPINE else "illness"
    return {"symptom": "trouble", "region": "place", "level": "level"}.get(kind, "")


def _read(line: Line) -> negation.Reading:
    return negation.read(line.words, frozenset(sentence_starts(line.words)))


def _is_denied(reading: negation.Reading, span: Span, value: str) -> bool:
    positions = range(span.start, span.end)
    if value in _FAMILY and negation.is_family(reading, positions):
        return True
    if not negation.is_denied(reading, positions):
        return False
    denier = max(reading.scopes[at] for at in positions)
    if denier < 0:
        return True
    if reading.words[denier + 1] == ",":
        return False  # "no, ibuprofen did not help"
    around = reading.words[max(0, denier - 4) : denier + 2]
    return not _ADVISED.intersection(around)


def _means_something_else(span: Span, line: Line) -> bool:
    """Whether this is "come back" and no back, or "T2 signal" and no level of the spine."""
    before = line.words[span.start - 1] if span.start else ""
    after = line.words[span.end : span.end + 2]
    if span.label_ == "region/back" and span.text.lower() != "spine":
        if before in _OBJECTS and span.start > 1:
            before = line.words[span.start - 2]
        to = bool(_BACK_TO.intersection(after[:1]))
        return before in _NO_BACK or (to and before not in _OWN)
    if span.label_ == "age/older adult":
        told_of = span.text.lower().startswith(("gran", "nana")) and bool(_TOLD.intersection(after))
        return told_of or ages.is_of_middle_age(line)
    if span.label_ == "level":
        return span.text.lower() in {"t1", "t2"} and bool(_WEIGHTED.intersection(after))
    return False


def _words(document: Doc, place: tuple[int, int]) -> str:
    return str(document[place[0] : place[1]].text.lower())


def _term(document: Doc, kind: str, value: str, place: tuple[int, int]) -> SpineTerm:
    span = document[place[0] : place[1]]
    return SpineTerm(kind, value, span.text, span.start_char, span.end_char)


def _level(text: str) -> str:
    """Return a level as reports write it: "l4/5", "L4 L5" and "L4 to L5" are all "L4-L5"."""
    upper, *rest = map(str, re.findall(r"[CTLS]?\d+", text.upper()))
    if not rest:
        return upper
    lower = rest[0]
    return f"{upper}-{lower if lower[0] in 'CTLS' else upper[0] + lower}"
