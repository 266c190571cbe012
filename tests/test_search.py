"""The search: what it finds, what it refuses, and what it is held to (tests/data/search.yml)."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from spinebot import articles
from spinebot.articles import vectors
from spinebot.articles.search import CLEAR, FLOOR, Hit
from spinebot.db import now, reading, writing
from spinebot.language.encoder import WIDTH
from spinebot.models import Section, SectionRevision
from tests.conftest import ROOT, forget_settings
from tests.factories import load_articles

Write = Callable[..., Path]
SET = YAML(typ="safe", pure=True).load((ROOT / "tests/data/search.yml").read_text(encoding="utf-8"))
HEAT = "is it safe to put a heating pad on numb skin"
HEAT_SECTION = "muscle-spasm-self-care#heat-or-ice"


@pytest.fixture(scope="module")
def with_articles(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose database holds the project's articles."""
    directory = tmp_path_factory.mktemp("search")
    (directory / "spinebot.db").write_bytes(migrated_sqlite.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINEBOT_DATA_DIR", str(directory))
        patch.delenv("SPINEBOT_DATABASE_URL", raising=False)
        forget_settings()
        load_articles()
        forget_settings()
    return directory


@pytest.fixture
def knowledge(
    with_articles: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The settings' database: the one with the project's articles, to read only."""
    monkeypatch.setenv("SPINEBOT_DATA_DIR", str(with_articles))
    forget_settings()
    yield
    forget_settings()


def found(question: str, limit: int = 3) -> list[Hit]:
    with reading() as session:
        return articles.nearest(session, question, limit)


def places(question: str) -> list[str]:
    return [hit.place for hit in found(question)]


# The figures


def sections() -> set[str]:
    with reading() as session:
        rows = session.scalars(sa.select(Section).where(Section.retired_at.is_(None)))
        return {f"{row.article.slug}#{row.slug}" for row in rows}


@pytest.mark.usefixtures("knowledge")
def test_it_finds_what_the_articles_say_in_passing() -> None:
    there = sections()
    asked = [each for each in SET["answered"] if there & set(each["sections"])]
    hits = [(found(each["question"]), set(each["sections"])) for each in asked]
    first = np.mean([bool(hit) and hit[0].place in wanted for hit, wanted in hits])
    shown = [hit[0].place in wanted for hit, wanted in hits if hit and hit[0].is_clear]
    assert len(asked) >= 10
    assert first >= 0.75
    assert len(shown) >= 0.7 * len(asked)
    # What is shown as the closest article is the right one.
    assert np.mean(shown) >= 0.85


@pytest.mark.usefixtures("knowledge")
def test_it_finds_nothing_where_the_articles_say_nothing() -> None:
    best = [next(iter(found(question, 1)), None) for question in SET["unanswered"]]
    assert np.mean([hit is None for hit in best]) >= 0.88
    assert np.mean([hit is None or not hit.is_clear for hit in best]) >= 0.93


@pytest.mark.usefixtures("knowledge")
def test_a_search_is_quick() -> None:
    found(HEAT)
    assert min(timeit.repeat(lambda: found(HEAT), number=5, repeat=10)) / 5 < 0.01


def test_the_set_is_of_the_size_that_its_figures_are_said_for() -> None:
    assert len(SET["answered"]) == len(SET["unanswered"]) == 60


# What is found


@pytest.mark.usefixtures("knowledge")
class TestNearest:
    def test_the_best_comes_first_and_its_score_says_how_near(self) -> None:
        hits = found(HEAT)
        scores = [hit.score for hit in hits]
        assert hits[0].place == HEAT_SECTION
        assert scores == sorted(scores, reverse=True)
        assert scores[0] >= CLEAR > FLOOR
        assert hits[0].is_clear

    def test_it_names_a_section_that_can_be_said(self) -> None:
        [hit] = found(HEAT, limit=1)
        with reading() as session:
            said = articles.answer_of(session, hit.section_id, "nlu_fallback")
        assert said
        assert (said.place, said.intent) == (HEAT_SECTION, "nlu_fallback")
        assert "numb skin" in said.body

    def test_other_words_of_the_same_meaning_find_it(self) -> None:
        assert places("is warmth a risk on skin without feeling?")[:1] == [HEAT_SECTION]

    def test_other_forms_of_the_words_find_it(self) -> None:
        assert HEAT_SECTION in places("heated pads and numbed skins")

    @pytest.mark.parametrize("question", ["", "?", "the", "xqzv wqrt", "🙂"])
    def test_what_says_nothing_finds_nothing(self, question: str) -> None:
        assert found(question) == []


def test_without_articles_nothing_is_found(database: str) -> None:
    assert found(HEAT) == []


# What changes


CAT = "where does the zebra sit when it has a nap"


def test_the_index_follows_a_load(sqlite_database: Path, write_article: Write) -> None:
    load_articles(write_article())
    assert found(CAT) == []
    load_articles(write_article(("{#first}\n\nThe cat sat", "{#first}\n\nThe zebra sat")))
    assert places(CAT)[0] == "sample#first"


def test_a_retired_section_is_not_found(database: str, write_article: Write) -> None:
    load_articles(write_article(("{#first}\n\nThe cat sat", "{#first}\n\nThe zebra sat")))
    assert "sample#first" in places(CAT)
    with writing() as session:
        section = session.scalars(sa.select(Section).where(Section.slug == "first")).one()
        section.retired_at = now()
    assert "sample#first" not in places(CAT)


def test_a_section_is_found_again_when_it_comes_back(
    sqlite_database: Path, write_article: Write
) -> None:
    folder = write_article(("{#first}\n\nThe cat sat", "{#first}\n\nThe zebra sat"))
    load_articles(folder)
    with writing() as session:
        for section in session.scalars(sa.select(Section)):
            section.retired_at = now()
    assert found(CAT) == []
    load_articles(folder)
    assert "sample#first" in places(CAT)


# Vectors


def kept() -> list[tuple[str | None, np.ndarray | None]]:
    with reading() as session:
        rows = session.execute(
            sa.select(SectionRevision.encoder, SectionRevision.vectors).order_by(SectionRevision.id)
        )
        return [(name, vectors.read_vectors(stored) if stored else None) for name, stored in rows]


def test_a_load_keeps_vectors_with_each_wording(database: str, write_article: Write) -> None:
    load_articles(write_article())
    for name, matrix in kept():
        assert name == vectors.fingerprint()
        assert matrix is not None
        assert matrix.shape == (1 + 8, WIDTH)
        assert np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-3)


NAP = "The cat sat on the mat and had a nap."


def test_vectors_of_another_encoder_are_made_anew(
    sqlite_database: Path, write_article: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_article()
    load_articles(folder)
    known = found(NAP)[0].score
    with writing() as session:
        session.execute(sa.update(SectionRevision).values(encoder="other", vectors=b"\0" * 1536))
    # Another process would read it so: by its words alone.
    monkeypatch.setattr("spinebot.articles.search._last", None)
    assert all(hit.score < known for hit in found(NAP))
    load_articles(folder)
    assert {name for name, _ in kept()} == {vectors.fingerprint()}
    assert all(matrix is not None and matrix.any() for _, matrix in kept())


def test_only_a_new_wording_is_read_by_the_encoder(
    sqlite_database: Path, write_article: Write
) -> None:
    def new(folder: Path) -> int:
        with reading() as session:
            return len(articles.make_vectors(session, articles.read_articles(folder)))

    assert new(write_article()) == 3
    load_articles(write_article())
    assert new(write_article()) == 0
    assert new(write_article(("{#first}\n\nThe cat sat", "{#first}\n\nThe zebra sat"))) == 1


def test_vectors_made_before_the_load_are_the_same(
    sqlite_database: Path, write_article: Write
) -> None:
    files = articles.read_articles(write_article())
    with reading() as session:
        made = articles.make_vectors(session, files)
    with writing() as session:
        articles.load(session, files, made)
    assert sorted(made.values()) == sorted(_bytes(matrix) for _, matrix in kept())


def _bytes(matrix: Any) -> bytes:
    return bytes(matrix.tobytes())


def test_a_review_alone_keeps_the_vectors(sqlite_database: Path, write_article: Write) -> None:
    load_articles(write_article())
    before = [_bytes(matrix) for _, matrix in kept()]
    load_articles(
        write_article(
            ("reviewed_by: pending clinical review", "reviewed_by: Bo Sample, MD"),
            ("reviewed_on:", "reviewed_on: 2026-05-03"),
        )
    )
    assert [_bytes(matrix) for _, matrix in kept()] == [*before, *before]


def test_a_missing_encoder_is_said_before_anything_is_loaded(
    sqlite_database: Path, write_article: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spinebot.errors import SpinebotError
    from spinebot.language import encoder

    monkeypatch.setenv("SPINEBOT_ENCODER_DIR", str(tmp_path / "none"))
    encoder.load_encoder.cache_clear()
    vectors.fingerprint.cache_clear()
    try:
        with pytest.raises(SpinebotError, match="make setup"):
            load_articles(write_article())
    finally:
        encoder.load_encoder.cache_clear()
        vectors.fingerprint.cache_clear()
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Section)) == 0
