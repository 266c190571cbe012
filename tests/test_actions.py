"""The actions, with real trackers and a real database: what is said, and what is remembered."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher
from ruamel.yaml import YAML

from actions import answers as answer_actions
from actions import emergencies as emergency_actions
from actions import handoffs as handoff_actions
from spinebot import articles, db, intake, offers
from spinebot.clinic import clinic
from spinebot.conversations import UNANSWERED
from spinebot.db import reading
from spinebot.emergencies import UNCERTAIN
from spinebot.intake import NO, NOT_GIVEN, REFUSED, YES
from spinebot.models import Handoff
from tests.conftest import ROOT, WORDS
from tests.factories import KEY, answers, callback, load_articles, tracker

OFFERED = "ask_disc_spasm_cause"  # its section goes with the offer
NOT_OFFERED = "ask_heat_or_ice"  # its section does not
EMERGENCY = "I can't pee since this morning and I am numb between my legs"


class Run:
    """One run of an action: what it said, and the slots that it set."""

    def __init__(self, action: Action, before: Tracker) -> None:
        dispatcher = CollectingDispatcher()
        self.events: list[dict[str, Any]] = action.run(dispatcher, before, {})
        self.said: list[dict[str, Any]] = dispatcher.messages

    @property
    def text(self) -> str:
        [message] = self.said
        return str(message["text"])

    @property
    def titles(self) -> list[str]:
        return [button["title"] for message in self.said for button in message["buttons"]]

    @property
    def payloads(self) -> list[str]:
        return [button["payload"] for message in self.said for button in message["buttons"]]

    @property
    def types(self) -> list[str | None]:
        return [message["custom"].get("type") for message in self.said]

    @property
    def notes(self) -> list[dict[str, Any]]:
        """What is noted of questions without an answer."""
        return [m["custom"][UNANSWERED] for m in self.said if UNANSWERED in m["custom"]]

    @property
    def slots(self) -> dict[str, Any]:
        return {each["name"]: each["value"] for each in self.events if each["event"] == "slot"}


@pytest.fixture(scope="module")
def with_articles(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose database holds the project's articles, for tests that only read."""
    from tests.conftest import forget_settings

    directory = tmp_path_factory.mktemp("articles")
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
    """The settings' database: the one with the project's articles."""
    from tests.conftest import forget_settings

    monkeypatch.setenv("SPINEBOT_DATA_DIR", str(with_articles))
    forget_settings()
    yield
    forget_settings()


def footnote(mark: str) -> str:
    return f"{mark} {clinic().fill(clinic().footnotes[mark])}"


def handoffs_stored() -> list[Handoff]:
    with reading() as session:
        return list(session.scalars(sa.select(Handoff)))


# Answers


@pytest.mark.usefixtures("knowledge")
class TestAnswer:
    def run(self, intent: str, text: str = "", **state: Any) -> Run:
        return Run(answer_actions.ActionAnswerQuestion(), tracker(text, intent, **state))

    def test_it_is_a_whole_answer_by_its_text_alone(self) -> None:
        text = self.run(NOT_OFFERED).text
        assert text.startswith("Warmth has more proof behind it")
        assert "Source: Self-care for a muscle spasm / " in text
        assert "clinical review pending" in text
        assert "http://localhost:8000/articles/muscle-spasm-self-care#heat-or-ice" in text

    def test_its_parts_go_with_it(self) -> None:
        [message] = self.run(NOT_OFFERED).said
        custom = message["custom"]
        assert custom["type"] == "answer"
        assert (custom["article"], custom["section"]) == ("muscle-spasm-self-care", "heat-or-ice")
        assert custom["url"] == "/articles/muscle-spasm-self-care#heat-or-ice"
        assert custom["reviewed_on"] is None
        assert custom["advice"] is None

    def test_its_buttons_ask_what_comes_next(self) -> None:
        run = self.run(NOT_OFFERED)
        assert 2 <= len(run.payloads) <= 3
        assert all(payload.startswith("/ask_") for payload in run.payloads)
        assert all(title.endswith("?") for title in run.titles)

    def test_a_claim_has_its_footnote(self) -> None:
        assert footnote("*") in self.run("ask_mri_review").said[0]["text"]

    def test_the_offer_comes_behind_an_answer_that_it_fits(self) -> None:
        run = self.run(OFFERED)
        assert run.types == ["answer", "offer"]
        assert run.slots["mri_offer"] == offers.PENDING
        assert run.said[1]["buttons"] == [
            {"title": clinic().say("offer_yes"), "payload": "/affirm"},
            {"title": clinic().say("offer_no"), "payload": "/deny"},
        ]

    def test_the_offer_has_its_footnote(self) -> None:
        assert self.run(OFFERED).said[1]["text"].endswith(footnote("*"))

    def test_it_comes_behind_no_answer_that_it_does_not_fit(self) -> None:
        assert self.run(NOT_OFFERED).types == ["answer"]

    @pytest.mark.parametrize("state", ["pending", "made", "accepted", "declined"])
    def test_it_comes_once(self, state: str) -> None:
        run = self.run(OFFERED, mri_offer=state)
        assert run.types == ["answer"]
        assert run.slots["mri_offer"] != offers.PENDING

    def test_after_a_red_flag_nothing_is_offered_and_nothing_led_to(self) -> None:
        run = self.run(OFFERED, red_flag=True)
        assert run.types == ["answer"]
        assert run.payloads == []

    def test_inside_the_form_it_is_the_answer_and_nothing_else(self) -> None:
        run = self.run(OFFERED, form=True)
        assert run.types == ["answer"]
        assert run.payloads == []
        # Neither the offer's state nor the end of the turn: the form goes on.
        assert set(run.slots) == {"answered"}
        assert {event["event"] for event in run.events} == {"slot"}

    def test_a_question_about_an_emergency_has_the_advice_before_the_answer(self) -> None:
        run = self.run(NOT_OFFERED, "what are the symptoms of cauda equina syndrome?")
        advice = run.said[0]["custom"]["advice"]
        assert "emergency room" in advice
        assert run.text.startswith(advice)

    @pytest.mark.parametrize("intent", ["ask_nothing", "", "greet"])
    def test_without_an_answer_there_is_a_phone_number(self, intent: str) -> None:
        run = self.run(intent)
        assert run.text == clinic().say("no_answer")
        assert clinic().phone in run.text
        assert run.notes == [{}]
        assert [event["event"] for event in run.events] == ["followup"]


