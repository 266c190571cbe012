"""Masks personal data in a text before it is kept in the clear, logged or offered for training.

Found by rules: e-mail addresses, phone and other long numbers, dates of birth, and names where
somebody says "my name is". A name in other places cannot be found without a trained model; an
answer to a question for a name is masked whole by the caller.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from spacy.matcher import Matcher
from spacy.tokens import Span
from spacy.util import filter_spans

from spinebot.language.spine_terms import document, pipeline

# Digits with the signs that people put between them; seven digits are the shortest phone number.
_NUMBER = re.compile(r"\+?\(?\d(?:[\s().\-–/]*\d){6,}")
# From the first sign of a run on: tried from each, a long run without @ would take for ever.
_EMAIL = re.compile(r"(?<![^\s@<>,;])[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+", re.IGNORECASE)
_NAME_LEADS = ["name is", "name's", "names is", "i am called", "call me", "i'm called"]
_NOT_NAMES = {
    *("when", "whenever", "back", "if", "at", "on", "in", "and", "but", "a", "the", "please"),
    *("asap", "tomorrow", "today", "tonight", "later", "now", "soon", "any", "anytime", "after"),
    *("before", "between", "this", "next", "for", "about", "with", "to", "or", "as", "not"),
}
# "Ann" and "O'Brien" are one token each, "Mary-Ann" is three.
_NAME = r"^[^\W\d_]+(['’.][^\W\d_]*)*$"


@functools.cache
def _matcher() -> Matcher:
    matcher = Matcher(pipeline().vocab)
    born: dict[str, Any] = {"LOWER": {"IN": ["born", "dob", "birthday", "birthdate", "birth"]}}
    filler = {"LOWER": {"IN": ["on", "is", ":", "in", "date", "of", "was", "the"]}, "OP": "*"}
    day: dict[str, Any] = {"TEXT": {"REGEX": r"^[\d/.\-]+(st|nd|rd|th)?$"}, "OP": "+"}
    month = {"LOWER": {"REGEX": r"^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"}}
    part = [day, month, {"LOWER": {"IN": [",", "of"]}}]
    matcher.add("date of birth", [[born, filler, first, *rest] for first, *rest in _dates(part)])
    for lead in _NAME_LEADS:
        words = [{"LOWER": token.lower_} for token in pipeline().make_doc(lead)]
        name: dict[str, Any] = {"TEXT": {"REGEX": _NAME}, "LOWER": {"NOT_IN": sorted(_NOT_NAMES)}}
        more: dict[str, Any] = {"TEXT": {"REGEX": r"^[A-ZÀ-Þ]"}, "OP": "{0,2}"}
        double: list[dict[str, Any]] = [name, {"TEXT": "-"}, {"IS_ALPHA": True}]
        names = [[name, more], [*double, more], [name, *double]]
        matcher.add(f"name/{len(words)}", [[*words, *each] for each in names])
    return matcher


def _dates(part: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    day, month, comma = part
    optional = {**comma, "OP": "?"}
    return [[day], [month, day], [month, day, optional, day], [day, optional, month, day]]


def redact(text: str) -> str:
    """Return ``text`` with personal data replaced by [email], [number], [name], [date of birth]."""
    text = _EMAIL.sub("[email]", text)
    text = _NUMBER.sub("[number]", text)
    words = document(text)
    spans = [_masked_part(words[start:end], key) for key, start, end in _matcher()(words)]
    for span in reversed(filter_spans(spans)):
        text = f"{text[: span.start_char]}[{span.label_}]{text[span.end_char :]}"
    return text


def _masked_part(found: Span, key: int) -> Span:
    """Return what is masked: the date with its word, but of "my name is Ann" only the name."""
    label, _, lead = found.doc.vocab.strings[key].partition("/")
    start = found.start + int(lead or 0)
    return Span(found.doc, start, found.end, label=label)
