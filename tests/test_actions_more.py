"""Two questions in one message, and more of what was answered."""

from __future__ import annotations

from typing import Any

import pytest

from actions.answers import ActionAnswerQuestion
from actions.more import ActionTellMore
from spinebot.clinic import clinic
from tests.factories import tracker
from tests.test_actions import Run, knowledge, with_articles  # noqa: F401 - fixtures

HEAT, SLEEP = "ask_heat_or_ice", "ask_sleep_position"


def asked(intent: str, also: list[str] | None = None, **state: Any) -> Run:
    before = tracker("", intent, **state)
    before.latest_message["also_asked"] = also or []
    return Run(ActionAnswerQuestion(), before)


@pytest.mark.usefixtures("knowledge")
class TestTwoQuestions:
    def test_both_are_answered_in_order(self) -> None:
        run = asked(HEAT, [SLEEP])
        said = [m["custom"]["intent"] for m in run.said if m["custom"].get("type") == "answer"]
        assert said == [HEAT, SLEEP]

    def test_only_the_last_answer_leads_on(self) -> None:
        first, second = asked(HEAT, [SLEEP]).said[:2]
        assert first["buttons"] == []
        assert second["buttons"]

    def test_both_are_remembered(self) -> None:
        kept = asked(HEAT, [SLEEP]).slots["answered"]
        assert [entry["intent"] for entry in kept] == [HEAT, SLEEP]

    def test_one_section_is_said_once(self) -> None:
        assert asked(HEAT, [HEAT]).types.count("answer") == 1


@pytest.mark.usefixtures("knowledge")
class TestMore:
    def run(self, lately: list[dict[str, Any]] | None) -> Run:
        return Run(ActionTellMore(), tracker("tell me more", "request_more", answered=lately))

    def test_the_next_section_of_the_article_is_said(self) -> None:
        lately = asked(HEAT).slots["answered"]
        [answer] = self.run(lately).said
        assert answer["custom"]["article"] == "muscle-spasm-self-care"
        assert answer["custom"]["section"] != "heat-or-ice"

    def test_what_was_said_is_remembered(self) -> None:
        lately = asked(HEAT).slots["answered"]
        assert len(self.run(lately).slots["answered"]) == len(lately) + 1

    def test_at_the_articles_end_its_page_is_named(self) -> None:
        lately: list[dict[str, Any]] = list(asked(HEAT).slots["answered"])
        for _ in range(12):
            run = self.run(lately)
            if "answered" not in run.slots:
                break
            lately = run.slots["answered"]
        assert run.text.startswith(clinic().say("more_all").strip())
        assert "/articles/muscle-spasm-self-care" in run.text

    @pytest.mark.parametrize("lasting", [["acute"], ["chronic"], []])
    def test_a_section_for_another_case_is_left_out(self, lasting: list[str]) -> None:
        said = {"duration": lasting}
        shown, lately = set(), [{"section": "healing-time#", "intent": "ask_not_improving"}]
        for _ in range(12):
            run = Run(
                ActionTellMore(),
                tracker("tell me more", "request_more", answered=lately, said=said),
            )
            if "answered" not in run.slots:
                break
            lately = run.slots["answered"]
            shown.add(run.said[0]["custom"]["section"])
        assert ("not-better-in-the-first-weeks" in shown) is (lasting == ["acute"])

    def test_more_of_nothing_is_asked_back(self) -> None:
        assert self.run(None).text == clinic().say("more_of_what")