def test_an_answer_is_this_moments_wording(sqlite_database: Path, write_article: Any) -> None:
    load_articles(write_article())
    load_articles(write_article(("{#first}\n\nThe cat", "{#first}\n\nThe dog")))
    run = Run(answer_actions.ActionAnswerQuestion(), tracker(intent="ask_first"))
    assert run.said[0]["text"].startswith("The dog")


def saying(before: Tracker, **said: str) -> Tracker:
    """Return the tracker with what its last message says of the visitor: kind=value."""
    entities = [{"entity": kind, "value": value} for kind, value in said.items()]
    before.latest_message["entities"] = entities
    return before


# The same question again


@pytest.mark.usefixtures("knowledge")
class TestAgain:
    def run(self, intent: str, lately: Any, text: str = "", **state: Any) -> Run:
        before = tracker(text, intent, answered=lately, **state)
        return Run(answer_actions.ActionAnswerQuestion(), before)

    @pytest.fixture
    def lately(self) -> list[dict[str, Any]]:
        """The slot after an answer to NOT_OFFERED."""
        return list(self.run(NOT_OFFERED, None).slots["answered"])

    def test_an_answer_is_remembered_with_its_wording(self, lately: Any) -> None:
        [entry] = lately
        assert entry["section"] == "muscle-spasm-self-care#heat-or-ice"
        assert entry["intent"] == NOT_OFFERED
        assert isinstance(entry["revision"], int)

    def test_only_the_newest_five_are_remembered(self, lately: Any) -> None:
        older = [{"section": f"a#{n}", "revision": n, "intent": "ask_x"} for n in range(1000, 1006)]
        assert self.run(NOT_OFFERED, older).slots["answered"] == [*older[2:], *lately]

    def test_it_is_a_short_line_with_the_link(self, lately: Any) -> None:
        run = self.run(NOT_OFFERED, lately)
        assert run.types == ["again"]
        assert run.text.startswith(clinic().say("again"))
        assert "http://localhost:8000/articles/muscle-spasm-self-care#heat-or-ice" in run.text
        assert len(run.text) < 300
        assert "body" not in run.said[0]["custom"]

    def test_it_can_be_heard_in_full_and_leads_on(self, lately: Any) -> None:
        run = self.run(NOT_OFFERED, lately)
        assert (run.titles[0], run.payloads[0]) == (clinic().say("again_full"), f"/{NOT_OFFERED}")
        assert run.payloads[1:] == self.run(NOT_OFFERED, None).payloads

    def test_asked_for_once_more_it_is_said_in_full(self, lately: Any) -> None:
        run = self.run(NOT_OFFERED, lately)
        assert run.slots["answered"] == []
        assert self.run(NOT_OFFERED, run.slots["answered"]).types == ["answer"]

    def test_another_answer_is_said_in_full(self, lately: Any) -> None:
        assert self.run("ask_opioids", lately).types == ["answer"]

    def test_a_wording_that_is_new_is_said_in_full(self, lately: Any) -> None:
        assert self.run(NOT_OFFERED, [{**lately[0], "revision": 0}]).types == ["answer"]

    def test_advice_on_an_emergency_is_said_each_time(self, lately: Any) -> None:
        run = self.run(NOT_OFFERED, lately, "what are the symptoms of cauda equina syndrome?")
        assert "emergency room" in run.text
        assert run.types == ["again"]

    @pytest.mark.parametrize("state", [{"form": True}, {"red_flag": True}])
    def test_in_a_form_and_after_a_red_flag_it_is_said_in_full(
        self, lately: Any, state: dict[str, Any]
    ) -> None:
        run = self.run(NOT_OFFERED, lately, **state)
        assert run.types == ["answer"]
        assert run.payloads == []

    def test_no_offer_comes_behind_it(self) -> None:
        lately = self.run(OFFERED, None).slots["answered"]
        run = self.run(OFFERED, lately)
        assert run.types == ["again"]
        assert run.slots["mri_offer"] is None

    def test_an_offer_that_was_pending_is_made(self) -> None:
        lately = self.run(OFFERED, None).slots["answered"]
        assert self.run(OFFERED, lately, mri_offer="pending").slots["mri_offer"] == offers.MADE


