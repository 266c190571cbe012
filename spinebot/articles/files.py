"""Reads ``knowledge/<topic>/<slug>.md`` and checks every field. All faults are found, then raised.

A file is front matter between two lines ``---``, an opening, and sections
``## Heading {#slug}``, each described in the front matter's ``sections``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from ruamel.yaml.error import YAMLError

from spinebot.articles.cases import KINDS
from spinebot.errors import ArticleError
from spinebot.files import parse_yaml

ANSWER_WORDS = range(60, 121)
PENDING = "pending clinical review"

_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_HEADING = re.compile(r"^## (?P<heading>.+?) \{#(?P<slug>[a-z0-9-]+)\}[ \t]*$", re.MULTILINE)

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Intent = Annotated[str, StringConstraints(pattern=r"^ask_[a-z0-9_]+$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\n]+$")]
ButtonTitle = Annotated[str, StringConstraints(min_length=3, max_length=48)]
Fact = Annotated[str, StringConstraints(pattern=r"^(\d+\.\d{1,2}|RF\d{2})$")]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


class _Front(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceFront(_Front):
    """Where an article's facts come from."""

    title: Line
    url: Address


class SectionFront(_Front):
    """What the front matter says of a section."""

    slug: Slug
    answers: dict[Intent, ButtonTitle] = Field(default_factory=dict)
    # What must have been said for this section to answer in place of the plain one.
    when: dict[Kind, list[str]] = Field(default_factory=dict)
    facts: list[Fact] = Field(min_length=1)
    next: list[Intent] = Field(default_factory=list, max_length=3)
    offer_mri_review: bool = False

    @field_validator("when", mode="before")
    @classmethod
    def _each_a_list(cls, value: Any) -> Any:
        """Take one value for a list of one, and YAML's yes and no for words."""
        if not isinstance(value, dict):
            return value
        lists = {kind: each if isinstance(each, list) else [each] for kind, each in value.items()}
        words = {True: "yes", False: "no"}
        return {
            kind: [words.get(each, each) if isinstance(each, bool) else each for each in values]
            for kind, values in lists.items()
        }


class ArticleFront(_Front):
    """An article's front matter."""

    title: Line
    summary: Line
    written_on: date
    reviewed_by: Line
    reviewed_on: date | None
    review_due: date
    sources: list[SourceFront] = Field(min_length=1)
    sections: list[SectionFront] = Field(min_length=1)


@dataclass(frozen=True)
class SectionFile:
    """A section as its file has it."""

    front: SectionFront
    heading: str
    body: str


@dataclass(frozen=True)
class ArticleFile:
    """An article as its file has it."""

    topic: str
    slug: str
    front: ArticleFront
    opening: str
    sections: list[SectionFile]


def read_articles(directory: Path, today: date | None = None) -> list[ArticleFile]:
    """Return the articles under ``directory``, by topic and slug.

    Raises:
        ArticleError: with every fault of every file, as ``file: field: what``.
    """
    faults: list[str] = []
    articles: list[ArticleFile] = []
    for path in sorted(directory.glob("*/*.md")):
        try:
            article = _read(path)
            articles.append(article)
            faults += [
                f"{_name(path)}: {fault}" for fault in faults_of(article, today or date.today())
            ]
        except ArticleError as error:
            faults += error.faults
    if not articles and not faults:
        faults.append(f"{directory}: there is no article here (expected <topic>/<slug>.md)")
    faults += faults_between(articles)
    if faults:
        raise ArticleError(faults)
    return articles


def count_words(body: str) -> int:
    """Return the number of words, markup aside."""
    return len(re.findall(r"[A-Za-z0-9][A-Za-z0-9'’.,-]*", body))


def _name(path: Path) -> str:
    return "/".join(path.parts[-3:])


