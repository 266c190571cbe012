"""An article as an editor's form has it, and back into its file: only what was changed changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from spinebot.articles import cautions, reading
from spinebot.articles.files import (
    ANSWER_WORDS,
    ArticleFile,
    count_words,
    faults_between,
    faults_of,
    parse_article,
    read_articles,
)
from spinebot.errors import ArticleError, NotFoundError
from spinebot.training import changes
from spinebot.training.changes import project
from spinebot.training.intents import LONGEST_SLUG, article_path

_SLUG = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
# The form has the time of the moment; the limit keeps the notes of a check short.
HARD_SENTENCES = 3


@dataclass(frozen=True)
class SectionText:
    """A section as the form has it. facts and following: separated by commas or blanks."""

    slug: str
    heading: str
    body: str
    facts: str = ""
    following: str = ""
    offer_mri_review: bool = False
    # What it answers, and when: set by the wizard of intents, shown here.
    answers: tuple[tuple[str, str], ...] = ()
    when: str = ""

    @property
    def words(self) -> int:
        """How long it is."""
        return count_words(self.body)

    @property
    def grade(self) -> float:
        """How hard it is to read (Flesch-Kincaid)."""
        return reading.grade(self.body) if self.body.strip() else 0.0

    @property
    def hard_sentences(self) -> list[str]:
        """Return the hardest sentences, where the section is too hard."""
        if self.grade <= reading.HARDEST_GRADE:
            return []
        return reading.hardest(self.body)[:HARD_SENTENCES]


@dataclass(frozen=True)
class ArticleText:
    """An article as the form has it. sources: a line each, title and address with | between."""

    topic: str
    slug: str
    title: str
    summary: str
    opening: str
    written_on: str
    reviewed_by: str
    reviewed_on: str
    review_due: str
    sources: str
    sections: list[SectionText] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The file in the project."""
        return f"knowledge/{self.topic}/{self.slug}.md"


def topics() -> list[str]:
    """Return the folders that articles lie in."""
    return sorted(path.name for path in (project() / "knowledge").iterdir() if path.is_dir())


def read(slug: str) -> ArticleText:
    """Return an article for the form.

    Raises:
        NotFoundError: there is no such article.
    """
    name = article_path(slug)
    if name is None:
        raise NotFoundError("There is no such article.")
    path = project() / name
    return as_text(parse_article(path, path.read_text(encoding="utf-8")))


def as_text(article: ArticleFile) -> ArticleText:
    """Return an article as the form has it."""
    front = article.front
    return ArticleText(
        topic=article.topic,
        slug=article.slug,
        title=front.title,
        summary=front.summary,
        opening=article.opening,
        written_on=front.written_on.isoformat(),
        reviewed_by=front.reviewed_by,
        reviewed_on=front.reviewed_on.isoformat() if front.reviewed_on else "",
        review_due=front.review_due.isoformat(),
        sources="\n".join(f"{source.title} | {source.url}" for source in front.sources),
        sections=[
            SectionText(
                slug=section.front.slug,
                heading=section.heading,
                body=section.body,
                facts=", ".join(section.front.facts),
                following=", ".join(section.front.next),
                offer_mri_review=section.front.offer_mri_review,
                answers=tuple(section.front.answers.items()),
                when="; ".join(f"{k}: {', '.join(v)}" for k, v in section.front.when.items()),
            )
            for section in article.sections
        ],
    )


def compose(text: ArticleText, before: str) -> str:
    """Return the file of an article. before: the file as it is; empty for a new one."""
    front = before.split("---\n", 2)[1] if before else "sections: []\n"
    yaml = _yaml()
    entries: CommentedMap = yaml.load(front)
    known = {section["slug"]: section for section in entries["sections"]}
    values: dict[str, Any] = {
        "title": _line(text.title),
        "summary": _line(text.summary),
        "written_on": _date(text.written_on),
        "reviewed_by": _line(text.reviewed_by),
        "reviewed_on": _date(text.reviewed_on),
        "review_due": _date(text.review_due),
        "sources": _sources(text.sources),
    }
    if not before:
        entries = CommentedMap({**values, "sections": CommentedSeq()})
    for key, value in values.items():
        if _plain(entries.get(key)) != _plain(value):
            entries[key] = value
    sections = [_section(known.get(each.slug), each) for each in text.sections]
    if sections != list(entries["sections"]):
        entries["sections"] = CommentedSeq(sections)
    stream = StringIO()
    yaml.dump(entries, stream)
    parts = [f"---\n{stream.getvalue()}---\n\n{_body(text.opening)}\n"]
    for each in text.sections:
        parts.append(f"\n## {_line(each.heading)} {{#{each.slug}}}\n\n{_body(each.body)}\n")
    return "".join(parts)


def faults(text: ArticleText) -> list[str]:
    """Return why the article cannot be saved, each as ``field: what``; empty: it can."""
    return list(_faults(text))