# What the visitor has said of themselves


@pytest.fixture
def with_case(sqlite_database: Path, write_article: Any) -> None:
    """An article with a section that answers ask_fourth in the case of the low back."""
    described = "  - slug: third\n    answers:\n      ask_fourth: What is fourth?\n"
    case = "  - slug: low\n    answers: {ask_fourth: And low?}\n    when: {region: low back}\n"
    case += '    facts: ["1.03"]\n    next: [ask_first, ask_second]\n'
    text = f"## The low thing {{#low}}\n\n{WORDS}\n\n## The third thing"
    load_articles(write_article((described, case + described), ("## The third thing", text)))


@pytest.mark.usefixtures("with_case")
class TestSaid:
    def run(self, now: dict[str, str], **state: Any) -> Run:
        before = saying(tracker("x", "ask_fourth", **state), **now)
        return Run(answer_actions.ActionAnswerQuestion(), before)

    def test_the_answer_is_for_what_the_message_says(self) -> None:
        assert self.run({}).said[0]["custom"]["section"] == "third"
        custom = self.run({"region": "low back"}).said[0]["custom"]
        assert (custom["section"], custom["because"]) == ("low", {"region": "low back"})

    def test_the_answer_is_for_what_was_said_before(self) -> None:
        run = self.run({}, said={"region": ["low back"]})
        assert run.said[0]["custom"]["section"] == "low"

    def test_what_was_said_is_remembered(self) -> None:
        run = self.run({"region": "neck", "name": "Ann"}, said={"condition": ["sciatica"]})
        assert run.slots["said"] == {"condition": ["sciatica"], "region": ["neck"]}

    def test_nothing_new_is_no_event(self) -> None:
        assert "said" not in self.run({"region": "neck"}, said={"region": ["neck"]}).slots

    def test_the_button_for_the_whole_answer_leads_to_the_same_section(self) -> None:
        lately = self.run({"region": "low back"}).slots["answered"]
        run = self.run({"region": "low back"}, answered=lately)
        assert run.types == ["again"]
        assert run.payloads[0] == '/ask_fourth{"region": "low back"}'

    @pytest.mark.parametrize("intent", ["inform", "report_pain"])
    def test_small_talk_is_remembered_too(self, intent: str) -> None:
        before = saying(tracker("it is my neck", intent), region="neck")
        run = Run(answer_actions.ActionReplySmallTalk(), before)
        assert run.slots == {"said": {"region": ["neck"]}}

    def test_what_was_not_understood_is_remembered_too(self) -> None:
        before = saying(tracker("neck xqzv", "nlu_fallback"), region="neck")
        run = Run(answer_actions.ActionAskToRephrase(), before)
        assert run.slots == {"said": {"region": ["neck"]}}


# Small talk


@pytest.mark.usefixtures("knowledge")
class TestSmallTalk:
    def run(self, intent: str, **state: Any) -> Run:
        return Run(answer_actions.ActionReplySmallTalk(), tracker("x", intent, **state))

    @pytest.mark.parametrize(
        "intent",
        [
            *("greet", "thank", "goodbye", "affirm", "deny", "inform", "report_pain"),
            *("ask_bot_identity", "out_of_scope", "request_cancel"),
            *("no_words", "too_long", "other_language", "code"),
        ],
    )
    def test_it_says_the_clinics_wording(self, intent: str) -> None:
        assert self.run(intent).text == clinic().say(intent)

    def test_it_leads_to_the_first_questions(self) -> None:
        assert self.run("greet").payloads == [f"/{intent}" for intent in clinic().starters]

    @pytest.mark.parametrize("intent", ["thank", "goodbye"])
    def test_it_leads_nowhere_at_the_end(self, intent: str) -> None:
        assert self.run(intent).payloads == []

    @pytest.mark.parametrize("state", [{"form": True}, {"red_flag": True}])
    def test_it_leads_nowhere_from_a_form_and_after_a_red_flag(self, state: dict[str, Any]) -> None:
        assert self.run("greet", **state).payloads == []

    def test_a_question_out_of_scope_is_noted_as_unanswered(self) -> None:
        assert self.run("out_of_scope").notes == [{}]
        assert self.run("greet").notes == []

    def test_inside_the_form_nothing_is_noted(self) -> None:
        assert self.run("out_of_scope", form=True).notes == []

    @pytest.mark.parametrize("intent", ["request_mri_review", "request_callback"])
    def test_asking_for_the_form_inside_the_form_goes_on(self, intent: str) -> None:
        assert self.run(intent, form=True).text == clinic().say("form_start_again")


# What was not understood