def _read(path: Path) -> ArticleFile:
    try:
        return parse_article(path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ArticleError([f"{_name(path)}: text: is not UTF-8 ({error.reason})"]) from error


def parse_article(path: Path, text: str) -> ArticleFile:
    """Return the article that a file's text says; what it says may still be wrong (``faults_of``).

    Raises:
        ArticleError: it is no article.
    """
    match = _FRONT.match(text)
    if match is None:
        raise ArticleError([f"{_name(path)}: front matter: must stand between two lines of ---"])
    try:
        entries: Any = parse_yaml(match[1])
        front = ArticleFront.model_validate(entries)
    except (YAMLError, RecursionError) as error:
        raise ArticleError([f"{_name(path)}: front matter: {_one_line(error)}"]) from error
    except ValidationError as error:
        raise ArticleError([f"{_name(path)}: {fault}" for fault in _readable(error)]) from error
    opening, sections = _split(match[2], front)
    return ArticleFile(path.parent.name, path.stem, front, opening, sections)


def _readable(error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        field = ".".join(
            str(place + 1) if isinstance(place, int) else place for place in fault["loc"]
        )
        yield f"{field}: {fault['msg']} (found {str(fault['input'])[:60]!r})"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _split(text: str, front: ArticleFront) -> tuple[str, list[SectionFile]]:
    """Cut the text at its headings; what has no counterpart is found by ``faults_of``."""
    matches = list(_HEADING.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    described = {section.slug: section for section in front.sections}
    sections = []
    for match, end in zip(matches, ends, strict=True):
        section = described.get(match["slug"]) or SectionFront.model_construct(slug=match["slug"])
        sections.append(SectionFile(section, match["heading"], text[match.end() : end].strip()))
    opening = text[: matches[0].start()] if matches else text
    return opening.strip(), sections


def faults_of(article: ArticleFile, today: date) -> Iterator[str]:
    """Return what is wrong with an article by itself, each as ``field: what``."""
    front = article.front
    if front.written_on > today:
        yield "written_on: lies in the future"
    if front.reviewed_on and front.reviewed_on > today:
        yield "reviewed_on: lies in the future"
    if front.review_due <= (front.reviewed_on or front.written_on):
        yield "review_due: must be later than the last review"
    if (front.reviewed_by == PENDING) != (front.reviewed_on is None):
        yield f"reviewed_on: must be empty while reviewed_by is {PENDING!r}, and only then"
    if not article.opening:
        yield "text: has no opening before its first section"
    described = [section.slug for section in front.sections]
    written = [section.front.slug for section in article.sections]
    for slug, count in Counter(described).items():
        if count > 1:
            yield f"sections: {slug!r} is described {count} times"
        if slug not in written:
            yield f"sections: {slug!r} has no heading in the text: ## ... {{#{slug}}}"
    for slug, count in Counter(written).items():
        if count > 1:
            yield f"text: the heading {{#{slug}}} stands {count} times"
        if slug not in described:
            yield f"text: the heading {{#{slug}}} is not described in sections"
    for section in article.sections:
        if section.front.slug in described:
            yield from _section_faults(section)


def _section_faults(section: SectionFile) -> Iterator[str]:
    place = f"sections.{section.front.slug}"
    words = count_words(section.body)
    if section.front.answers and words not in ANSWER_WORDS:
        yield f"{place}: has {words} words; an answer has {ANSWER_WORDS[0]} to {ANSWER_WORDS[-1]}"
    if section.front.when and not section.front.answers:
        yield f"{place}.when: has no effect without answers"
    for kind in section.front.when:
        if kind not in KINDS:
            yield f"{place}.when: {kind!r} is never said; use one of {', '.join(KINDS)}"
    if section.front.answers and not 2 <= len(section.front.next) <= 3:
        yield f"{place}.next: names {len(section.front.next)} questions; an answer has 2 or 3"
    if set(section.front.next) & set(section.front.answers):
        yield f"{place}.next: names a question that this section answers"
    if re.search(r"^#|<[a-zA-Z/]|\]\(|`", section.body, re.MULTILINE):
        yield f"{place}: only paragraphs, '- ' lists and **bold** may be used"


def faults_between(articles: Sequence[ArticleFile]) -> Iterator[str]:
    """Return what is wrong with articles beside one another, each as ``file: field: what``."""
    for slug, count in Counter(article.slug for article in articles).items():
        if count > 1:
            yield f"{slug}.md: {count} articles have this name; it is the page's address"
    answered: dict[tuple[str, str], str] = {}
    for article, section in _all_sections(articles):
        place = f"{article.topic}/{article.slug}.md: sections.{section.slug}"
        for intent in section.answers:
            case = (intent, str(sorted(section.when.items())))
            if case in answered:
                yield f"{place}.answers: {intent} is already answered by {answered[case]}"
            answered[case] = f"{article.slug}#{section.slug}"
    plain = {
        intent for _, part in _all_sections(articles) if not part.when for intent in part.answers
    }
    for article, section in _all_sections(articles):
        for intent in set(section.answers) - plain:
            yield (
                f"{article.topic}/{article.slug}.md: sections.{section.slug}.when: "
                f"{intent} has no section without `when` to fall back on"
            )
    for article, section in _all_sections(articles):
        for intent in section.next:
            if intent not in plain:
                yield (
                    f"{article.topic}/{article.slug}.md: sections.{section.slug}.next: "
                    f"{intent} is answered by no section"
                )


def _all_sections(articles: Sequence[ArticleFile]) -> Iterator[tuple[ArticleFile, SectionFront]]:
    return ((article, section) for article in articles for section in article.front.sections)
