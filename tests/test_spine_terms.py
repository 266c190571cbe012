"""Spine words are found in a text as visitors write them, and mapped to one word of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinebot.language.spine_terms import TERMS, spine_terms


def found(text: str) -> list[tuple[str, str]]:
    return [(term.kind, term.value) for term in spine_terms(text)]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("L4-L5", "L4-L5"),
        ("l4/5", "L4-L5"),
        ("L4/L5", "L4-L5"),
        ("l4-5", "L4-L5"),
        ("L4–L5", "L4-L5"),
        ("L4 L5", "L4-L5"),
        ("L4 to L5", "L4-L5"),
        ("L4 and L5", "L4-L5"),
        ("L5-S1.", "L5-S1"),
        ("(C5-C6)", "C5-C6"),
        ("T12-L1", "T12-L1"),
        ("S1", "S1"),
        ("t12", "T12"),
    ],
)
def test_a_level_is_written_in_one_way(text: str, level: str) -> None:
    assert found(text) == [("level", level)]


@pytest.mark.parametrize("text", ["L7", "C9", "T13", "S6", "B12", "L4L5x", "45"])
def test_what_is_no_level_is_not_found(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("neck pain", [("region", "neck"), ("symptom", "pain")]),
        ("LOW BACK spasm", [("region", "low back"), ("symptom", "spasm")]),
        ("slipped disk", [("condition", "herniated disc")]),
        ("pinched nerve", [("condition", "sciatica")]),
        ("ibuprofin or advil", [("medicine", "ibuprofen"), ("medicine", "ibuprofen")]),
        ("muscle relaxers", [("medicine", "muscle relaxant")]),
        ("pins and needles", [("symptom", "tingling")]),
        ("for two weeks", [("duration", "two weeks")]),
        ("a couple of days", [("duration", "couple of days")]),
        ("3 months", [("duration", "3 months")]),
        ("I have 2 kids", []),
        ("", []),
    ],
)
def test_spine_words_are_found(text: str, terms: list[tuple[str, str]]) -> None:
    assert found(text) == terms


def test_the_longest_word_wins() -> None:
    assert found("lower back") == [("region", "low back")]


def test_terms_come_from_left_to_right() -> None:
    text = "numb foot since L5-S1 slipped disc"
    assert [kind for kind, _ in found(text)] == ["symptom", "region", "level", "condition"]


def test_a_term_says_where_it_stands() -> None:
    text = "pain at L4/5, two weeks"
    assert all(text[term.start : term.end] == term.text for term in spine_terms(text))


@pytest.mark.parametrize("kind", TERMS)
def test_every_spelling_is_found_as_its_word(kind: str) -> None:
    for value, spellings in TERMS[kind].items():
        for spelling in spellings:
            assert found(spelling) == [(kind, value)]


def test_no_spelling_has_two_meanings() -> None:
    spellings = [s for values in TERMS.values() for each in values.values() for s in each]
    assert len(spellings) == len(set(spellings))


@given(st.text(max_size=200))
def test_any_text_can_be_searched(text: str) -> None:
    for term in spine_terms(text):
        assert text[term.start : term.end] == term.text