@pytest.mark.usefixtures("knowledge")
class TestRephrase:
    def run(self, *ranking: str, **state: Any) -> Run:
        before = tracker("hm", "nlu_fallback", ranking=ranking, **state)
        return Run(answer_actions.ActionAskToRephrase(), before)

    def test_the_likeliest_questions_are_buttons(self) -> None:
        run = self.run(
            "nlu_fallback",
            "ask_opioids",
            "greet",
            "ask_heat_or_ice",
            "ask_mri_age",
            "ask_mri_review",
        )
        assert run.text == clinic().say("fallback")
        assert run.payloads == [
            *("/ask_opioids", "/ask_heat_or_ice", "/ask_mri_age"),
            "/out_of_scope",
        ]

    @pytest.mark.parametrize("ranking", [(), ("nlu_fallback", "greet", "deny")])
    def test_without_a_likely_question_other_words_are_asked_for(self, ranking: Any) -> None:
        run = self.run(*ranking)
        assert run.text == clinic().say("fallback_plain")
        assert run.payloads == []

    def test_inside_the_form_nothing_leads_away(self) -> None:
        run = self.run("ask_opioids", form=True)
        assert run.text == clinic().say("fallback_plain")
        assert run.payloads == []

    @pytest.mark.parametrize("ranking", [(), ("ask_opioids",)])
    def test_it_then_waits_for_the_visitor(self, ranking: Any) -> None:
        assert self.run(*ranking).events == [
            {"event": "followup", "timestamp": None, "name": "action_listen"}
        ]


PASSING = "can the hospital charge me for a copy of my scan"  # said within a section
PASSING_SECTION = "mri-review#what-to-send"


def before_that(latest: Tracker, *actions: str) -> Tracker:
    """Return the tracker with an earlier message, on which ``actions`` ran."""
    earlier = [{"event": "user", "text": "xqzv", "parse_data": {}}]
    ran = [{"event": "action", "name": name} for name in (*actions, "action_listen")]
    latest.events[:0] = [*earlier, *ran]
    return latest


@pytest.mark.usefixtures("knowledge")
class TestClosest:
    def run(self, text: str = PASSING, *before: str, **state: Any) -> Run:
        latest = tracker(
            text, "nlu_fallback", ranking=["ask_mri_review_needs", "ask_mri_age"], **state
        )
        return Run(answer_actions.ActionAskToRephrase(), before_that(latest, *before))

    def test_the_closest_section_is_shown_as_just_that(self) -> None:
        run = self.run()
        assert run.types == ["closest"]
        custom = run.said[0]["custom"]
        assert run.text.startswith(f"{clinic().say('closest')}\n\n{custom['body']}")
        assert f"{custom['article']}#{custom['section']}" == PASSING_SECTION
        assert custom["notice"] == clinic().say("closest")
        assert "Source: The MRI review / " in run.text

    def test_it_has_all_that_an_answer_has(self) -> None:
        answer = Run(
            answer_actions.ActionAnswerQuestion(), tracker("x", "ask_mri_review_needs")
        ).said[0]["custom"]
        custom = self.run().said[0]["custom"]
        differs = {key for key in answer if custom[key] != answer[key]}
        assert differs == {"type", "intent"}

    def test_the_likely_questions_go_with_it_but_for_its_own(self) -> None:
        assert self.run().payloads == ["/ask_mri_age", "/out_of_scope"]

    def test_it_is_noted_as_unanswered_with_what_came_nearest(self) -> None:
        [note] = self.run().notes
        with reading() as session:
            answer = articles.answer_of(session, note["section_id"], "")
        assert answer
        assert answer.place == PASSING_SECTION
        assert 0.66 <= note["score"] <= 2

    def test_it_is_not_shown_twice(self) -> None:
        lately = self.run().slots["answered"]
        assert lately[-1]["section"] == PASSING_SECTION
        run = self.run(answered=lately)
        assert run.text == clinic().say("fallback")

    def test_it_is_shown_though_the_message_before_was_not_understood(self) -> None:
        assert self.run(PASSING, "action_ask_to_rephrase").types == ["closest"]

    def test_inside_the_form_it_is_not_looked_for(self) -> None:
        run = self.run(form=True)
        assert run.text == clinic().say("fallback_plain")
        assert run.notes == []


