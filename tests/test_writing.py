"""The editor of articles writes what was changed, and nothing that was not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spinebot.articles import read_articles
from spinebot.errors import ArticleError, NotFoundError
from spinebot.training import changes, writing
from spinebot.training.writing import ArticleText, SectionText
from tests.conftest import ROOT

WHO = "ann@clinic.example"
SLUGS = sorted(path.stem for path in (ROOT / "knowledge").glob("*/*.md"))
SLUG = "physical-therapy-exercise"
BODY = (
    "Gentle walks help many backs. Start slow and add a bit each day. Stop if it hurts more. "
    "Rest for a while, then try again. Warm clothes may help your back feel loose. Talk with your "
    "doctor first if you are not sure. Your therapist can show you the first steps. Most people "
    "feel better with time. Drink some water on the way. Take a friend along if you like to talk."
)


def edited(text: ArticleText, place: int = 0, **more: object) -> ArticleText:
    sections = list(text.sections)
    sections[place] = replace(sections[place], **more)  # type: ignore[arg-type]
    return replace(text, sections=sections)


@pytest.mark.parametrize("slug", SLUGS)
def test_an_article_that_is_not_changed_stays_as_it_is(project: Path, slug: str) -> None:
    text = writing.read(slug)
    before = (project / text.name).read_text(encoding="utf-8")
    assert writing.compose(text, before) == before
    assert writing.faults(text) == []
    writing.save(text, WHO)
    assert changes.history() == []


def test_one_sentence_is_one_line(project: Path) -> None:
    text = writing.read(SLUG)
    body = text.sections[0].body
    writing.save(edited(text, body=body.replace("Physical therapy", "Therapy", 1)), WHO)
    [made] = changes.history()
    lines = changes.shown(made)
    assert [sign for sign, _ in lines] == ["", "-", "+"]
    assert "Therapy" in lines[2][1]
    assert made.subject == f"Edit the article {SLUG}"
    assert read_articles(project / "knowledge")


def test_what_the_front_matter_says_is_changed_in_place(project: Path) -> None:
    text = replace(writing.read(SLUG), reviewed_by="Dr. Sample", reviewed_on="2026-11-01")
    text = edited(text, facts="12.01, 12.04", offer_mri_review=False)
    writing.save(replace(text, review_due="2027-11-01", written_on="2026-10-01"), WHO)
    lines = changes.shown(changes.history()[0])
    gone = [line.strip() for sign, line in lines if sign == "-"]
    assert gone == [
        "written_on: 2026-11-25",
        "reviewed_by: pending clinical review",
        "reviewed_on:",
        "review_due: 2027-05-25",
        'facts: ["12.01", "12.04", "12.09", "12.10", "12.13", "RF01", "RF02"]',
        "offer_mri_review: true",
    ]
    changes.undo(1, WHO)
    assert writing.read(SLUG).reviewed_by == "pending clinical review"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"title": ""}, "title"),
        ({"written_on": "yesterday"}, "is no date"),
        ({"written_on": "2999-01-01"}, "lies in the future"),
        ({"review_due": "2020-01-01"}, "must be later"),
        ({"reviewed_on": "2026-11-20"}, "reviewed_on"),
        ({"sources": ""}, "sources"),
        ({"sources": "A source | ftp://nowhere"}, "sources.1.url"),
        ({"opening": ""}, "no opening"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"slug": "a" * 101}, "100 at most"),
        ({"slug": "a\n"}, "slug"),
        ({"topic": "t" * 41}, "topic"),
        ({"topic": "../etc"}, "topic"),
    ],
)
def test_a_fault_of_the_article_is_named(project: Path, change: dict[str, str], says: str) -> None:
    text = replace(writing.read(SLUG), **change)
    assert any(says in fault for fault in writing.faults(text)), writing.faults(text)
    with pytest.raises(ArticleError):
        writing.save(text, WHO)
    assert changes.history() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"body": "Too short."}, "60 to 120"),
        ({"body": "You have a herniated disc. " + BODY}, "what-physical-therapy-does"),
        ({"body": BODY + " <script>"}, "only paragraphs"),
        ({"facts": "nonsense"}, "facts"),
        ({"following": "ask_nothing_at_all, ask_exercises"}, "answered by no section"),
        ({"following": ""}, "an answer has 2 or 3"),
        ({"slug": "Bad Slug"}, "small letters"),
        (
            {
                "body": "Notwithstanding methodological heterogeneity, multidisciplinary"
                " rehabilitation demonstrably ameliorates musculoskeletal symptomatology. " * 8
            },
            "the limit is 8",
        ),
    ],
)
def test_a_fault_of_a_section_is_named(project: Path, change: dict[str, str], says: str) -> None:
    text = edited(writing.read(SLUG), **change)
    assert any(says in fault for fault in writing.faults(text)), writing.faults(text)


def test_hard_sentences_are_marked() -> None:
    hard = "Multidisciplinary rehabilitation demonstrably ameliorates symptomatology."
    section = SectionText("a", "A", f"You can walk. {hard} You can rest.")
    assert section.grade > 8
    assert section.hard_sentences[0] == hard


def test_a_new_article_is_written_whole(project: Path) -> None:
    text = ArticleText(
        topic="care",
        slug="walking",
        title="Walking: does it help?",
        summary="What walks may do for your back.",
        opening="Many people ask about walks. Here is what we know.",
        written_on="2026-11-01",
        reviewed_by="pending clinical review",
        reviewed_on="",
        review_due="2027-05-01",
        sources="WHO guideline | https://example.org/who\nA: study | https://example.org/study",
        sections=[
            SectionText(f"walk-{n}", f"Walk {n}", BODY, facts="12.01, RF01") for n in range(6)
        ],
    )
    assert writing.faults(text) == []
    writing.save(text, WHO)
    assert changes.history()[0].subject == "Add the article walking"
    assert writing.read("walking") == text
    [article] = [each for each in read_articles(project / "knowledge") if each.slug == "walking"]
    assert [source.title for source in article.front.sources] == ["WHO guideline", "A: study"]
    changes.undo(1, WHO)
    with pytest.raises(NotFoundError):
        writing.read("walking")


def test_two_articles_cannot_have_one_address(project: Path) -> None:
    text = replace(writing.read(SLUG), topic="discs")
    assert any("has this name" in fault for fault in writing.faults(text))
