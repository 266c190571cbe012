"""Which messages lean on the answer before them, and where a message may be cut in two."""

from __future__ import annotations

import pytest

from spinebot.language import followups


@pytest.mark.parametrize(
    "text",
    [
        "and surgery?",
        "how long does that last?",
        "what about the neck?",
        "is it safe",
        "for how long",
    ],
)
def test_a_short_message_that_refers_back_is_a_follow_up(text: str) -> None:
    assert followups.is_follow_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "heat or ice for a spasm",
        "back brace",
        "and then my doctor said that I should have an operation on my lower back next month",
        "",
    ],
)
def test_a_message_that_stands_alone_is_none(text: str) -> None:
    assert not followups.is_follow_up(text)


@pytest.mark.parametrize(
    "text", ["why?", "tell me more", "Go on.", "anything else?", "more please"]
)
def test_more_is_asked_for(text: str) -> None:
    assert followups.asks_for_more(text)


@pytest.mark.parametrize("text", ["why do discs wear out?", "tell me about surgery", "more pain"])
def test_a_question_of_its_own_asks_for_no_more(text: str) -> None:
    assert not followups.asks_for_more(text)


def test_a_message_is_cut_between_its_questions() -> None:
    found = followups.cuts("heat or ice, and how should i sleep tonight?")
    assert ("heat or ice", "how should i sleep tonight?") in found


def test_a_part_of_one_word_is_no_question() -> None:
    assert followups.cuts("sciatica and surgery") == []
