"""How hard an article is to read: the Flesch-Kincaid grade (US school years), and its length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spinebot.articles.files import ArticleFile, count_words
from spinebot.language.sentences import sentences

HARDEST_GRADE = 8.0
# Over all sections of all articles together.
HARDEST_MEAN = 7.0
ARTICLE_WORDS = range(400, 801)


@dataclass(frozen=True)
class HardSection:
    """A section above ``HARDEST_GRADE``, with the sentences that make it hard, hardest first."""

    place: str
    grade: float
    sentences: list[str]


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade: 0.39 words/sentence + 11.8 syllables/word - 15.59."""
    # Imported here: it takes half a second, and only checks and the console measure.
    import textstat

    return float(textstat.flesch_kincaid_grade(" ".join(_plain(text))))


def hard_sections(articles: Sequence[ArticleFile]) -> Iterator[HardSection]:
    """Return the sections that are harder than a visitor should have to read."""
    for article in articles:
        for section in article.sections:
            measured = grade(section.body)
            if measured > HARDEST_GRADE:
                place = f"{article.topic}/{article.slug}.md: {section.front.slug}"
                yield HardSection(place, measured, hardest(section.body)[:3])


def hardest(text: str) -> list[str]:
    """Return the sentences of a text, the hardest first."""
    return sorted(_plain(text), key=grade, reverse=True)


def mean_grade(articles: Sequence[ArticleFile]) -> float:
    """Return the mean grade over all sections, rounded to a tenth; 0 without any."""
    grades = [grade(section.body) for article in articles for section in article.sections]
    return round(sum(grades) / len(grades), 1) if grades else 0.0


def whole_faults(articles: Sequence[ArticleFile]) -> Iterator[str]:
    """Return, as ``file: what``, each article of a wrong length; last a mean that is too high."""
    for article in articles:
        texts = [article.opening, *(section.body for section in article.sections)]
        words = sum(count_words(text) for text in texts)
        if words not in ARTICLE_WORDS:
            limits = f"{ARTICLE_WORDS[0]} to {ARTICLE_WORDS[-1]}"
            yield f"{article.topic}/{article.slug}.md: has {words} words; an article has {limits}"
    mean = mean_grade(articles)
    if mean > HARDEST_MEAN:
        yield f"all articles: the mean grade is {mean}, the limit is {HARDEST_MEAN}"


def _plain(text: str) -> list[str]:
    """Return the sentences without markup, each with its full stop."""
    bare = re.sub(r"\*\*|[*^]", "", text)
    return [s if s[-1] in ".!?" else f"{s}." for s in sentences(bare)]
