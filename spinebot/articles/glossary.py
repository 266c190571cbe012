"""The words of MRI reports in plain language: ``knowledge/report-terms.yml``, read and checked.

``spinebot.articles.report_words`` finds them in what a visitor pastes, and words the reply.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from ruamel.yaml.error import YAMLError

from spinebot.articles.files import Fact, Line
from spinebot.errors import ArticleError
from spinebot.files import parse_yaml
from spinebot.settings import ROOT

logger = logging.getLogger(__name__)

NAME = "report-terms.yml"
FILE = ROOT / "knowledge" / NAME
LONGEST_MEANING = 30  # words


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Common(_Entry):
    """How many people without pain have it, and the facts that say so."""

    low_back: Line | None = Field(None, alias="low back")
    neck: Line | None = None
    facts: list[Fact] = Field(min_length=1)


class Term(_Entry):
    """A word of reports."""

    term: Annotated[str, StringConstraints(min_length=3, max_length=40)]
    spellings: list[Annotated[str, StringConstraints(min_length=2)]] = Field(min_length=1)
    meaning: Line
    facts: list[Fact] = Field(default_factory=list)
    source: Literal["general knowledge"] | None = None
    common: Common | None = None
    in_article: bool = False
    urgent: bool = False
    beside: bool = False


class Glossary(_Entry):
    """The whole file."""

    call_today: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    levels: dict[Annotated[str, StringConstraints(pattern=r"^[CTLS]\d*(-[CTLS]\d*)?$")], Line]
    terms: list[Term] = Field(min_length=1)


def read_glossary(path: Path = FILE) -> Glossary:
    """Return the glossary that the file holds.

    Raises:
        ArticleError: the file cannot be used; every fault is listed as ``file: term: field: what``.
    """
    try:
        entries: Any = parse_yaml(path.read_text(encoding="utf-8"))
        glossary = Glossary.model_validate(entries)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ArticleError(
            [f"{path.name}: cannot be read: {' '.join(str(error).split())}"]
        ) from error
    except ValidationError as error:
        raise ArticleError(
            [f"{path.name}: {each}" for each in _readable(error, entries)]
        ) from error
    faults = [f"{path.name}: {fault}" for fault in _faults(glossary)]
    if faults:
        raise ArticleError(faults)
    return glossary


def check(knowledge: Path) -> str:
    """Return one line on the glossary in a folder of articles, its reading grades checked too.

    Raises:
        ArticleError: as ``read_glossary``; also where a text is too hard to read.
    """
    path = knowledge / NAME
    if not path.is_file():
        return f"no {NAME} in {knowledge}"
    glossary = read_glossary(path)
    hard = [f"{path.name}: {fault}" for fault in _hard(glossary)]
    if hard:
        raise ArticleError(hard)
    return f"{len(glossary.terms)} words of reports checked"


def _readable(error: ValidationError, entries: Any) -> Iterator[str]:
    for fault in error.errors():
        place = list(fault["loc"])
        if place[:1] == ["terms"] and len(place) > 1:
            entry = entries["terms"][place[1]]
            name = entry.get("term") if isinstance(entry, dict) else None
            place = [name or f"terms.{int(place[1]) + 1}", *place[2:]]
        field = ": ".join(str(each + 1) if isinstance(each, int) else each for each in place)
        yield f"{field}: {fault['msg']} (found {str(fault['input'])[:60]!r})"


def _faults(glossary: Glossary) -> Iterator[str]:
    for name, count in Counter(term.term.lower() for term in glossary.terms).items():
        if count > 1:
            yield f"{name}: term: stands {count} times"
    owners: dict[str, str] = {}
    for term in glossary.terms:
        for spelling in dict.fromkeys(each.lower() for each in (term.term, *term.spellings)):
            if owners.setdefault(spelling, term.term) != term.term:
                yield f"{term.term}: spellings: {spelling!r} is one of {owners[spelling]!r} too"
        yield from _term_faults(term)


def _term_faults(term: Term) -> Iterator[str]:
    if bool(term.facts) == bool(term.source):
        yield f"{term.term}: facts: name facts, or 'general knowledge' as source, and not both"
    for spelling, count in Counter(each.lower() for each in term.spellings).items():
        if count > 1:
            yield f"{term.term}: spellings: {spelling!r} stands {count} times"
    if len(term.meaning.split()) > LONGEST_MEANING:
        yield f"{term.term}: meaning: has more than {LONGEST_MEANING} words"
    if re.search(r"[.!?]$", term.meaning) is None:
        yield f"{term.term}: meaning: is no whole sentence"
    if term.common and not (term.common.low_back or term.common.neck):
        yield f"{term.term}: common: has no text for 'low back' or 'neck'"
    if term.common and term.urgent:
        yield f"{term.term}: common: may not stand where the doctor is to be called"


def _hard(glossary: Glossary) -> Iterator[str]:
    from spinebot.articles.reading import HARDEST_GRADE, grade

    texts = [("call_today", glossary.call_today)]
    for term in glossary.terms:
        texts.append((f"{term.term}: meaning", term.meaning))
        if term.common:
            lines = (term.common.low_back, term.common.neck)
            texts += [(f"{term.term}: common", line) for line in lines if line]
    for place, text in texts:
        if (measured := grade(text)) > HARDEST_GRADE:
            yield f"{place}: grade {measured}, the limit is {HARDEST_GRADE}"


def glossary() -> Glossary:
    """Return the project's glossary, read anew when the file has changed.

    A fault saved while the bot runs must not silence it: what was last in order stays in force.
    """
    changed = FILE.stat().st_mtime_ns if FILE.is_file() else 0
    if _last_good.get("changed") != changed:
        try:
            _last_good["glossary"] = read_glossary(FILE)
        except ArticleError as error:
            if "glossary" not in _last_good:
                raise
            logger.error("%s is not used as it is now: %s", NAME, error)
        _last_good["changed"] = changed
    found: Glossary = _last_good["glossary"]
    return found


_last_good: dict[str, Any] = {}
