"""The offer of the MRI review: at most once, never after a red flag, never after a no."""

from __future__ import annotations

import pytest

from spinebot.offers import ACCEPTED, DECLINED, MADE, PENDING, after_answer, after_red_flag


def test_it_is_made_after_the_first_answer_that_it_fits() -> None:
    assert after_answer(None, fits=True, red_flag=False) == PENDING


def test_it_is_not_made_after_an_answer_that_it_does_not_fit() -> None:
    assert after_answer(None, fits=False, red_flag=False) is None


@pytest.mark.parametrize("state", [None, PENDING, MADE, ACCEPTED, DECLINED])
@pytest.mark.parametrize("fits", [True, False])
def test_it_is_never_made_after_a_red_flag(state: str | None, fits: bool) -> None:
    assert after_answer(state, fits=fits, red_flag=True) != PENDING


@pytest.mark.parametrize("state", [PENDING, MADE, ACCEPTED, DECLINED])
@pytest.mark.parametrize("fits", [True, False])
def test_it_is_never_made_twice(state: str, fits: bool) -> None:
    assert after_answer(state, fits=fits, red_flag=False) != PENDING


@pytest.mark.parametrize("state", [MADE, ACCEPTED, DECLINED])
def test_what_became_of_it_stays(state: str) -> None:
    assert after_answer(state, fits=True, red_flag=False) == state


def test_another_question_is_neither_a_yes_nor_a_no() -> None:
    assert after_answer(PENDING, fits=True, red_flag=False) == MADE


@pytest.mark.parametrize(
    ("state", "expected"),
    [(None, None), (PENDING, MADE), (MADE, MADE), (ACCEPTED, ACCEPTED), (DECLINED, DECLINED)],
)
def test_a_yes_after_a_red_flag_begins_nothing(state: str | None, expected: str | None) -> None:
    assert after_red_flag(state) == expected
