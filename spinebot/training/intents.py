"""A new question intent, in all files that an intent stands in: one change, with its diff.

It goes into the training data, the domain, the rules, the section that answers it, the test set,
the conversation tests and the table of borders. Lines are put in where YAML says that the last one
of their kind stands; nothing else in a file changes, which is checked before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from spinebot.articles.files import (
    ANSWER_WORDS,
    count_words,
    faults_between,
    faults_of,
    parse_article,
    read_articles,
)
from spinebot.errors import ArticleError, SpinebotError
from spinebot.files import parse_yaml
from spinebot.language.intent_names import name_of
from spinebot.training import changes, examples, stories
from spinebot.training.changes import Writer, project
from spinebot.training.examples import TESTS, TRAINING, Example

DOMAIN, RULES, BORDERS = "domain.yml", "data/rules.yml", "docs/intents.md"
STORIES = "tests/stories/test_questions.yml"
ANSWERS = "action_answer_question"
FEWEST_EXAMPLES, FEWEST_TESTS = 10, 3
LONGEST_SLUG = 100  # it is a file name, and an address
TITLE_LENGTH = range(3, 49)
_NAME = re.compile(r"^ask_[a-z0-9]+(_[a-z0-9]+)*$")


class IntentError(SpinebotError):
    """An intent cannot be added. ``faults``: what is wrong, each with its field."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        """Take (field, what)."""
        super().__init__("\n".join(f"{where}: {what}" for where, what in faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Draft:
    """A question intent that is to be.

    wants: what the visitor wants to know; section: ``<article>#<section>`` that answers it; title:
    the question on its button; following: the questions offered after a section that answered none
    so far.
    """

    name: str
    wants: str
    title: str
    section: str
    examples: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    following: list[str] = field(default_factory=list)


def read_draft(file: Path) -> Draft:
    """Return the draft that a YAML file holds: the fields of ``Draft``, lists as lists.

    Raises:
        IntentError: it holds none.
    """
    try:
        content = parse_yaml(file.read_text(encoding="utf-8"))
        known = {each.name for each in fields(Draft)}
        if not isinstance(content, dict) or set(content) - known:
            raise IntentError([(file.name, f"It holds {', '.join(sorted(known))}, and no more.")])
        listed = {"examples", "tests", "following"}
        values: dict[str, Any] = {
            name: [examples.clean(str(each)) for each in content.get(name) or []]
            if name in listed
            else str(content.get(name) or "")
            for name in known
        }
        return Draft(**values)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise IntentError([(file.name, " ".join(str(error).split()))]) from error


def suggested_name(question: str) -> str:
    """Return a name for the intent of a question: its words that say something."""
    words = [word for word in examples.normal(question).split() if word not in _EMPTY]
    return "ask_" + "_".join(words[:4]) if words else ""


_EMPTY = frozenset(
    """a an and are as at be can could do does for from get go have how i in is it its me my of on
    or should so that the there this to was what when where which who why will with would you
    your""".split()  # noqa: SIM905  a list of quoted words would fill a page
)


def faults(draft: Draft, *, root: Path | None = None) -> list[tuple[str, str]]:
    """Return why the draft cannot be added yet, as (field, what); empty: it can."""
    return list(_faults(draft, Writer(root or project())))


def preview(draft: Draft, *, root: Path | None = None) -> str:
    """Return the diff that adding the draft would make.

    Raises:
        IntentError: the draft has faults.
    """
    writer = Writer(root or project())
    _write(draft, writer)
    return writer.diff()


def add(draft: Draft, who: str, *, root: Path | None = None) -> None:
    """Add the intent to the project.

    Raises:
        IntentError: the draft has faults; nothing has changed.
    """
    with changes.change(f"Add the intent {draft.name}", who, root=root) as writer:
        _write(draft, writer)


def _faults(draft: Draft, writer: Writer) -> Iterator[tuple[str, str]]:
    known, tested = examples.parse(writer.read(TRAINING)), examples.parse(writer.read(TESTS))
    if not _NAME.match(draft.name):
        yield "name", "It begins with ask_ and has small letters, digits and single _ only."
    elif draft.name in {each.intent for each in known}:
        yield "name", "There is such an intent already."
    if not draft.wants.strip():
        yield "wants", "Say what the visitor wants to know: it draws the border to other intents."
    elif "|" in draft.wants or "\n" in draft.wants.strip():
        yield "wants", "One line without | please: it stands in a table."
    if len(draft.title.strip()) not in TITLE_LENGTH:
        length = f"{TITLE_LENGTH[0]} to {TITLE_LENGTH[-1]}"
        yield "title", f"It has {len(draft.title.strip())} characters; a button has {length}."
    yield from _section_faults(draft, writer)
    for name, given, least, other in (
        ("examples", draft.examples, FEWEST_EXAMPLES, draft.tests),
        ("tests", draft.tests, FEWEST_TESTS, draft.examples),
    ):
        yield from ((name, what) for what in _text_faults(given, known, tested, other))
        if len(given) < least:
            yield name, f"There are {len(given)}; {least} are the least."


def _text_faults(
    given: Sequence[str], known: Sequence[Example], tested: Sequence[Example], other: Sequence[str]
) -> Iterator[str]:
    elsewhere = {examples.normal(text) for text in other}
    for place, text in enumerate(given):
        if wrong := examples.fault(text, known, tested, given[:place]):
            yield wrong
        elif examples.normal(text) in elsewhere:
            yield f"{text!r}: it cannot both teach and test."


def _section_faults(draft: Draft, writer: Writer) -> Iterator[tuple[str, str]]:
    name, _, slug = draft.section.partition("#")
    path = article_path(name, writer.root)
    if path is None:
        yield "section", "Choose the section that answers it."
        return
    article = parse_article(writer.root / path, writer.read(path))
    section = next((each for each in article.sections if each.front.slug == slug), None)
    if section is None:
        yield "section", f"{name} has no section {slug!r}."
        return
    if section.front.when:
        yield "section", "It answers only in a certain case (`when`): choose one for everybody."
    if section.front.answers:
        return
    words = count_words(section.body)
    if words not in ANSWER_WORDS:
        limits = f"{ANSWER_WORDS[0]} to {ANSWER_WORDS[-1]}"
        yield "section", f"It has {words} words; an answer has {limits}. Edit the section first."
    if not section.front.next and len(set(draft.following)) not in (2, 3):
        yield "following", "Choose 2 or 3 questions to offer after this answer."


def article_path(slug: str, root: Path | None = None) -> str | None:
    """Return an article's file in the project, by its slug."""
    if not re.fullmatch(rf"[a-z0-9-]{{1,{LONGEST_SLUG}}}", slug):
        return None
    root = root or project()
    found = next(iter(sorted((root / "knowledge").glob(f"*/{slug}.md"))), None)
    return str(found.relative_to(root)) if found else None


