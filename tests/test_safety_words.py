"""The words that the red-flag rules read: stems, slips of spelling, and what numbers stand for."""

from __future__ import annotations

import pytest

from spinebot.safety.numbers import numbers, value
from spinebot.safety.words import Lexicon, normalise, stem, tokens

LEXICON = Lexicon({"sign": ["bladder", "weakness", "saddle", "stroke", "numb"]}, 50, ["blades"])


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        ("wipe wipes wiped wiping", "wip"),
        ("numb numbness", "numb"),
        ("happiness happy", "happy"),
        ("cry cries cried", "cry"),
        ("box boxes boxed boxing", "box"),
        ("rush rushes rushed rushing", "rush"),
        ("pass passes passed passing", "pass"),
        ("buzz buzzes buzzing", "buzz"),
        ("stop stops stopped stopping", "stop"),
        ("fill fills filled filling", "fill"),
        ("slow slowly", "slow"),
        ("leg legs", "leg"),
        ("agreed", "agreed"),
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: str, expected: str) -> None:
    assert {stem(form) for form in forms.split()} == {expected}


@pytest.mark.parametrize(
    "word", ["this", "us", "gas", "spinous", "thing", "string", "bed", "ness", "only", "fly", "l5s"]
)
def test_what_only_looks_like_a_form_stays(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("bladdr", "bladder"),  # one left out
        ("bladdder", "bladder"),  # one too many
        ("blidder", "bladder"),  # another one
        ("saddel", "saddle"),  # two swapped
        ("stroek", "stroke"),
        ("weekness", "weakness"),
        # Not: the first letter, two slips, a form of the word, a word of its own, too short.
        ("vladder", "vladder"),
        ("blidderr", "blidderr"),
        ("strokes", "strokes"),
        ("blades", "blades"),
        ("nomb", "nomb"),
        ("sadle", "sadle"),
        ("bladder1", "bladder1"),
    ],
)
def test_one_slip_in_a_long_word_is_mended(typed: str, meant: str) -> None:
    assert LEXICON.spelled(typed) == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I CAN'T pee", "i can not pee"),
        ("cant", "can not"),
        ("he'll, they're", "he will , they are"),
        ("my dad's leg", "my dad 's leg"),
        ("Pain—nûmb “legs”", "pain — numb legs"),
        ("one\ntwo\u2028three", "one . two . three"),
        ("my\u202echest\u200bhurts\x00now", "my chest hurts now"),
        ("l-e-g can’t", "l e g can not"),
        ("99.5 and 1/2", "99.5 and 1 / 2"),
        ("a" * 60, "a" * 40),
    ],
)
def test_a_text_becomes_plain_words(text: str, words: str) -> None:
    assert " ".join(tokens(text)) == words


def test_only_the_end_of_a_very_long_text_is_read() -> None:
    assert normalise("first " + "x" * 100_000).startswith("xxx")
    assert normalise("first " + "x" * 99_000).startswith("first")


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        # Ages.
        ("i am 50", "age_50_up"),
        ("i am 49", ""),
        ("i am 110", "age_50_up many_number"),
        ("i am 111", "many_number"),
        ("i am sixty", "age_50_up"),
        ("77 and getting shorter", "age_50_up"),
        ("mom, 68, fell", "age_50_up"),
        ("at 70 i fell", "age_50_up"),
        ("at 70 mph", ""),
        ("a 70 year old", "age_50_up"),
        ("i was 62 pounds lighter", ""),
        ("it costs $ 70 , thanks", ""),
        ("my son is 6", "age_child age_small"),
        ("my son is 7", "age_child"),
        ("my son is 17", "age_child"),
        ("my son is 18", ""),
        ("my daughter, 12, fell", "age_child"),
        ("my daughter, 12 fell", "age_child"),
        ("my wife, 12, fell", "age_child"),
        ("my wife, 6, fell", ""),
        ("my wife, 12 cats and i", ""),
        ("my 12 year old", "age_child"),
        ("for 12 years", ""),
        ("i am 9", ""),
        ("i am 10", "age_child"),
        ("aged 3", "age_child age_small"),
        ("she is only 4", "age_child age_small"),
        ("the pain is 8 out of 10", ""),
        ("his pain is 6.5", ""),
        # Heights and amounts.
        ("fell 4 feet", "height"),
        ("fell 3 feet", ""),
        ("took 5 pills", "many_number"),
        ("help! 20 pills", "many_number"),
        ("took 4 pills", ""),
        ("took four pills", ""),
        ("took 5.5 pills", ""),
        ("took 20 mg", ""),
        # Pregnancy.
        ("i am 4 weeks", "gestation weeks_told"),
        ("i am 3 weeks", ""),
        ("i am 42 weeks", "gestation weeks_told"),
        ("i am 43 weeks", ""),
        ("i am 14 weeks post surgery", ""),
        ("for 14 weeks it hurts", ""),
        ("14 weeks and bleeding", "weeks_told"),
        # Fever.
        ("a fever of 99.5", "degrees hot_number"),
        ("a fever of 99.4", ""),
        ("a fever of 107", "degrees hot_number many_number"),
        ("a fever of 108", "many_number"),
        ("38 degrees", "degrees hot_number"),
        ("37.8 c", "degrees hot_number"),
        ("37.7 c", ""),
        ("41.5 c", "degrees hot_number"),
        ("41.6 c", ""),
        ("temp 101 today", "degrees"),
        ("it was 38 today", "degrees"),
        ("it was 102 outside", "degrees"),
        ("i was 102 pounds", "degrees"),
        ("paid $ 102 for it", "degrees"),
    ],
)
def test_numbers_mean_what_stands_around_them(text: str, meanings: str) -> None:
    told = {term for term, _ in numbers(list(tokens(text)), 50)} - {"number"}
    # Most amounts are "many" as well: that is asked of the amounts alone.
    if "many_number" not in meanings and "took" not in text:
        told -= {"many_number"}
    assert told == set(meanings.split())


def test_weeks_are_told_with_their_number() -> None:
    found = dict(numbers(["i", "am", "14", "weeks", "."], 50))
    assert found["gestation"] == found["weeks_told"] == (2, 4)


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("7", 7.0),
        ("38.5", 38.5),
        ("twelve", 12.0),
        ("99999", 99999.0),
        ("1234567", None),
        ("²", None),
        ("leg", None),
    ],
)
def test_a_word_may_stand_for_a_number(word: str, number: float | None) -> None:
    assert value(word) == number
