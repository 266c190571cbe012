"""What must never be said: a diagnosis, a dose, a promise, a myth. Checked in every wording.

The list is data (cautions.yml, from the "Must not say" lists of the clinical facts sheet). It finds
slips of whoever writes; it is no proof that a text is right, and replaces no clinician's review.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from spinebot.articles.files import ArticleFile
from spinebot.clinic import FILE, Clinic
from spinebot.files import parse_yaml

LIST = Path(__file__).with_name("cautions.yml")
HARMLESS = ("denied", "asked", "supposed")

_NO = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|cannot|rarely|seldom|\w{2,6}n't)\b"
)
_IF = re.compile(r"\b(?:if|when|whether|unless|once|in case|suppose)\b")
# Denials that deny nothing of what follows.
_EMPTY_NO = re.compile(r"\b(?:not only|why not|no doubt|no wonder|(?:do not|don't) worry)\b")
_CLAUSE = re.compile(
    r"[;:]|, (?:but|so|and|yet|then|this|it|they|we|you|that|as)\b"
    r"| (?:but|yet|however|though|because|since|and) "
)
_SENTENCE = re.compile(r"(?<=[.?!^*])\s+")


@dataclass(frozen=True)
class Caution:
    """One thing that must not be said, the section of the facts sheet that forbids it, and why."""

    id: str
    section: int
    why: str
    patterns: tuple[re.Pattern[str], ...]
    fine: frozenset[str]
    unless: re.Pattern[str] | None


@functools.cache
def cautions() -> tuple[Caution, ...]:
    """Return the list, ready to search."""
    entries: Any = parse_yaml(LIST.read_text(encoding="utf-8"))
    words: dict[str, str] = entries["words"]

    def ready(pattern: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"<(\w+)>", lambda m: words[m[1]], pattern), re.IGNORECASE)

    return tuple(
        Caution(
            id=name,
            section=entry["section"],
            why=entry["why"],
            patterns=tuple(ready(pattern) for pattern in entry["patterns"]),
            fine=frozenset(entry.get("fine", HARMLESS[:2])),
            unless=ready(entry["unless"]) if "unless" in entry else None,
        )
        for name, entry in entries["cautions"].items()
    )


def found_in(text: str) -> Iterator[tuple[Caution, str]]:
    """Return each caution that ``text`` goes against, with the words found."""
    for sentence in _sentences(text):
        for caution in cautions():
            words = _found(caution, sentence)
            if words:
                yield caution, words


def article_faults(articles: Sequence[ArticleFile]) -> Iterator[str]:
    """Return ``file: section: caution: words: why`` for what the articles must not say."""
    for article in articles:
        file = f"{article.topic}/{article.slug}.md"
        yield from _faults(file, "title", article.front.title)
        yield from _faults(file, "summary", article.front.summary)
        yield from _faults(file, "opening", article.opening)
        for section in article.sections:
            titles = section.front.answers.values()
            text = "\n\n".join([section.heading, *titles, section.body])
            yield from _faults(file, section.front.slug, text)


def clinic_faults(clinic: Clinic) -> Iterator[str]:
    """Return the same for every text of ``clinic.yml``, its field in the section's place."""
    for field, text in _texts(clinic):
        yield from _faults(FILE.name, field, text)


def _texts(part: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(part, str):
        yield field, part
    elif isinstance(part, BaseModel):
        for name, value in part:
            yield from _texts(value, f"{field}.{name}".lstrip("."))
    elif isinstance(part, (dict, list)):
        entries: Any = part.items() if isinstance(part, dict) else enumerate(part, 1)
        for key, value in entries:
            yield from _texts(value, f"{field}.{key}")


def _faults(file: str, section: str, text: str) -> Iterator[str]:
    for caution, words in found_in(text):
        yield f"{file}: {section}: {caution.id}: {words!r}: {caution.why}"


def _sentences(text: str) -> Iterator[str]:
    """Yield sentences that keep their ``^`` or ``*``; every line of a list is one of its own."""
    plain = text.replace("**", "").replace("’", "'").replace("\n- ", "\n\n")
    for block in plain.split("\n\n"):
        yield from _SENTENCE.split(" ".join(block.split()))


def _found(caution: Caution, sentence: str) -> str:
    """Return the words of ``sentence`` that go against ``caution``, or nothing."""
    if "asked" in caution.fine and sentence.endswith("?"):
        return ""
    if caution.unless and caution.unless.search(sentence):
        return ""
    for pattern in caution.patterns:
        for match in pattern.finditer(sentence):
            if not _is_harmless(caution, sentence, match):
                return match[0].strip()
    return ""


def _is_harmless(caution: Caution, sentence: str, match: re.Match[str]) -> bool:
    """Whether the words are denied, or only supposed, where that makes them fine."""
    before = _EMPTY_NO.sub("", _CLAUSE.split(sentence[: match.start()].lower())[-1])
    if "denied" in caution.fine:
        # A denial that the pattern asks for is the promise itself: "no side effects".
        within = "" if _NO.search(match.re.pattern.replace(r"\b", " ")) else match[0].lower()
        if _NO.search(before) or _NO.search(within):
            return True
    return "supposed" in caution.fine and bool(_IF.search(before))