@pytest.mark.usefixtures("knowledge")
class TestUnknown:
    def run(self, *before: str, **state: Any) -> Run:
        latest = tracker("xqzv wqrt", "nlu_fallback", ranking=["ask_opioids"], **state)
        return Run(answer_actions.ActionAskToRephrase(), before_that(latest, *before))

    def something_else(self, **state: Any) -> Run:
        before = tracker("/out_of_scope", "out_of_scope", **state)
        return Run(answer_actions.ActionReplySmallTalk(), before)

    def test_the_first_time_it_asks(self) -> None:
        assert self.run("action_answer_question").text == clinic().say("fallback")

    def test_the_second_time_in_a_row_it_does_not_know(self) -> None:
        run = self.run("action_ask_to_rephrase")
        assert run.text == clinic().say("unknown")
        assert clinic().phone in run.text
        assert run.payloads == ["/request_callback"]
        assert [event["event"] for event in run.events] == ["followup"]

    def test_the_second_time_with_something_between_it_asks(self) -> None:
        latest = tracker("xqzv wqrt", "nlu_fallback", ranking=["ask_opioids"])
        before_that(before_that(latest, "action_reply_small_talk"), "action_ask_to_rephrase")
        run = Run(answer_actions.ActionAskToRephrase(), latest)
        assert run.text == clinic().say("fallback")

    @pytest.mark.parametrize("before", ["action_answer_question", "action_ask_to_rephrase"])
    def test_each_time_is_noted(self, before: str) -> None:
        assert self.run(before).notes == [{}]

    def test_something_else_is_not_known(self) -> None:
        run = self.something_else()
        assert run.text == clinic().say("unknown")
        assert run.payloads == ["/request_callback"]
        # The question itself was noted when it was asked.
        assert run.notes == []

    def test_after_a_red_flag_no_call_is_offered(self) -> None:
        assert self.something_else(red_flag=True).payloads == []
        assert self.run("action_ask_to_rephrase", red_flag=True).payloads == []

    def test_an_old_button_inside_the_form_leads_nowhere(self) -> None:
        run = self.something_else(form=True)
        assert run.text == clinic().say("out_of_scope")
        assert run.payloads == []


# Emergencies


class TestEmergency:
    def run(self, text: str = EMERGENCY, **slots: Any) -> Run:
        before = tracker(text, "report_emergency", **slots)
        return Run(emergency_actions.ActionWarnEmergency(), before)

    def test_it_says_what_to_do(self) -> None:
        run = self.run()
        assert "emergency room" in run.text
        assert run.types == ["emergency"]
        assert run.payloads == []

    def test_it_names_the_rule_and_the_number_to_call(self) -> None:
        [message] = self.run().said
        assert message["custom"]["rules"]
        assert message["custom"]["calls"] == [{"title": "Call 911", "url": "tel:911"}]

    def test_without_a_rule_it_asks_after_the_signs(self) -> None:
        assert self.run("it is all very bad").text == UNCERTAIN

    def test_it_is_remembered(self) -> None:
        assert self.run().slots["red_flag"] is True

    def test_it_ends_an_offer(self) -> None:
        assert self.run(mri_offer="pending").slots["mri_offer"] == offers.MADE

    def test_it_forgets_what_a_form_had_asked(self) -> None:
        slots = self.run(**answers()).slots
        assert {slots[slot] for slot in intake.FORM_SLOTS} == {None}

    def test_afterwards_a_form_is_referred_to_the_phone(self) -> None:
        run = Run(emergency_actions.ActionReferAfterRedFlag(), tracker("", "request_mri_review"))
        assert run.text == clinic().say("after_red_flag")
        assert clinic().phone in run.text
        assert run.events == []


# A person, the offer, the form's beginning and end


def test_a_person_is_a_phone_call_away() -> None:
    run = Run(handoff_actions.ActionOfferHuman(), tracker("", "request_human"))
    assert clinic().phone in run.text
    assert clinic().hours in run.text
    assert run.payloads == ["/request_callback"]


def test_a_person_inside_the_form_is_a_phone_call_away_too() -> None:
    run = Run(handoff_actions.ActionOfferHuman(), tracker("", "request_human", form=True))
    assert clinic().phone in run.text
    assert run.payloads == []


def test_a_no_to_the_offer_is_remembered() -> None:
    run = Run(handoff_actions.ActionDeclineOffer(), tracker("", "deny", mri_offer="pending"))
    assert run.text == clinic().say("offer_declined")
    assert run.slots == {"mri_offer": offers.DECLINED}


STARTS = [
    (handoff_actions.ActionStartMriReview, "mri_review", "form_start"),
    (handoff_actions.ActionStartCallback, "callback", "callback_start"),
]


@pytest.mark.parametrize(("action", "reason", "wording"), STARTS)
def test_a_form_begins_with_what_comes(action: Any, reason: str, wording: str) -> None:
    run = Run(action(), tracker())
    assert run.text == clinic().say(wording)
    assert run.slots["handoff_reason"] == reason
    assert len(run.slots["handoff_key"]) == 32


@pytest.mark.parametrize(("action", "reason", "wording"), STARTS)
def test_a_form_forgets_what_another_left(action: Any, reason: str, wording: str) -> None:
    other = "callback" if reason == "mri_review" else "mri_review"
    slots = Run(action(), tracker(**answers(handoff_reason=other))).slots
    assert {slots[slot] for slot in intake.SLOTS} == {None}
    assert slots["handoff_key"] != KEY


def test_two_forms_have_two_keys() -> None:
    keys = {
        Run(handoff_actions.ActionStartCallback(), tracker()).slots["handoff_key"] for _ in "ab"
    }
    assert len(keys) == 2


def test_only_the_mri_form_accepts_the_offer() -> None:
    mri, call = (Run(action(), tracker()).slots for action, _, _ in STARTS)
    assert mri["mri_offer"] == offers.ACCEPTED
    assert "mri_offer" not in call


