"""Answers that adapt: which section answers when something was said, and which wins."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from spinebot import articles
from spinebot.articles.cases import KINDS, MOST_VALUES, Case, choose, said_in, together
from spinebot.db import engine, reading, writing
from spinebot.models import Section, Variant
from tests.conftest import ROOT, WORDS
from tests.factories import load_articles

NECK: dict[str, Any] = {"region": ["neck"]}
SCIATICA: dict[str, Any] = {"condition": ["sciatica"]}


def chosen(cases: list[dict[str, list[str]]], now: Any = None, before: Any = None) -> int | None:
    """Return the place of the case that is chosen."""
    found = choose([Case(place, when) for place, when in enumerate(cases)], now or {}, before or {})
    return found.section_id if found else None


# Choosing


def test_a_case_fits_when_one_value_of_each_kind_was_said() -> None:
    case = {"region": ["neck", "arm"], "symptom": ["weakness"]}
    assert chosen([case], {"region": ["arm"], "symptom": ["pain", "weakness"]}) == 0


@pytest.mark.parametrize(
    "said",
    [{}, {"region": ["low back"]}, {"symptom": ["neck"]}, {"region": ["neck"]}, {"region": []}],
)
def test_it_does_not_where_one_kind_is_missing(said: Any) -> None:
    assert chosen([{"region": ["neck"], "symptom": ["weakness"]}], said) is None


def test_the_case_that_asks_for_most_wins() -> None:
    cases = [SCIATICA, NECK | SCIATICA, NECK]
    assert chosen(cases, NECK | SCIATICA) == 1


@pytest.mark.parametrize(("stronger", "weaker"), [*pairwise(KINDS)])
def test_of_equals_the_stronger_kind_wins_wherever_it_stands(stronger: str, weaker: str) -> None:
    said = {stronger: ["x"], weaker: ["y"]}
    assert chosen([{weaker: ["y"]}, {stronger: ["x"]}], said) == 1
    assert chosen([{stronger: ["x"]}, {weaker: ["y"]}], said) == 0


def test_of_entire_equals_the_first_of_the_files_wins() -> None:
    assert chosen([{"region": ["neck", "arm"]}, NECK], NECK) == 0


def test_what_is_said_now_outranks_what_was_said() -> None:
    assert chosen([SCIATICA, NECK], now=NECK, before=SCIATICA) == 1


def test_what_was_said_counts_where_the_message_fits_nothing() -> None:
    assert chosen([SCIATICA, NECK], now={"symptom": ["pain"]}, before=SCIATICA) == 0


def test_both_together_can_fit() -> None:
    assert chosen([NECK | SCIATICA], now=NECK, before=SCIATICA) == 0


def test_another_region_now_is_not_the_region_of_before() -> None:
    assert chosen([NECK], now={"region": ["low back"]}, before=NECK) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [("condition", "pregnancy"), ("condition", "pacemaker"), ("medicine", "blood thinner")],
)
def test_what_decides_what_is_safe_stays_in_force(kind: str, value: str) -> None:
    cases: list[dict[str, list[str]]] = [NECK, {kind: [value]}]
    assert chosen(cases, now=NECK, before={kind: [value]}) == 1


def test_the_choice_says_what_made_it_fit() -> None:
    found = choose([Case(7, {"region": ["arm", "neck"]})], {"region": ["low back", "neck"]}, {})
    assert found == (7, {"region": "neck"})


# What was said


def test_entities_become_what_was_said() -> None:
    entities = [
        {"entity": "region", "value": "neck", "start": 0},
        {"entity": "condition", "value": "stenosis"},
        {"entity": "region", "value": "arm"},
        {"entity": "region", "value": "neck"},
    ]
    assert said_in(entities) == {"region": ["neck", "arm"], "condition": ["stenosis"]}


@pytest.mark.parametrize(
    "entity",
    [{"entity": "name", "value": "Ann"}, {"entity": "region"}, {"entity": "region", "value": 4}],
)
def test_nothing_else_is_taken_for_it(entity: Any) -> None:
    assert {kind: values for kind, values in said_in([entity]).items() if values} == {}


def test_of_a_region_only_the_newest_is_remembered() -> None:
    assert together(NECK, {"region": ["low back"]}) == {"region": ["low back"]}


def test_conditions_add_up_newest_last() -> None:
    before = {"condition": ["sciatica", "diabetes"]}
    assert together(before, {"condition": ["stenosis", "sciatica"]}) == {
        "condition": ["diabetes", "stenosis", "sciatica"]
    }


def test_what_is_remembered_has_an_end() -> None:
    said: Any = {}
    for number in range(20):
        said = together(said, {"medicine": [str(number)]})
    assert said == {"medicine": [str(n) for n in range(20 - MOST_VALUES, 20)]}


# In the tables

FRONT = """---
title: A sample of cases
summary: A sample.
written_on: 2026-01-02
reviewed_by: pending clinical review
reviewed_on:
review_due: 2027-01-02
sources:
  - title: A sample source
    url: https://example.org/source
