"""Spine words in a text: levels, regions, symptoms, medicines, durations. spaCy matchers, no model.

The words of visitors ("slipped disc", "L4/5") are mapped to one word of ours.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

import spacy
from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc, Span
from spacy.util import compile_infix_regex, filter_spans

# kind -> our word -> what visitors write
TERMS: dict[str, dict[str, list[str]]] = {
    "region": {
        "neck": ["neck", "cervical", "cervical spine"],
        "mid back": ["mid back", "middle back", "upper back", "thoracic", "thoracic spine"],
        "low back": ["low back", "lower back", "lumbar", "lumbar spine", "lumbago", "tailbone"],
        "back": ["back", "spine"],
        "leg": ["leg", "legs", "thigh", "calf", "foot", "feet", "toe", "toes", "buttock", "hip"],
        "arm": ["arm", "arms", "shoulder", "shoulders", "hand", "hands", "finger", "fingers"],
    },
    "condition": {
        "herniated disc": [
            *(
                f"{word} {disc}"
                for word in ("herniated", "hernated", "slipped", "ruptured", "prolapsed", "blown")
                for disc in ("disc", "disk", "discs", "disks")
            ),
            *("disc herniation", "disk herniation", "herniation", "hnp"),
        ],
        "bulging disc": [
            "bulging disc",
            "bulging disk",
            "disc bulge",
            "disk bulge",
            "buldging disc",
        ],
        "sciatica": ["sciatica", "siatica", "sciatic", "pinched nerve", "trapped nerve"],
        "stenosis": ["stenosis", "spinal stenosis"],
        "disc wear": ["degenerative disc disease", "ddd", "disc degeneration"],
    },
    "symptom": {
        "spasm": ["spasm", "spasms", "spazm", "cramp", "cramps", "muscle spasm", "muscle spasms"],
        "numbness": ["numb", "numbness"],
        "tingling": ["tingling", "tingles", "tingle", "pins and needles"],
        "weakness": ["weak", "weakness"],
        "pain": ["pain", "hurts", "hurting", "ache", "aches", "aching", "sore"],
    },
    "medicine": {
        "ibuprofen": ["ibuprofen", "ibuprofin", "advil", "motrin"],
        "naproxen": ["naproxen", "aleve"],
        "acetaminophen": ["acetaminophen", "tylenol", "tylonol", "paracetamol"],
        "aspirin": ["aspirin"],
        "nsaid": ["nsaid", "nsaids", "anti-inflammatory", "anti inflammatory"],
        "muscle relaxant": [
            *("muscle relaxant", "muscle relaxants", "muscle relaxer", "muscle relaxers"),
            *("flexeril", "cyclobenzaprine", "robaxin", "methocarbamol", "tizanidine", "baclofen"),
        ],
        "opioid": [
            *("opioid", "opioids", "narcotic", "narcotics", "oxycodone", "vicodin", "percocet"),
            *("tramadol", "hydrocodone"),
        ],
        "gabapentin": ["gabapentin", "pregabalin", "lyrica", "neurontin"],
    },
}

_LEVEL = r"(?i)^(c[1-8]|t(1[0-2]|[1-9])|l[1-6]|s[1-5])$"
_UNITS = ["day", "days", "week", "weeks", "month", "months", "year", "years", "hour", "hours"]
_NUMBERS = ["a", "an", "one", "two", "three", "four", "five", "six", "few", "couple", "several"]


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


@functools.cache
def _phrases() -> PhraseMatcher:
    matcher = PhraseMatcher(pipeline().vocab, attr="LOWER")
    for kind, values in TERMS.items():
        for value, texts in values.items():
            matcher.add(f"{kind}/{value}", [pipeline().make_doc(text) for text in texts])
    return matcher


@functools.cache
def _patterns() -> Matcher:
    matcher = Matcher(pipeline().vocab)
    level = {"TEXT": {"REGEX": _LEVEL}}
    lower = {"TEXT": {"REGEX": r"(?i)^([ctls]?1?[0-9])$"}}
    join = {"LOWER": {"IN": ["-", "–", "/", "to", "and"]}}
    matcher.add("level", [[level], [level, join, lower], [level, level]])
    number: list[dict[str, Any]] = [{"LIKE_NUM": True}, {"LOWER": {"IN": _NUMBERS}}]
    unit = {"LOWER": {"IN": _UNITS}}
    of = {"LOWER": "of", "OP": "?"}
    matcher.add("duration", [[each, of, unit] for each in number])
    return matcher


def spine_terms(text: str) -> list[SpineTerm]:
    """Return the spine words of ``text`` from left to right; the longest wins where two overlap."""
    document = pipeline().make_doc(text)
    return [_term(span) for span in filter_spans(_spans(document))]


def _spans(document: Doc) -> list[Span]:
    strings = document.vocab.strings
    found = [*_phrases()(document), *_patterns()(document)]
    return [Span(document, start, end, label=strings[key]) for key, start, end in found]


def _term(span: Span) -> SpineTerm:
    kind, _, value = span.label_.partition("/")
    if kind == "level":
        value = _level(span.text)
    return SpineTerm(kind, value or span.text.lower(), span.text, span.start_char, span.end_char)


def _level(text: str) -> str:
    """Return a level as reports write it: "l4/5", "L4 L5" and "L4 to L5" are all "L4-L5"."""
    upper, *rest = map(str, re.findall(r"[CTLS]?\d+", text.upper()))
    if not rest:
        return upper
    lower = rest[0]
    return f"{upper}-{lower if lower[0] in 'CTLS' else upper[0] + lower}"