@pytest.mark.parametrize(("action", "reason", "wording"), STARTS)
def test_another_try_asks_nothing_again_but_the_yes(action: Any, reason: str, wording: str) -> None:
    run = Run(action(), tracker(**answers(handoff_reason=reason)))
    assert run.slots == {"confirmed": None, "bad_answers": None}


def test_a_stopped_form_is_forgotten() -> None:
    run = Run(handoff_actions.ActionStopForm(), tracker(form=True, **answers()))
    assert run.text == clinic().say("form_stopped")
    assert {run.slots[slot] for slot in intake.FORM_SLOTS} == {None}
    assert run.slots["mri_offer"] == offers.DECLINED


# The form's questions

ASKS = [
    (handoff_actions.AskName, []),
    (handoff_actions.AskContact, []),
    (handoff_actions.AskBestTime, ["skip"]),
    (handoff_actions.AskRecentMri, ["yes", "no", "not_sure"]),
    (handoff_actions.AskMriDate, ["not_sure"]),
    (handoff_actions.AskPainArea, ["skip"]),
    (handoff_actions.AskConsent, ["agree", "disagree"]),
    (handoff_actions.AskConfirmed, ["send"]),
]


def ask(action: Any, **slots: Any) -> Run:
    return Run(action(), tracker(form=True, **slots))


@pytest.mark.parametrize(("action", "choices"), ASKS)
def test_a_question_is_asked_with_its_choices(action: Any, choices: list[str]) -> None:
    run = ask(action, **answers())
    assert run.text.startswith(clinic().say(f"ask_{action.slot}"))
    assert run.titles == run.payloads == [clinic().say(choice) for choice in choices]


@pytest.mark.parametrize(
    ("slot", "choice"), [(action.slot, choice) for action, choices in ASKS for choice in choices]
)
def test_every_choice_is_an_answer(slot: str, choice: str) -> None:
    reading = intake.read(slot, clinic().say(choice), None, "US")
    assert reading.is_answer
    assert not reading.is_bad


@pytest.mark.parametrize(
    ("action", "slots", "step", "steps"),
    [
        (handoff_actions.AskName, {"handoff_reason": "mri_review"}, 1, 7),
        (handoff_actions.AskMriDate, answers(), 5, 8),
        (handoff_actions.AskConsent, answers(), 7, 8),
        (handoff_actions.AskConsent, answers(recent_mri=NO), 6, 7),
        (handoff_actions.AskConfirmed, callback(), 5, 5),
        (handoff_actions.AskName, {}, 1, 7),
    ],
)
def test_a_question_says_how_far_the_form_is(
    action: Any, slots: dict[str, Any], step: int, steps: int
) -> None:
    [message] = ask(action, **slots).said
    assert (message["custom"]["step"], message["custom"]["steps"]) == (step, steps)


@pytest.mark.parametrize("reason", ["mri_review", "callback"])
def test_consent_is_asked_for_with_its_whole_text(reason: str) -> None:
    text = ask(handoff_actions.AskConsent, **answers(handoff_reason=reason)).text
    assert clinic().fill(getattr(clinic().consent, reason)) in text


def test_the_consents_mark_has_its_footnote() -> None:
    text = ask(handoff_actions.AskConsent, **answers()).text
    assert text.endswith(footnote("*"))


def test_the_summary_holds_every_answer() -> None:
    text = ask(handoff_actions.AskConfirmed, **answers()).text
    for value in ("Ann Sample", "+12025550143", "mornings", "yes", "March 2026", "low back"):
        assert f"**{value}**" in text
    assert clinic().say("change_how") in text


def test_the_summary_of_a_callback_holds_nothing_of_an_mri() -> None:
    assert "MRI" not in ask(handoff_actions.AskConfirmed, **callback()).text


def test_only_the_summary_is_personal() -> None:
    personal = [a.slot for a, _ in ASKS if ask(a, **answers()).said[0]["custom"]["personal"]]
    assert personal == ["confirmed"]


# Reading the answers


def validate(text: str, asked: str | None, intent: str = "", **slots: Any) -> Run:
    slots = {"handoff_reason": "mri_review", **slots, "requested_slot": asked}
    after = slots.pop("after", ())
    before = tracker(text, intent, form=True, after=after, **slots)
    return Run(handoff_actions.ValidateMriReviewForm(), before)


def test_an_answer_is_kept_and_the_next_question_asked() -> None:
    run = validate("my name is Ann Sample", "name")
    assert run.slots == {"name": "Ann Sample", "bad_answers": None, "requested_slot": "contact"}
    assert run.said == []


def test_the_first_question_is_asked_of_an_empty_form() -> None:
    run = validate("yes please", None, "affirm")
    assert run.slots == {"requested_slot": "name"}


def test_an_mri_with_its_date_answers_two_questions() -> None:
    run = validate("yes, in March", "recent_mri", **answers(recent_mri=None, mri_date=None))
    assert (run.slots["recent_mri"], run.slots["mri_date"]) == (YES, "yes, in March")


