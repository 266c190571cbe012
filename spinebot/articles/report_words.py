"""Words of an MRI report in what a visitor writes, and the reply that explains them.

It explains words. It never reads a visitor's report: every reply ends by saying that a person must
look at the images. What a report denies ("no fracture") is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.matcher import PhraseMatcher
from spacy.util import filter_spans

from spinebot.articles.glossary import Glossary, Term, glossary
from spinebot.language.spine_terms import document, pipeline, spine_terms
from spinebot.language.word_lines import line_of, word_set

MOST_TERMS = 6
MOST_LEVELS = 4


@dataclass(frozen=True)
class Found:
    """What a text holds: its terms in order, each once, and its levels."""

    terms: tuple[Term, ...]
    levels: tuple[str, ...]
    regions: frozenset[str] = frozenset()
    urgent: bool = False

    @property
    def _own(self) -> list[Term]:
        return [term for term in self.terms if not term.beside]

    @property
    def is_report(self) -> bool:
        """Whether these are words of a report: two terms or more, or one with a level."""
        return len(self._own) >= 2 or bool(self._own and self.levels)

    @property
    def is_only_here(self) -> bool:
        """Whether there are terms, and none that the article on report words explains."""
        return bool(self._own) and not any(term.in_article for term in self._own)


@dataclass(frozen=True)
class Explanation:
    """A reply: plain text, and its parts for a channel that shows them its own way."""

    text: str
    custom: dict[str, Any]


_built: tuple[Glossary, PhraseMatcher] | None = None


def _matcher(entries: Glossary) -> PhraseMatcher:
    """The matcher of the glossary in force; built anew only when its file has changed."""
    global _built
    if _built is None or _built[0] is not entries:
        _built = entries, _build(entries)
    return _built[1]


def _build(entries: Glossary) -> PhraseMatcher:
    matcher = PhraseMatcher(pipeline().vocab, attr="NORM")
    for number, term in enumerate(entries.terms):
        spellings = {form for each in (term.term, *term.spellings) for form in _forms(each.lower())}
        matcher.add(str(number), [pipeline().make_doc(form) for form in sorted(spellings)])
    return matcher


def _forms(spelling: str) -> Iterator[str]:
    """Yield a spelling with disc as disk, hyphens as spaces or not at all, and its plural."""
    discs = {spelling, re.sub(r"\bdisc\b", "disk", spelling)}
    for form in {
        way for each in discs for way in (each, each.replace("-", " "), each.replace("-", ""))
    }:
        yield form
        yield re.sub(r"is$", "es", form) if form.endswith("is") else f"{form}s"
        if form.endswith("y"):
            yield f"{form[:-1]}ies"


def find(text: str) -> Found:
    """Return the terms that ``text`` names, in order, and its levels; what is denied is left out.

    Of two terms in the same place the longer one is found; each term is found once.
    """
    here = _terms_in(text)
    own = [place for place, term in here.items() if not term.beside]
    kept = {
        place: term
        for place, term in here.items()
        if not term.beside or any(_are_close(place, each) for each in own)
    }
    spine = spine_terms(text)
    return Found(
        terms=tuple({term.term: term for term in kept.values()}.values()),
        levels=tuple(dict.fromkeys(term.value for term in spine if term.kind == "level")),
        regions=frozenset(term.value for term in spine if term.kind == "region"),
        urgent=any(term.urgent and not is_old for (_, _, is_old), term in kept.items()),
    )


# The first token of a term, one past its last, and whether it is said to be old.
Place = tuple[int, int, bool]


def _terms_in(text: str) -> dict[Place, Term]:
    """Return what is there, by its place in the text."""
    tokens, known = document(text), glossary()
    matches = _matcher(known)(tokens)
    numbers = {(start, end): int(tokens.vocab.strings[key]) for key, start, end in matches}
    words = line_of(tokens).words
    return {
        (
            span.start,
            span.end,
            bool(_OLD.intersection(words[max(0, span.start - 2) : span.start])),
        ): known.terms[numbers[span.start, span.end]]
        for span in filter_spans([tokens[start:end] for _, start, end in matches])
        if not _is_denied(words, span.start, span.end)
    }


def _are_close(one: Place, other: Place) -> bool:
    return max(one[0], other[0]) - min(one[1], other[1]) < 3


# A report's way to say that something is not there.
_DENIES = word_set("no without absence nor")
_DENIES_BEFORE = {"negative": "for", "free": "of"}
_NORMAL = word_set("normal unremarkable preserved maintained intact")
# "No idea what this means" denies nothing, and "no change in the bulge" says that it is there.
_DENIES_NOTHING = word_set("idea clue one doctor longer way pain relief help sure change changes")
_DENIES_NOTHING |= word_set("worsening progression improvement")
# Here a report, or a visitor, begins to speak of something that is there.
_TURNS = word_set(". ; ! ? but however although despite says said shows showed report mri means")
_TURNS |= word_set("mean meaning is are what i my it he she they")
_ADDS = word_set("mild moderate severe minimal small large broad there a an left right bilateral")
_OLD = word_set("old chronic healed remote prior previous")
_NOT_SEEN = re.compile(
    r"(?:is |are |was |were |remains? |: )?(?:not (?:seen|identified|present|evident|demonstrated|"
    r"appreciated)|none|no(?= |$)|absent|normal|unremarkable|preserved|maintained|intact|negative)"
    r"(?!\S)"
)


def _is_denied(words: Sequence[str], start: int, end: int) -> bool:
    if _NOT_SEEN.match(" ".join(words[end : end + 4])):
        return True
    for at in range(start - 1, max(-1, start - 40), -1):
        word = words[at]
        if word in _DENIES or _DENIES_BEFORE.get(word) == words[at + 1]:
            return not _DENIES_NOTHING.intersection(words[at + 1 : at + 4])
        if word in _NORMAL and start - at <= 3:
            return True
        if word in _TURNS or (word in {",", "with", "and"} and _adds(words[at + 1])):
            return False
    return False


def _adds(word: str) -> bool:
    return word in _ADDS or re.fullmatch(r"[ctls]\d\d?", word) is not None


def explain(found: Found, opening: str, closing: str, advice: str | None = None) -> Explanation:
    """Return the reply: advice, opening, terms and levels in plain words, closing.

    advice: what must be said first, as where the message asks about an emergency.
    """
    entries = glossary()
    terms = [
        {"term": term.term, "meaning": term.meaning, "common": _common(term, found)}
        for term in _most_telling(found.terms)
    ]
    levels = [
        {"level": level, "meaning": meaning}
        for level in found.levels[:MOST_LEVELS]
        if (meaning := _level(level, entries.levels))
    ]
    call = entries.call_today if found.urgent else None
    lines = [
        *(
            f"- **{each['term']}:** {each['meaning']} {each['common'] or ''}".strip()
            for each in terms
        ),
        *(f"- **{each['level']}** is {each['meaning']}." for each in levels),
    ]
    parts = [advice, call, opening, "\n".join(lines), closing]
    custom = {
        "type": "glossary",
        "advice": advice,
        "call_today": call,
        "opening": opening,
        "terms": terms,
        "levels": levels,
        "closing": closing,
    }
    return Explanation("\n\n".join(part for part in parts if part), custom)


def _most_telling(terms: Sequence[Term]) -> list[Term]:
    """Return at most ``MOST_TERMS``, in order: red flags go first, words like "mild" last."""
    ranked = sorted(terms, key=lambda term: (not term.urgent, term.beside))[:MOST_TERMS]
    return [term for term in terms if term in ranked]


def _common(term: Term, found: Found) -> str | None:
    """Return how common it is where the report speaks of: low back, neck or both."""
    if term.common is None:
        return None
    neck = "neck" in found.regions or any(level.startswith("C") for level in found.levels)
    low = "low back" in found.regions or any(level.startswith("L") for level in found.levels)
    lines = [
        term.common.low_back if low or not neck else None,
        term.common.neck if neck else None,
    ]
    return " ".join(line for line in lines if line) or None


def _level(level: str, levels: dict[str, str]) -> str | None:
    return levels.get(level) or levels.get("-".join(end[0] for end in level.split("-")))