def _write(draft: Draft, writer: Writer) -> None:
    if found := list(_faults(draft, writer)):
        raise IntentError(found)
    name, _, slug = draft.section.partition("#")
    path = article_path(name, writer.root)
    assert path is not None
    article = parse_article(writer.root / path, writer.read(path))
    answered = [intent for section in article.sections for intent in section.front.answers]
    beside = answered or _questions(writer)
    for file, text in (
        (TRAINING, _with(writer, TRAINING, draft.name, draft.examples, beside)),
        (TESTS, _with(writer, TESTS, draft.name, draft.tests, beside)),
        (DOMAIN, _in_domain(writer, draft.name)),
        (RULES, _in_rules(writer.read(RULES), draft.name)),
        (path, _in_article(writer.read(path), slug, draft)),
        (STORIES, _in_stories(writer.read(STORIES), draft)),
        (BORDERS, _in_borders(writer.read(BORDERS), path, article.front.title, draft)),
    ):
        if text is not None:
            _must_only_add(file, writer.read(file), text)
            writer.write(file, text)
    _must_be_in_order(draft, writer, path)


def _must_only_add(name: str, before: str, after: str) -> None:
    rest = iter(after.splitlines())
    if lost := [line for line in before.splitlines() if line not in rest]:
        raise SpinebotError(f"{name} would lose {lost[0]!r}: please report this fault.")


def _must_be_in_order(draft: Draft, writer: Writer, path: str) -> None:
    """Read what would be written: it must say what was meant."""
    try:
        domain = _yaml(writer.read(DOMAIN))
        lists = _lists(_yaml(writer.read(RULES)))
        article = parse_article(writer.root / path, writer.read(path))
        others = read_articles(writer.root / "knowledge")
        beside = [article, *(each for each in others if each.slug != article.slug)]
        if found := [*faults_of(article, date.today()), *faults_between(beside)]:
            raise ArticleError(found)
        _yaml(writer.read(STORIES))
    except (YAMLError, ArticleError) as error:
        raise SpinebotError(f"The files would not be in order: {error}") from error
    section = draft.section.partition("#")[2]
    answers = next(each.front.answers for each in article.sections if each.front.slug == section)
    taught = [e.text for e in examples.parse(writer.read(TRAINING)) if e.intent == draft.name]
    is_there = draft.name in map(name_of, domain["intents"]) and all(
        draft.name in [each["intent"] for each in intents] for intents in lists
    )
    if not is_there or answers.get(draft.name) != draft.title or taught != draft.examples:
        raise SpinebotError(f"{draft.name} could not be written into the files: report this fault.")