@pytest.mark.parametrize(("text", "following"), [("yes", "mri_date"), ("no", "pain_area")])
def test_the_date_is_asked_only_of_an_mri_that_was(text: str, following: str) -> None:
    empty = dict.fromkeys(["recent_mri", "mri_date", "pain_area", "consent", "confirmed"])
    run = validate(text, "recent_mri", **answers(**empty))
    assert run.slots["requested_slot"] == following


def test_the_last_answer_completes_the_form() -> None:
    run = validate("Yes, send it", "confirmed", **answers(confirmed=None))
    assert run.slots["requested_slot"] is None


def test_a_refused_consent_completes_it_too() -> None:
    run = validate("I do not agree", "consent", **answers(consent=None, confirmed=None))
    assert (run.slots["consent"], run.slots["requested_slot"]) == (REFUSED, None)


def test_a_corrected_answer_leads_back_to_the_summary() -> None:
    run = validate("change phone to 202-555-0199", "confirmed", **answers(confirmed=None))
    assert run.slots["contact"] == "+12025550199"
    assert run.slots["requested_slot"] == "confirmed"


@pytest.mark.parametrize(
    ("asked", "said"), [("pain_area", ["**+12025550199**"]), ("confirmed", [])]
)
def test_a_correction_at_another_question_is_confirmed(asked: str, said: list[str]) -> None:
    empty = dict.fromkeys(["pain_area", "consent", "confirmed"])
    if asked == "confirmed":
        empty = {"confirmed": None}
    run = validate("change phone to 202-555-0199", asked, **answers(**empty))
    assert [words for each in run.said for words in said if words in each["text"]] == said
    assert len(run.said) == len(said)
    assert all(each["custom"]["personal"] for each in run.said)


def test_an_answer_to_be_corrected_is_asked_again() -> None:
    run = validate("change name", "confirmed", **answers(confirmed=None))
    assert (run.slots["name"], run.slots["requested_slot"]) == (None, "name")


def test_the_first_bad_answer_is_explained() -> None:
    run = validate("555", "contact", name="Ann")
    assert run.text == clinic().say("bad_contact")
    assert run.slots == {"contact": None, "bad_answers": 1, "requested_slot": "contact"}


def test_the_second_has_an_example() -> None:
    run = validate("555", "contact", name="Ann", bad_answers=1)
    assert run.text == f"{clinic().say('bad_contact')}\n\n{clinic().say('example_contact')}"
    assert run.slots["bad_answers"] == 2
    assert run.payloads == []


def test_the_third_has_a_way_out() -> None:
    run = validate("555", "contact", name="Ann", bad_answers=2)
    assert clinic().say("way_out") in run.text
    assert clinic().phone in run.text
    assert run.payloads == ["/request_cancel"]


def test_the_third_to_an_optional_question_can_be_skipped() -> None:
    run = validate("<b>", "pain_area", **answers(pain_area=None, bad_answers=2))
    assert clinic().say("way_out_skip") in run.text
    assert run.payloads == [clinic().say("skip"), "/request_cancel"]


@pytest.mark.parametrize("failures", [0, 1, 2, 5])
def test_an_unclear_summary_asks_what_to_change(failures: int) -> None:
    run = validate("hm", "confirmed", **answers(confirmed=None, bad_answers=failures))
    assert run.text.startswith(clinic().say("change_which"))


def test_a_good_answer_forgets_the_bad_ones() -> None:
    assert validate("Ann", "name", bad_answers=2).slots["bad_answers"] is None


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("is heat or ice better?", "ask_heat_or_ice"),
        ("stop", "request_cancel"),
        ("thanks", "thank"),
        ("can I talk to a person", "request_human"),
        (EMERGENCY, "report_emergency"),
    ],
)
def test_what_is_no_answer_is_left_to_the_rules(text: str, intent: str) -> None:
    run = validate(text, "name", intent)
    assert run.events == []
    assert run.said == []


def test_coming_back_from_an_answered_question_reads_nothing_twice() -> None:
    run = validate(
        "is heat or ice better?", "name", "ask_heat_or_ice", after=["action_answer_question"]
    )
    assert run.slots == {"requested_slot": "name"}
    assert run.said == []


@pytest.mark.parametrize("after", ["action_extract_slots", "mri_review_form", "action_listen"])
def test_rasas_own_steps_do_not_hide_the_answer(after: str) -> None:
    assert validate("Ann", "name", after=[after]).slots["name"] == "Ann"


@pytest.mark.parametrize("slot", intake.SLOTS)
@pytest.mark.parametrize(
    "text", ["", "🙂", "<script>alert(1)</script>", "'; DROP TABLE handoff; --", "x" * 2000, "\x00"]
)
def test_odd_input_is_explained_and_never_kept(slot: str, text: str) -> None:
    run = validate(text, slot, **answers(**{slot: None}))
    assert run.slots.get(slot) is None
    assert run.types == [None]
    assert run.text


# The end of the form


def submit(filled: dict[str, Any], sender: str = "visitor") -> Run:
    return Run(handoff_actions.ActionSubmitHandoff(), tracker(sender=sender, **filled))


