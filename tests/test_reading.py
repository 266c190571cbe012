"""How hard the articles are to read together, and how long each is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from spinebot.articles import read_articles, reading
from spinebot.articles.files import ArticleFile
from tests.conftest import ROOT, WORDS

Write = Callable[..., Path]
TODAY = date(2026, 6, 1)
HARD = (
    "Intervertebral degeneration necessitates multidisciplinary rehabilitation "
    "considerations notwithstanding contraindications."
)


@pytest.fixture
def articles_with(write_article: Write) -> Callable[[str, str], list[ArticleFile]]:
    """A function that reads the sample article with another opening and third section."""

    def read(opening: str, third: str = WORDS) -> list[ArticleFile]:
        text = "{#third}\n\n" + WORDS
        return read_articles(
            write_article(("An opening.", opening), (text, "{#third}\n\n" + third)), TODAY
        )

    return read


def opening_for(words: int) -> str:
    # Three sections of 80 words each stand behind it.
    return " ".join(["word"] * (words - 240)) + "."


@pytest.mark.parametrize("words", [400, 600, 800])
def test_an_article_of_a_good_length_passes(
    articles_with: Callable[..., list[ArticleFile]], words: int
) -> None:
    assert list(reading.whole_faults(articles_with(opening_for(words)))) == []


@pytest.mark.parametrize("words", [399, 801])
def test_an_article_too_short_or_too_long_is_named(
    articles_with: Callable[..., list[ArticleFile]], words: int
) -> None:
    assert list(reading.whole_faults(articles_with(opening_for(words)))) == [
        f"samples/sample.md: has {words} words; an article has 400 to 800"
    ]


def test_the_mean_is_over_sections_and_leaves_the_opening_out(
    articles_with: Callable[..., list[ArticleFile]],
) -> None:
    third = " ".join([HARD] * 8)
    files = articles_with(opening_for(400), third)
    easy = reading.grade(WORDS)
    expected = round((2 * easy + reading.grade(third)) / 3, 1)
    assert reading.mean_grade(files) == expected
    assert f"all articles: the mean grade is {expected}, the limit is 7.0" in list(
        reading.whole_faults(files)
    )


def test_no_articles_have_no_mean() -> None:
    assert reading.mean_grade([]) == 0.0


def test_the_projects_articles_are_easy_and_of_a_good_length() -> None:
    assert list(reading.whole_faults(read_articles(ROOT / "knowledge"))) == []