def _yaml(text: str) -> Any:
    return YAML().load(text)


def _lists(rules: Any) -> list[Any]:
    """Return the lists of intents of the rules that answer questions: outside and in the form."""
    found = [
        step["or"]
        for rule in rules["rules"]
        if any(step.get("action") == ANSWERS for step in rule["steps"])
        for step in rule["steps"]
        if "or" in step
    ]
    if not found:
        raise SpinebotError(f"{RULES}: no rule leads from a list of intents to {ANSWERS}.")
    return found


def _questions(writer: Writer) -> list[str]:
    return [str(each["intent"]) for each in _lists(_yaml(writer.read(RULES)))[0]]


def _with(writer: Writer, name: str, intent: str, texts: list[str], beside: list[str]) -> str:
    return examples.with_examples(writer.read(name), intent, texts, after=beside)


def _after_line(text: str, line: int, new: str) -> str:
    """Put a line behind a line (from 0), in its indentation."""
    lines = text.splitlines(keepends=True)
    lines.insert(line + 1, new if new.endswith("\n") else f"{new}\n")
    return "".join(lines)


def _in_domain(writer: Writer, name: str) -> str:
    text = writer.read(DOMAIN)
    intents = _yaml(text)["intents"]
    questions = set(_questions(writer))
    place = max(n for n, each in enumerate(intents) if name_of(each) in questions)
    line, _ = intents.lc.item(place)
    last = text.splitlines()[line]
    return _after_line(text, line, last.replace(name_of(intents[place]), name))


def _in_rules(text: str, name: str) -> str:
    # The last list first: so the lines above stay where they are.
    for intents in reversed(_lists(_yaml(text))):
        line, _ = intents.lc.item(len(intents) - 1)
        last = text.splitlines()[line]
        text = _after_line(text, line, last.replace(str(intents[-1]["intent"]), name))
    return text


def _in_article(text: str, slug: str, draft: Draft) -> str:
    """Name the intent and its question at the section."""
    front = _yaml(text.split("---\n", 2)[1])
    section = next(each for each in front["sections"] if each["slug"] == slug)
    # The front matter begins behind the line of ---.
    if section.get("answers"):
        answers = section["answers"]
        line, column = answers.lc.key(list(answers)[-1])
        return _after_line(
            text, line + 1, f"{' ' * column}{draft.name}: {stories.scalar(draft.title)}"
        )
    line, column = section.lc.key("slug")
    pad = " " * column
    new = [f"{pad}answers:", f"{pad}  {draft.name}: {stories.scalar(draft.title)}"]
    text = _after_line(text, line + 1, "\n".join(new))
    if not section.get("next"):
        # Behind the facts, which stand on one line and moved down by what was just put in.
        line, _ = section.lc.key("facts")
        text = _after_line(text, line + 1 + 2, f"{pad}next: [{', '.join(draft.following)}]")
    return text


def _in_stories(text: str, draft: Draft) -> str | None:
    """Add a conversation test: an example of it is answered from an article."""
    step = stories.Step(draft.examples[0], draft.name, [ANSWERS])
    return stories.with_story(text, draft.title.strip(), [step]) if text else None


def _in_borders(text: str, path: str, title: str, draft: Draft) -> str | None:
    """Add a line to the table of the intents' borders, in the table of the article."""
    if not text:
        return None
    row = f"| `{draft.name}` | {draft.wants.strip()} | |"
    lines = text.splitlines()
    heading = next((n for n, line in enumerate(lines) if f"`{path}`" in line), None)
    if heading is not None:
        end = heading + 1
        while end < len(lines) and not lines[end].startswith("|"):
            end += 1
        while end < len(lines) and lines[end].startswith("|"):
            end += 1
        return _after_line(text, end - 1, row)
    table = (
        f"**{title}** (`{path}`)\n\n| intent | the visitor wants to know | not |\n"
        f"| --- | --- | --- |\n{row}\n"
    )
    # Before the next chapter, which is not about questions.
    chapter = [n for n, line in enumerate(lines) if line.startswith("## ")]
    place = chapter[1] if len(chapter) > 1 else len(lines)
    return "\n".join([*lines[:place], table, *lines[place:]]) + "\n"