def test_a_whole_form_is_one_handoff_with_its_number(database: str) -> None:
    run = submit(answers())
    [handoff] = handoffs_stored()
    assert run.text == clinic().say("handoff_stored", reference=handoff.reference)
    assert run.said[0]["custom"] == {"type": "handoff", "reference": handoff.reference}
    assert {run.slots[slot] for slot in intake.FORM_SLOTS} == {None}


def test_sent_twice_it_is_one_handoff_with_one_number(database: str) -> None:
    first, second = submit(answers()), submit(answers())
    assert first.text == second.text
    assert len(handoffs_stored()) == 1


@pytest.mark.parametrize("filled", [answers(), callback()])
def test_the_consent_is_stored_as_it_was_shown(
    sqlite_database: Path, filled: dict[str, Any]
) -> None:
    submit(filled)
    shown = ask(handoff_actions.AskConsent, **filled).text
    assert handoffs_stored()[0].consent_text in shown


def test_what_was_skipped_is_stored_as_nothing(sqlite_database: Path) -> None:
    submit(answers(best_time=NOT_GIVEN, pain_area=NOT_GIVEN))
    assert handoffs_stored()[0].best_time is None


@pytest.mark.parametrize(
    "filled",
    [
        {},
        {"handoff_reason": "mri_review", "handoff_key": KEY},
        answers(name=None),
        answers(consent=None),
        answers(confirmed=None),
        answers(handoff_key=None),
        answers(handoff_reason=None),
        answers(handoff_reason="something"),
    ],
)
def test_an_incomplete_form_is_not_sent_and_says_so(
    sqlite_database: Path, filled: dict[str, Any]
) -> None:
    run = submit(filled)
    assert run.text == clinic().say("handoff_failed")
    assert run.types == ["error"]
    assert run.events == []
    assert handoffs_stored() == []


def test_a_refused_consent_sends_nothing(sqlite_database: Path) -> None:
    run = submit(answers(consent=REFUSED, confirmed=None))
    assert run.text == clinic().say("consent_refused")
    assert run.slots["mri_offer"] == offers.DECLINED
    assert {run.slots[slot] for slot in intake.FORM_SLOTS} == {None}
    assert handoffs_stored() == []


@pytest.mark.parametrize(
    ("filled", "payload"),
    [(answers(), "/request_mri_review"), (callback(), "/request_callback")],
)
def test_with_the_database_locked_it_says_that_nothing_was_sent(
    sqlite_database: Path,
    monkeypatch: pytest.MonkeyPatch,
    filled: dict[str, Any],
    payload: str,
) -> None:
    monkeypatch.setattr(db, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(sqlite_database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        run = submit(filled)
        other.execute("ROLLBACK")
    assert run.text == clinic().say("handoff_failed")
    assert clinic().phone in run.text
    assert run.payloads == [payload]
    # The answers stay for another try.
    assert run.events == []
    assert handoffs_stored() == []


def test_another_try_then_stores_it(sqlite_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(sqlite_database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        submit(answers())
    submit(answers())
    assert len(handoffs_stored()) == 1


# Failures


@pytest.fixture
def no_tables(data_dir: Path) -> None:
    """A database without any tables: whatever reads it fails."""


@pytest.mark.usefixtures("no_tables")
def test_an_action_that_fails_says_so_with_the_phone_number() -> None:
    run = Run(answer_actions.ActionAnswerQuestion(), tracker("hm", OFFERED))
    assert run.text == clinic().say("trouble")
    assert clinic().phone in run.text
    assert run.types == ["error"]
    assert run.events == []


@pytest.mark.usefixtures("no_tables")
@pytest.mark.parametrize("action", [answer_actions.ActionAnswerQuestion, None])
def test_a_failure_logs_nothing_of_what_was_typed(
    action: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        if action:
            Run(action(), tracker("Ann Sample, 202-555-0143", OFFERED))
        else:
            submit(answers())
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    assert "Ann" not in caplog.text
    assert "0143" not in caplog.text


@pytest.mark.usefixtures("no_tables")
def test_the_emergency_wording_needs_no_database() -> None:
    before = tracker(EMERGENCY, "report_emergency")
    assert Run(emergency_actions.ActionWarnEmergency(), before).types == ["emergency"]


ACTIONS = YAML(typ="safe", pure=True).load((ROOT / "domain.yml").read_text(encoding="utf-8"))[
    "actions"
]


@pytest.mark.usefixtures("knowledge")
@pytest.mark.parametrize("name", ACTIONS)
def test_the_action_server_can_run_it_on_a_new_conversation(name: str) -> None:
    executor = ActionExecutor()
    executor.register_package("actions")
    call = {
        "next_action": name,
        "domain": {},
        "tracker": {
            "sender_id": "1.1",
            "slots": {},
            "latest_message": {"text": None, "intent": {"name": None, "confidence": 0.0}},
            "events": [],
            "active_loop": {},
        },
    }
    result = asyncio.run(executor.run(call))
    assert result
    assert all(event["event"] in {"slot", "followup"} for event in result.events)
