"""Personal data are masked before a text is kept in the clear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinebot.language.redaction import redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # E-mail
        ("ann@example.com", "[email]"),
        ("write to Ann.Sample+x@Example.co.uk, thanks", "write to [email], thanks"),
        ("it is <ann@example.com>.", "it is <[email]>."),
        ("call me ann@example.com", "call me [email]"),
        # Phone and other long numbers
        ("202-555-0143", "[number]"),
        ("(202) 555-0143", "[number]"),
        ("+1 202 555 0143", "[number]"),
        ("+44 20 7946 0958", "[number]"),
        ("555-0143", "[number]"),
        ("call me at 202.555.0143 please", "call me at [number] please"),
        ("SSN 123-45-6789", "SSN [number]"),
        ("card 4111 1111 1111 1111", "card [number]"),
        ("MRN 00123456", "MRN [number]"),
        # Dates of birth
        ("I was born on 3/4/1961", "I was [date of birth]"),
        ("I was born on 3.4.1961 in Rome", "I was [date of birth] in Rome"),
        ("I was born in 1961", "I was [date of birth]"),
        ("born March 4th 1961", "[date of birth]"),
        ("born the 4th of March 1961", "[date of birth]"),
        ("birthday is 4 March 1961", "[date of birth]"),
        ("my date of birth is March 4, 1961", "my date of [date of birth]"),
        # Names
        ("my name is Ann Sample", "my name is [name]"),
        ("my name is ann and it hurts", "my name is [name] and it hurts"),
        ("My name's Bo and my back hurts", "My name's [name] and my back hurts"),
        ("I am called Ann", "I am called [name]"),
        ("my name is ANN SAMPLE", "my name is [name]"),
        ("My name is O'Brien", "My name is [name]"),
        ("my name is Mary-Ann Sample", "my name is [name]"),
        ("My name is Ann Sample-Smith", "My name is [name]"),
        ("my name is José Ñúñez.", "my name is [name]."),
        ("call me Ann", "call me [name]"),
        # Several at once
        (
            "my name is Ann, 202-555-0143 or ann@example.com",
            "my name is [name], [number] or [email]",
        ),
    ],
)
def test_personal_data_are_masked(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        *("", "does ice help?", "L4-L5 and L5-S1", "call me when you can", "please call me back"),
        *("call me tomorrow", "pain 8/10 for 3 years since 2021", "10-15 minutes, 3 times a day"),
        *("i was born with scoliosis", "I take 400 mg, 3 x 2", "C5/6 herniation in 2019"),
    ],
)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text", ["ann@example.com 202-555-0143", "my name is Ann", "born on 3/4/1961"]
)
def test_masking_twice_is_masking_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.text(max_size=200))
def test_any_text_can_be_masked(text: str) -> None:
    assert isinstance(redact(text), str)


@given(
    st.sampled_from(["call ", "it is ", "", "my number: "]),
    st.integers(2_000_000_000, 9_999_999_999),
    st.sampled_from(["", ".", " thanks", "!"]),
)
def test_ten_digits_never_stay(before: str, number: int, after: str) -> None:
    assert str(number) not in redact(f"{before}{number}{after}")