sections:
"""


def write(folder: Path, **cases: str) -> Path:
    """Write an article whose section "plain" answers ask_pain, and a section for each case."""
    sections = {
        "plain": ("ask_pain: What of pain?", "", "ask_a, ask_b"),
        "a": ("ask_a: What is a?", "", "ask_pain, ask_b"),
        "b": ("ask_b: What is b?", "", "ask_pain, ask_a"),
    }
    for slug, when in cases.items():
        sections[slug] = (f"ask_pain: In the case {slug}?", when, "ask_a, ask_b")
    described = "".join(
        f"  - slug: {slug}\n    answers: {{{answers}}}\n    when: {when or '{}'}\n"
        f'    facts: ["1.01"]\n    next: [{following}]\n'
        for slug, (answers, when, following) in sections.items()
    )
    texts = "".join(f"## The part {slug} {{#{slug}}}\n\n{WORDS}\n\n" for slug in sections)
    path = folder / "knowledge" / "samples" / "cases.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{FRONT}{described}---\n\nAn opening.\n\n{texts}", encoding="utf-8")
    return folder / "knowledge"


def section_for(said: Any = None, remembered: Any = None) -> str | None:
    with reading() as session:
        found = articles.answer(session, "ask_pain", said, remembered)
        return found.section if found else None


@pytest.fixture
def cases(database: str, tmp_path: Path) -> Path:
    """Loaded articles with two cases, on SQLite and on PostgreSQL."""
    folder = write(
        tmp_path, neck="{region: neck}", after="{prior_surgery: yes, region: [arm, leg]}"
    )
    load_articles(folder)
    return folder


def test_the_plain_section_answers_where_nothing_was_said(cases: Path) -> None:
    assert section_for() == "plain"
    assert section_for({}, {}) == "plain"


def test_a_section_answers_in_its_case(cases: Path) -> None:
    assert section_for(NECK) == "neck"
    assert section_for({"region": ["leg"]}) == "plain"
    assert section_for({"region": ["leg"]}, {"prior_surgery": ["yes"]}) == "after"


def test_a_case_of_another_question_does_not_count(cases: Path) -> None:
    with reading() as session:
        found = articles.answer(session, "ask_a", NECK)
    assert found
    assert (found.section, found.because) == ("a", {})


def test_an_answer_says_what_it_was_chosen_for(cases: Path) -> None:
    with reading() as session:
        found = articles.answer(session, "ask_pain", NECK)
    assert found
    assert found.because == found.custom([])["because"] == {"region": "neck"}


def test_the_button_has_the_plain_sections_title(cases: Path) -> None:
    with reading() as session:
        assert articles.question_titles(session, ["ask_pain"]) == {"ask_pain": "What of pain?"}


def test_a_section_that_is_shown_offers_no_question_of_its_own(cases: Path) -> None:
    with reading() as session:
        plain = session.scalars(sa.select(Section.id).where(Section.slug == "plain")).one()
        titles = articles.question_titles(session, ["ask_pain", "ask_a"], besides=plain)
    assert list(titles) == ["ask_a"]


def test_loading_cases_twice_changes_nothing(cases: Path) -> None:
    def rows() -> list[Any]:
        with reading() as session:
            found = session.scalars(sa.select(Variant).order_by(Variant.position))
            return [(each.intent, each.section_id, each.title) for each in found]

    before = rows()
    load_articles(cases)
    assert len(before) == 2
    assert rows() == before


def test_a_case_that_changes_is_changed(cases: Path, tmp_path: Path) -> None:
    load_articles(write(tmp_path, neck="{region: leg}"))
    assert [section_for(NECK), section_for({"region": ["leg"]})] == ["plain", "neck"]


def test_a_case_that_is_gone_answers_no_more(cases: Path, tmp_path: Path) -> None:
    load_articles(write(tmp_path))
    assert section_for(NECK) == "plain"


def test_a_retired_case_leaves_the_answer_to_the_plain_section(cases: Path) -> None:
    with writing() as session:
        section = session.scalars(sa.select(Section).where(Section.slug == "neck")).one()
        section.retired_at = section.revision.created_at
    assert section_for(NECK) == "plain"


def test_articles_of_an_older_database_get_their_cases_with_the_next_load(cases: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    command.downgrade(config, "0001")
    command.upgrade(config, "head")
    assert section_for(NECK) == "plain"
    load_articles(cases)
    assert section_for(NECK) == "neck"


@pytest.mark.parametrize(("said", "most"), [(None, 2), (NECK, 3)])
def test_an_answer_takes_few_queries(cases: Path, said: Any, most: int) -> None:
    queries: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        queries.append(statement)

    sa.event.listen(engine(), "before_cursor_execute", count)
    section_for(said)
    sa.event.remove(engine(), "before_cursor_execute", count)
    assert len([query for query in queries if query.startswith("SELECT")]) <= most
