"""What must never be said is caught, and what only sounds like it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from spinebot import articles
from spinebot.articles import cautions
from spinebot.clinic import FILE, read_clinic
from tests.conftest import ROOT, WORDS

Write = Callable[..., Path]
TODAY = date(2026, 6, 1)
SENTENCES: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / "tests" / "data" / "cautions.yml").read_text(encoding="utf-8")
)
LIST = {caution.id: caution for caution in cautions.cautions()}


def ids(text: str) -> set[str]:
    return {caution.id for caution, _ in cautions.found_in(text)}


def sentences(kind: str) -> list[tuple[str, str]]:
    return [(name, sentence) for name, entry in SENTENCES.items() for sentence in entry[kind]]


# Each caution


@pytest.mark.parametrize(("caution", "sentence"), sentences("caught"))
def test_what_must_not_be_said_is_caught(caution: str, sentence: str) -> None:
    assert caution in ids(sentence)


@pytest.mark.parametrize(("caution", "sentence"), sentences("passes"))
def test_a_near_sentence_passes(caution: str, sentence: str) -> None:
    assert caution not in ids(sentence)


def test_each_caution_has_three_sentences_of_each_kind() -> None:
    assert set(SENTENCES) == set(LIST)
    assert [n for n, e in SENTENCES.items() if min(len(e["caught"]), len(e["passes"])) < 3] == []


def test_every_section_of_the_facts_sheet_has_a_caution() -> None:
    # Section 7 forbids what 3 (diagnosis), 15 (dates) and 11 (gabapentin) forbid already.
    assert set(range(27)) - {caution.section for caution in LIST.values()} == {7}


def test_a_caution_says_why_in_one_line() -> None:
    assert [c.id for c in LIST.values() if not c.why or "\n" in c.why or len(c.why) > 100] == []


# What surrounds the words


@pytest.mark.parametrize(
    "text",
    [
        "**Exercise** will **cure** you.",
        "EXERCISE CURES A DISC.",
        "It is cheap:\n\n- it has **no risks**",
        "Do not give up; it cures.",
        "It is not cheap, but it cures.",
        "Nothing was proven and it cures.",
    ],
)
def test_markup_capitals_and_a_denial_elsewhere_hide_nothing(text: str) -> None:
    assert ids(text) & {"cure", "no-risk"}


@pytest.mark.parametrize(
    "text", ["It doesn’t cure.", "It can't cure a disc.", "No pill is a cure."]
)
def test_a_denial_in_the_same_clause_is_heard(text: str) -> None:
    assert ids(text) == set()


@pytest.mark.parametrize("text", ["No-cost\nMRI review.* Ask first.", "A no-cost **MRI review.***"])
def test_a_mark_is_seen_across_lines_and_bold(text: str) -> None:
    assert ids(text) == set()


# Where it is looked for


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("title: What is a sample?", "title: A cure", "title"),
        ("summary: A short sample.", "summary: A cure.", "summary"),
        ("An opening.", "A cure.", "opening"),
        ("## The first thing", "## A cure", "first"),
        ("ask_first: What is first?", "ask_first: This is a cure", "first"),
        ("{#second}\n\n", "{#second}\n\nThis is a cure. ", "second"),
    ],
)
def test_every_part_of_an_article_is_checked(
    write_article: Write, old: str, new: str, place: str
) -> None:
    files = articles.read_articles(write_article((old, new)), TODAY)
    why = LIST["cure"].why
    assert list(cautions.article_faults(files)) == [
        f"samples/sample.md: {place}: cure: 'cure': {why}"
    ]


@pytest.mark.parametrize(
    ("old", "place"),
    [
        ("  greet: Hello!", "wording.greet"),
        ('  title: "', "widget.title"),
        ('  "^": "', "footnotes.^"),
        ("  callback: |\n    ", "consent.callback"),
    ],
)
def test_every_wording_of_the_clinic_is_checked(tmp_path: Path, old: str, place: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "clinic.yml"
    file.write_text(text.replace(old, f"{old}We have a cure. ", 1), encoding="utf-8")
    [fault] = cautions.clinic_faults(read_clinic(file))
    assert fault.startswith(f"clinic.yml: {place}: cure: 'cure': ")


def test_no_article_says_what_must_not_be_said() -> None:
    assert list(cautions.article_faults(articles.read_articles(ROOT / "knowledge"))) == []


def test_no_wording_of_the_clinic_says_what_must_not_be_said() -> None:
    assert list(cautions.clinic_faults(read_clinic(FILE))) == []


# Speed


def test_no_pattern_repeats_a_group_or_has_an_unbounded_gap() -> None:
    patterns = [p.pattern for caution in LIST.values() for p in caution.patterns]
    assert [p for p in patterns if re.search(r"\)(?:[*+]|\{\d*,)|\.[*+]|\\[wsWS][*+]", p)] == []


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "your " * 20_000,
        "clinic take weakness discs " * 4_000,
        "the pain will not ease, " * 4_000,
        "1,000,000," * 10_000,
        " " * 100_000,
        "- \n" * 30_000,
        "Do not! " * 12_000 + WORDS,
    ],
)
def test_long_text_is_read_to_its_end(text: str) -> None:
    """How long that takes is measured by `bench.attacks`."""
    assert isinstance(list(cautions.found_in(text)), list)
