"""Articles: what is wrong with a file is said, and what is right becomes answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from spinebot import articles
from spinebot.articles.files import count_words
from spinebot.db import reading, writing
from spinebot.errors import ArticleError
from spinebot.language.sentences import sentences
from spinebot.models import Article, Question, Section, SectionRevision
from tests.conftest import WORDS
from tests.factories import load_articles

Write = Callable[..., Path]
TODAY = date(2026, 6, 1)
FIRST_BODY = "{#first}\n\n" + WORDS


def faults(folder: Path) -> list[str]:
    with pytest.raises(ArticleError) as caught:
        articles.read_articles(folder, TODAY)
    return caught.value.faults


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def answer(intent: str) -> articles.Answer | None:
    with reading() as session:
        return articles.answer(session, intent)


# Reading


def test_a_good_file_is_read(write_article: Write) -> None:
    [article] = articles.read_articles(write_article(), TODAY)
    assert (article.topic, article.slug) == ("samples", "sample")
    assert article.opening == "An opening."
    assert [section.front.slug for section in article.sections] == ["first", "second", "third"]
    assert article.sections[0].heading == "The first thing"
    assert article.sections[0].body == WORDS


def test_articles_come_by_topic_and_slug(write_article: Write) -> None:
    other = [(f"ask_{n}", f"ask_{n}_b") for n in ("first", "second", "third", "fourth")]
    write_article(*other, topic="other", slug="b-sample")
    folder = write_article(topic="samples", slug="a-sample")
    assert [a.slug for a in articles.read_articles(folder, TODAY)] == ["b-sample", "a-sample"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        # Front matter
        ("---\ntitle", "title", "front matter: must stand between two lines of ---"),
        ("summary: A short", "summary: : A short", "front matter: "),
        ("summary: A short sample.\n", "", "summary: Field required"),
        ("summary: A short sample.", "summary: 5", "summary: Input should be a valid string"),
        ("summary: A short sample.", "summary: ''", "summary: String should have at least 1"),
        ("title: What is a", "colour: red\ntitle: What is a", "colour: Extra inputs"),
        ("title: What is a", "title: twice\ntitle: What is a", "front matter: "),
        ("title: What is a", "title: " + "{" * 1500, "front matter: maximum depth"),
        ("written_on: 2026-01-02", "written_on: soon", "written_on: Input should be a valid date"),
        ("written_on: 2026-01-02", "written_on: 2026-06-02", "written_on: lies in the future"),
        ("review_due: 2027-01-02", "review_due: 2026-01-02", "review_due: must be later"),
        (
            "reviewed_by: pending clinical review\nreviewed_on:",
            "reviewed_by: Bo Sample, MD\nreviewed_on: 2026-06-02",
            "reviewed_on: lies in the future",
        ),
        (
            "reviewed_by: pending clinical review",
            "reviewed_by: Bo Sample, MD",
            "reviewed_on: must be empty while",
        ),
        ("reviewed_on:", "reviewed_on: 2026-02-01", "reviewed_on: must be empty while"),
        (
            "sources:\n  - title: A sample source\n    url: https://example.org/source",
            "sources: []",
            "sources: List should have at least 1",
        ),
        ("https://example.org/source", "example.org", "sources.1.url: String should match"),
        # Sections, as described
        ("slug: first", "slug: The First", "sections.1.slug: String should match"),
        ("facts: ['1.01']", "facts: []", "sections.1.facts: List should have at least 1"),
        ("facts: ['1.01']", "facts: ['1']", "sections.1.facts.1: String should match"),
        ("ask_first: What", "greet: What", "sections.1.answers.greet"),
        ("What is first?", "Hm", "sections.1.answers.ask_first: String should have at least 3"),
        ("What is first?", "W" * 49, "sections.1.answers.ask_first: String should have at most"),
        (
            "next: [ask_second, ask_third]",
            "next: [ask_second, ask_third, ask_fourth, ask_third]",
            "sections.1.next: List should have at most 3",
        ),
        (
            "next: [ask_second, ask_third]",
            "next: [ask_second]",
            "sections.first.next: names 1 questions; an answer has 2 or 3",
        ),
        (
            "next: [ask_second, ask_third]",
            "next: [ask_second, ask_first]",
            "sections.first.next: names a question that this section answers",
        ),
        (
            "next: [ask_second, ask_third]",
            "next: [ask_second, ask_nothing]",
            "sections.first.next: ask_nothing is answered by no section",
        ),
        (
            "ask_second: What is second?",
            "ask_first: What is second?",
            "sections.second.answers: ask_first is already answered by sample#first",
        ),
        (
            '    facts: ["1.02"',
            '    when: {colour: red}\n    facts: ["1.02"',
            "sections.second.when: 'colour' is never said; use one of condition, age",
        ),
        ("slug: second", "slug: first", "sections: 'first' is described 2 times"),
        # Sections, as written
        ("An opening.", "", "text: has no opening before its first section"),
        ("{#second}", "{#first}", "text: the heading {#first} stands 2 times"),
        ("{#second}", "{#other}", "text: the heading {#other} is not described in sections"),
        ("{#second}", "{#other}", "sections: 'second' has no heading in the text"),
        ("{#second}", "", "sections: 'second' has no heading in the text"),
        (FIRST_BODY, "{#first}\n\nToo short.", "sections.first: has 2 words"),
        (FIRST_BODY, f"{{#first}}\n\n{WORDS} {WORDS}", "sections.first: has 160 words"),
        *[
            (FIRST_BODY, f"{FIRST_BODY}\n\n{markup}", "sections.first: only paragraphs")
            for markup in (
                "### Deeper",
                "<b>bold</b>",
                "<script>alert(1)</script>",
                "[a link](https://example.org)",
                "`code`",
            )
        ],
    ],
)
def test_a_fault_is_named_with_file_and_field(
    write_article: Write, old: str, new: str, fault: str
) -> None:
    folder = write_article((old.replace("'", '"') if "facts" in old else old, new))
    assert any(fault in found for found in faults(folder)), faults(folder)
    assert all("sample.md: " in found for found in faults(folder))


def test_a_review_makes_the_article_reviewed(write_article: Write) -> None:
    folder = write_article(
        ("reviewed_by: pending clinical review", "reviewed_by: Bo Sample, MD"),
        ("reviewed_on:", "reviewed_on: 2026-05-03"),
    )
    assert articles.read_articles(folder, TODAY)[0].front.reviewed_on == date(2026, 5, 3)


@pytest.mark.parametrize("text", ["", "---\n---\n", "---\n- a\n- b\n---\ntext", "---\n\n---\n"])
def test_a_file_that_is_no_article_is_a_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "x.md").write_text(text, encoding="utf-8")
    assert all("x.md: " in fault for fault in faults(tmp_path))


def test_a_file_that_is_not_utf_8_is_a_fault(write_article: Write) -> None:
    folder = write_article()
    (folder / "samples" / "latin.md").write_bytes(b"---\ntitle: caf\xe9\n---\n")
    assert any("latin.md: " in fault for fault in faults(folder))


def test_all_faults_of_all_files_are_reported_together(write_article: Write) -> None:
    write_article(("slug: first", "slug: F!"), ("What is second?", "Hm"), slug="one")
    write_article(("An opening.", ""), ("{#third}", "{#fourth}"), slug="two")
    folder = write_article(("title: What", "titel: What"), slug="three")
    found = faults(folder)
    for place in (
        "one.md: sections.1.slug",
        "one.md: sections.2.answers",
        "two.md: text: has no opening",
        "two.md: text: the heading {#fourth}",
        "two.md: sections: 'third'",
        "three.md: title",
        "three.md: titel",
    ):
        assert any(place in fault for fault in found), place


def test_the_message_counts_and_lists_the_faults(write_article: Write) -> None:
    with pytest.raises(ArticleError, match=r"Articles not loaded, 1 fault:\n.*sample\.md: "):
        articles.read_articles(write_article(("An opening.", "")), TODAY)


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path)[0].endswith("(expected <topic>/<slug>.md)")


def test_two_articles_of_one_name_are_a_fault(write_article: Write) -> None:
    write_article(topic="a")
    assert any("2 articles have this name" in fault for fault in faults(write_article(topic="b")))


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("One.", 1), ("- **Two** words", 2), ("L4-L5 isn't 1,000", 3), ("a — b", 2)],
)
def test_words_are_counted_without_markup(text: str, words: int) -> None:
    assert count_words(text) == words


# How hard it is to read


def test_an_easy_section_is_not_hard(write_article: Write) -> None:
    assert list(articles.hard_sections(articles.read_articles(write_article(), TODAY))) == []


def test_a_hard_section_is_named_with_its_hardest_sentence_first(write_article: Write) -> None:
    hard = (
        "Intervertebral degeneration necessitates multidisciplinary rehabilitation "
        "considerations notwithstanding contraindications."
    )
    folder = write_article((FIRST_BODY, f"{{#first}}\n\nIt is so. {hard} {' '.join([hard] * 7)}"))
    [section] = articles.hard_sections(articles.read_articles(folder, TODAY))
    assert section.place == "samples/sample.md: first"
    assert section.grade > articles.HARDEST_GRADE
    assert section.sentences[0] == hard


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("One. Two!", ["One.", "Two!"]),
        ("A list:\n\n- one thing\n- two things", ["A list:", "one thing", "two things"]),
        ("Line\nbroken here.", ["Line broken here."]),
    ],
)
def test_a_text_is_split_into_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


# Loading


def test_a_load_says_what_it_did(sqlite_database: Path, write_article: Write) -> None:
    assert str(load_articles(write_article())) == (
        "1 articles, 3 sections; 3 new wordings, 0 retired"
    )


def test_loading_twice_changes_nothing(database: str, write_article: Write) -> None:
    folder = write_article()
    load_articles(folder)
    before = {model: count(model) for model in (Article, Section, SectionRevision, Question)}
    assert load_articles(folder).new_revisions == 0
    assert {model: count(model) for model in before} == before


def test_with_a_fault_nothing_is_loaded(sqlite_database: Path, write_article: Write) -> None:
    write_article()
    folder = write_article(("An opening.", ""), slug="faulty")
    with pytest.raises(ArticleError):
        load_articles(folder)
    assert count(Article) == 0


def test_a_changed_wording_is_a_new_revision_and_the_old_one_stays(
    database: str, write_article: Write
) -> None:
    load_articles(write_article())
    loaded = load_articles(write_article(("{#second}\n\nThe cat", "{#second}\n\nThe dog")))
    assert loaded.new_revisions == 1
    with reading() as session:
        section = session.scalars(sa.select(Section).where(Section.slug == "second")).one()
        first, second = section.revisions
        assert (first.number, second.number) == (1, 2)
        assert first.body == WORDS
        assert second.body.startswith("The dog")
        assert section.revision is second


def test_an_answer_is_the_new_wording_at_once(sqlite_database: Path, write_article: Write) -> None:
    load_articles(write_article())
    before = answer("ask_second")
    load_articles(write_article(("{#second}\n\nThe cat", "{#second}\n\nThe dog")))
    after = answer("ask_second")
    assert before
    assert after
    assert before.body.startswith("The cat")
    assert after.body.startswith("The dog")
    assert after.revision != before.revision


def test_a_review_is_a_new_revision_of_every_section(
    sqlite_database: Path, write_article: Write
) -> None:
    load_articles(write_article())
    reviewed = write_article(
        ("reviewed_by: pending clinical review", "reviewed_by: Bo Sample, MD"),
        ("reviewed_on:", "reviewed_on: 2026-05-03"),
    )
    assert load_articles(reviewed).new_revisions == 3


def test_a_wording_taken_back_is_a_third_revision(
    sqlite_database: Path, write_article: Write
) -> None:
    for word in ("cat", "dog", "cat"):
        load_articles(write_article(("{#second}\n\nThe cat", f"{{#second}}\n\nThe {word}")))
    with reading() as session:
        section = session.scalars(sa.select(Section).where(Section.slug == "second")).one()
        assert [revision.body.split()[1] for revision in section.revisions] == ["cat", "dog", "cat"]


OTHER = [(f"ask_{n}", f"ask_{n}_b") for n in ("first", "second", "third", "fourth")]


def test_an_article_whose_file_is_gone_is_retired(database: str, write_article: Write) -> None:
    folder = write_article(*OTHER, slug="other")
    write_article()
    load_articles(folder)
    (folder / "samples" / "sample.md").unlink()
    assert load_articles(folder).retired == 1
    with reading() as session:
        article = session.scalars(sa.select(Article).where(Article.slug == "sample")).one()
        assert article.retired_at
        assert all(section.retired_at for section in article.sections)
        # What was said of it stays readable.
        assert all(section.revisions for section in article.sections)


def test_a_retired_section_answers_nothing(sqlite_database: Path, write_article: Write) -> None:
    load_articles(write_article())
    with writing() as session:
        section = session.scalars(sa.select(Section).where(Section.slug == "first")).one()
        section.retired_at = section.article.sections[0].revision.created_at
    assert answer("ask_first") is None


def without_third() -> list[tuple[str, str]]:
    described = (
        "  - slug: third\n    answers:\n      ask_fourth: What is fourth?\n"
        '    facts: ["1.03"]\n    next: [ask_first, ask_second]\n'
    )
    return [
        (described, ""),
        (f"## The third thing {{#third}}\n\n{WORDS}", ""),
        ("next: [ask_first, ask_fourth]", "next: [ask_first, ask_first]"),
    ]


def test_a_section_that_is_gone_is_retired_with_its_question(
    sqlite_database: Path, write_article: Write
) -> None:
    load_articles(write_article())
    load_articles(write_article(*without_third()))
    assert answer("ask_fourth") is None
    with reading() as session:
        section = session.scalars(sa.select(Section).where(Section.slug == "third")).one()
        assert section.retired_at
        assert session.get(Question, "ask_fourth") is None


def test_a_section_that_comes_back_answers_again(database: str, write_article: Write) -> None:
    load_articles(write_article())
    load_articles(write_article(*without_third()))
    load_articles(write_article())
    found = answer("ask_fourth")
    assert found
    assert found.section == "third"
    assert count(SectionRevision) == 3


def test_a_question_follows_the_section_that_answers_it(
    database: str, write_article: Write
) -> None:
    load_articles(write_article())
    load_articles(
        write_article(
            ("      ask_third: What is third?\n", ""),
            ("ask_fourth: What is fourth?", "ask_fourth: Fourth?\n      ask_third: And third?"),
        )
    )
    found = answer("ask_third")
    assert found
    assert found.section == "third"
    with reading() as session:
        assert articles.question_titles(session, ["ask_third"]) == {"ask_third": "And third?"}


# Answers


@pytest.fixture
def loaded(sqlite_database: Path, write_article: Write) -> None:
    load_articles(write_article())


@pytest.mark.usefixtures("loaded")
class TestAnswer:
    def test_an_unknown_question_has_none(self) -> None:
        assert answer("ask_nothing") is None

    def test_it_names_its_section(self) -> None:
        found = answer("ask_third")
        assert found
        assert (found.article, found.section) == ("sample", "second")
        assert found.url == "/articles/sample#second"

    def test_it_names_what_one_may_ask_next_in_the_articles_order(self) -> None:
        found = answer("ask_first")
        assert found
        assert found.next_questions == [
            ("ask_second", "What is second?"),
            ("ask_third", "What is third?"),
        ]

    def test_it_says_whether_the_offer_goes_with_it(self) -> None:
        assert [answer(i).offer_mri_review for i in ("ask_first", "ask_second")] == [True, False]

    def test_its_text_is_whole(self) -> None:
        found = answer("ask_first")
        assert found
        assert found.text("https://clinic.example", ["* A note."]).split("\n\n") == [
            WORDS,
            "* A note.",
            "Source: What is a sample? / The first thing (clinical review pending; written "
            "2 January 2026) https://clinic.example/articles/sample#first",
        ]

    def test_advice_stands_before_the_wording(self) -> None:
        found = answer("ask_first")
        assert found
        assert found.text("https://clinic.example", [], "Call 911.").startswith("Call 911.\n\nThe")

    def test_it_does_not_claim_a_review_that_was_not(self) -> None:
        found = answer("ask_first")
        assert found
        assert found.review == "clinical review pending; written 2 January 2026"
        assert found.custom([])["reviewed_on"] is None

    def test_its_parts_are_what_the_contract_names(self) -> None:
        found = answer("ask_first")
        assert found
        assert found.custom(["* A note."]) == {
            "type": "answer",
            "intent": "ask_first",
            "because": {},
            "body": WORDS,
            "footnotes": ["* A note."],
            "article": "sample",
            "article_title": "What is a sample?",
            "section": "first",
            "section_title": "The first thing",
            "url": "/articles/sample#first",
            "revision": found.revision,
            "reviewed_on": None,
            "review": "Clinical review pending; written 2 January 2026",
        }

    def test_titles_of_unknown_questions_are_left_out(self) -> None:
        with reading() as session:
            titles = articles.question_titles(session, ["ask_third", "ask_nothing", "ask_first"])
        assert list(titles) == ["ask_third", "ask_first"]


def test_a_reviewed_answer_says_by_whom_and_when(
    sqlite_database: Path, write_article: Write
) -> None:
    load_articles(
        write_article(
            ("reviewed_by: pending clinical review", "reviewed_by: Bo Sample, MD"),
            ("reviewed_on:", "reviewed_on: 2026-05-03"),
        )
    )
    found = answer("ask_first")
    assert found
    assert found.review == "reviewed 3 May 2026 by Bo Sample, MD"
    assert found.custom([])["reviewed_on"] == "2026-05-03"


def test_a_line_with_an_endless_word_is_one_sentence() -> None:
    """The tokenizer would take seconds over it; how long is measured by `bench.attacks`."""
    endless = "$(" * 4000
    assert sentences(f"One. Two.\n\n{endless} is one. Still one.") == [
        *("One.", "Two."),
        f"{endless} is one. Still one.",
    ]
