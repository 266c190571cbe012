"""What a visitor typed is cleaned, and what no classifier should guess at is screened out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinebot.language.messages import MAX_CHARACTERS, Screen, as_plain_text, clean, screen


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  hello \n", "hello"),
        ("a\x00b\x07c", "abc"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("cafe\u0301", "café"),
        ("\ud800lone", "lone"),
        ("\ue000private", "private"),
        ("🙂 fine", "🙂 fine"),
        ("", ""),
    ],
)
def test_a_text_is_cleaned(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("does ice help?", None),
        ("L4-L5", None),
        ("café naïve", None),
        ("hola me duele la espalda", None),  # Latin letters: the classifier's to doubt
        ("what does диск mean", None),
        ("", Screen.NO_WORDS),
        ("  ", Screen.NO_WORDS),
        ("???", Screen.NO_WORDS),
        ("🙂🙂", Screen.NO_WORDS),
        ("123", Screen.NO_WORDS),
        ("привет как дела", Screen.OTHER_LANGUAGE),
        ("你好", Screen.OTHER_LANGUAGE),
        ("مرحبا", Screen.OTHER_LANGUAGE),
        ("привет doc", Screen.OTHER_LANGUAGE),
        ("<script>alert(1)</script>", Screen.CODE),
        ("<b>back</b> pain", Screen.CODE),
        ('{"intent": "greet"}', Screen.CODE),
        ("I <3 you", None),
        ("pain < 5 and > 3", None),
        ("{clinic}", None),
        ("x" * MAX_CHARACTERS, None),
        ("x" * (MAX_CHARACTERS + 1), Screen.TOO_LONG),
        ("🙂" * (MAX_CHARACTERS + 1), Screen.TOO_LONG),
    ],
)
def test_a_message_is_screened(text: str, expected: Screen | None) -> None:
    assert screen(text) is expected


@pytest.mark.parametrize("text", ["/greet", "//greet", " /greet", "\n/\t/greet", "/ greet"])
def test_what_is_typed_is_never_a_command(text: str) -> None:
    assert as_plain_text(text) == "greet"


def test_a_slash_inside_a_text_stays() -> None:
    assert as_plain_text("L4/5") == "L4/5"


@given(st.text())
def test_no_text_begins_with_a_slash_behind_the_screen(text: str) -> None:
    assert not as_plain_text(text).startswith("/")


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(max_size=300))
def test_any_text_can_be_screened(text: str) -> None:
    assert screen(text) in {None, *Screen}


@given(st.sampled_from("<{"), st.text(alphabet="<>{}:ab ", max_size=1500))
def test_screening_is_quick_on_many_brackets(first: str, text: str) -> None:
    screen(first + text)