def save(text: ArticleText, who: str) -> None:
    """Write the article into its file.

    Raises:
        ArticleError: it has faults; nothing has changed.
    """
    if found := faults(text):
        raise ArticleError(found)
    is_new = article_path(text.slug) is None
    subject = f"{'Add' if is_new else 'Edit'} the article {text.slug}"
    with changes.change(subject, who) as writer:
        writer.write(text.name, compose(text, writer.read(text.name)))


def preview(text: ArticleText) -> ArticleFile | None:
    """Return the article as its page would have it, or None where it is no article yet."""
    try:
        return parse_article(Path(text.topic) / f"{text.slug}.md", compose(text, _before(text)))
    except (ArticleError, ValueError, KeyError):
        return None


def _before(text: ArticleText) -> str:
    if _name_faults(text):
        return ""
    path = project() / text.name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _name_faults(text: ArticleText) -> list[str]:
    """Return what keeps an article's topic and slug from being the name of a file."""
    faults = []
    if not _SLUG.fullmatch(text.slug) or len(text.slug) > LONGEST_SLUG:
        faults.append(
            f"slug: small letters, digits and single hyphens only, {LONGEST_SLUG} at most; "
            "it is the page's address"
        )
    if not re.fullmatch(r"[a-z]{1,40}", text.topic):
        faults.append("topic: one word in small letters")
    return faults


def _faults(text: ArticleText) -> Iterator[str]:
    if names := _name_faults(text):
        yield from names
        return
    elsewhere = article_path(text.slug)
    if elsewhere is not None and elsewhere != text.name:
        yield f"slug: {elsewhere} has this name; it is the page's address"
    for section in text.sections:
        if not _SLUG.fullmatch(section.slug):
            yield f"sections.{section.slug or '?'}: small letters, digits and single hyphens only"
            return
    for what, value in (
        ("written_on", text.written_on),
        ("reviewed_on", text.reviewed_on),
        ("review_due", text.review_due),
    ):
        try:
            _date(value)
        except ValueError:
            yield f"{what}: {value!r} is no date; write it as 2026-05-25"
            return
    try:
        article = parse_article(Path(text.topic) / f"{text.slug}.md", compose(text, _before(text)))
    except ArticleError as error:
        yield from (fault.split(".md: ", 1)[-1] for fault in error.faults)
        return
    yield from _faults_of_the_whole(article, text)


def _faults_of_the_whole(article: ArticleFile, text: ArticleText) -> Iterator[str]:
    """Yield what is wrong with an article that can be read: its facts, its words, its ease."""
    yield from faults_of(article, date.today())
    known = _others(text.slug)
    yield from (fault for fault in faults_between([*known, article]) if f"{text.slug}.md" in fault)
    file = f"{text.topic}/{text.slug}.md: "
    yield from (fault.removeprefix(file) for fault in cautions.article_faults([article]))
    yield from (
        fault.removeprefix(file)
        for fault in reading.whole_faults([article])
        if not fault.startswith("all articles")
    )
    for hard in reading.hard_sections([article]):
        place = hard.place.removeprefix(file)
        yield f"{place}: grade {hard.grade:.1f}, the limit is {reading.HARDEST_GRADE:.0f}"


def _others(slug: str) -> list[ArticleFile]:
    return [each for each in read_articles(project() / "knowledge") if each.slug != slug]


def _yaml() -> YAML:
    """Return YAML that writes front matter as the articles have it."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _section(known: CommentedMap | None, text: SectionText) -> CommentedMap:
    entry = known if known is not None else CommentedMap({"slug": text.slug})
    values: dict[str, Any] = {"facts": _words(text.facts), "next": _words(text.following)}
    for key, value in values.items():
        if _plain(entry.get(key) or []) != value:
            found = CommentedSeq(value)
            found.fa.set_flow_style()
            if value or key == "facts":
                entry[key] = found
            else:
                entry.pop(key, None)
    if bool(entry.get("offer_mri_review")) != text.offer_mri_review:
        if text.offer_mri_review:
            entry["offer_mri_review"] = True
        else:
            entry.pop("offer_mri_review", None)
    return entry


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _sources(text: str) -> CommentedSeq:
    found = CommentedSeq()
    for line in text.splitlines():
        if line.strip():
            title, _, url = line.rpartition("|")
            found.append(CommentedMap({"title": _line(title), "url": url.strip()}))
    return found


def _date(text: str) -> date | None:
    return date.fromisoformat(text.strip()) if text.strip() else None


def _line(text: str) -> str:
    return " ".join(text.split())


def _body(text: str) -> str:
    """Return a text as files have it: no blanks at the ends of lines, at most one empty line."""
    lines = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def with_section(text: ArticleText) -> ArticleText:
    """Return the form with one more, empty section."""
    return replace(text, sections=[*text.sections, SectionText("", "", "")])


ANSWER_LENGTH = f"{ANSWER_WORDS[0]} to {ANSWER_WORDS[-1]}"
