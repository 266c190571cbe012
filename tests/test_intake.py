"""The form: what is asked, how an answer is read, and what is not an answer."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from spinebot import intake
from spinebot.intake import NO, NOT_GIVEN, NOT_SURE, REFUSED, YES, asides
from tests.conftest import ROOT
from tests.factories import answers, callback


def read(
    slot: str,
    text: str,
    intent: str | None = None,
    region: str = "US",
    answers: dict[str, Any] | None = None,
) -> Any:
    """Return the values read, or "bad", or "something else"."""
    reading = intake.read(slot, text, intent, region, answers)
    if not reading.is_answer:
        return "something else"
    return "bad" if reading.is_bad else reading.values


# The order


def test_an_empty_form_begins_with_the_name() -> None:
    assert intake.next_slot("mri_review", {}) == "name"


@pytest.mark.parametrize(
    ("recent_mri", "asked"),
    [(YES, True), (NO, False), (NOT_SURE, False), (NOT_GIVEN, False), (None, False)],
)
def test_the_date_is_asked_only_of_an_mri_that_was(recent_mri: str | None, asked: bool) -> None:
    assert ("mri_date" in intake.slots_of("mri_review", {"recent_mri": recent_mri})) is asked


def test_a_callback_asks_nothing_of_an_mri() -> None:
    assert intake.slots_of("callback", {}) == [
        *("name", "contact", "best_time", "consent", "confirmed")
    ]


@pytest.mark.parametrize("filled", [answers(), callback()])
def test_a_whole_form_asks_nothing_more(filled: dict[str, Any]) -> None:
    assert intake.next_slot(filled["handoff_reason"], filled) is None


def test_a_refused_consent_ends_the_form() -> None:
    assert intake.next_slot("mri_review", answers(consent=REFUSED, confirmed=None)) is None


@pytest.mark.parametrize("slot", intake.SLOTS)
def test_what_is_missing_is_asked(slot: str) -> None:
    assert intake.next_slot("mri_review", answers(**{slot: None})) == slot


# Names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann Sample", "Ann Sample"),
        ("ann", "ann"),
        ("  Ann   Sample.  ", "Ann Sample"),
        ("My name is Ann Sample", "Ann Sample"),
        ("my full name is Ann Sample", "Ann Sample"),
        ("I'm Ann", "Ann"),
        ("i am Ann", "Ann"),
        ("hi, this is Ann!", "Ann"),
        ("Hello my name's Ann", "Ann"),
        ("name: Ann Sample", "Ann Sample"),
        ("José Ñúñez", "José Ñúñez"),
        ("O'Brien-Smith", "O'Brien-Smith"),
        ("Li", "Li"),
        ("Dr. Bo Sample, MD", "Dr. Bo Sample, MD"),
        ("Maria del Carmen García López", "Maria del Carmen García López"),
        # Names that look like the beginning of a question
        ("Will Smith", "Will Smith"),
        ("May Sample", "May Sample"),
        ("Will", "Will"),
        ("Will Robert Smith", "Will Robert Smith"),
        ("李小龙", "李小龙"),
        ("Will Hope", "Will Hope"),
        ("May Day", "May Day"),
        ("How Chen", "How Chen"),
        ("My Nguyen", "My Nguyen"),
        ("Can Ali Demir", "Can Ali Demir"),
        ("John Hurt", "John Hurt"),
        ("Skip Sample", "Skip Sample"),
        # Bare of what is said around them
        ("call me Ann", "Ann"),
        ("you can call me Ann", "Ann"),
        ("it's Ann", "Ann"),
        ("It’s Ann", "Ann"),
        ("yes, it's Ann", "Ann"),
        ("my name's Ann Sample", "Ann Sample"),
        ("this is Bo", "Bo"),
        ("Bo here", "Bo"),
        ("hi, Ann", "Ann"),
        ("ok, Ann Sample", "Ann Sample"),
        ("Ann Sample, thanks", "Ann Sample"),
        ("my name is Ann Sample and I have back pain", "Ann Sample"),
        ("my first name is Ann and my last name is Sample", "Ann Sample"),
    ],
)
def test_a_name_is_read(text: str, name: str) -> None:
    assert read("name", text) == {"name": name}


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "A", "?!", "12345", "yes", "no", "OK", "stop", "none", "test"),
        *("🙂🙂", "<b>Ann</b>", "ann@example.com", "Ann; DROP TABLE handoff", "Ann {clinic}"),
        *("a b c d e f", "x" * 81, "Ann " * 500, "\x00\x01", "555-0143"),
    ],
)
def test_what_is_no_name_is_not_taken(text: str) -> None:
    assert read("name", text) == "bad"


@pytest.mark.parametrize(
    "text",
    [
        *("I'm in pain", "I'm not sure", "it's private", "this is stupid", "call me later"),
        *("call me back", "skip", "go ahead", "yes please", "no thanks", "not telling"),
        *("I don't want to", "prefer not to say", "my back hurts", "I already told you"),
    ],
)
def test_words_that_are_no_name_are_not_taken(text: str) -> None:
    assert read("name", text) == "bad"


@pytest.mark.parametrize("intent", ["greet", "request_human", "nlu_fallback", "ask_bot_identity"])
@pytest.mark.parametrize("text", ["call me Ann", "it's Ann", "hi, this is Ann"])
def test_a_name_behind_its_lead_is_one_whatever_the_classifier_thinks(
    text: str, intent: str
) -> None:
    assert read("name", text, intent) == {"name": "Ann"}


@pytest.mark.parametrize(
    "text", ["Ann Sample, 202-555-0143", "I'm Ann Sample and my number is 202-555-0143"]
)
def test_a_name_with_a_number_answers_two_questions(text: str) -> None:
    assert read("name", text) == {"name": "Ann Sample", "contact": "+12025550143"}


# Phone numbers and e-mail addresses


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("202-555-0143", "+12025550143"),
        ("(202) 555-0143", "+12025550143"),
        ("202.555.0143", "+12025550143"),
        ("2025550143", "+12025550143"),
        ("+1 202 555 0143", "+12025550143"),
        ("1-202-555-0143", "+12025550143"),
        ("call me at 202 555 0143 please", "+12025550143"),
        ("my number is 202-555-0143.", "+12025550143"),
        ("+44 20 7946 0958", "+442079460958"),
        ("202-555-0143 ext. 12", "+12025550143"),
        ("ann@example.com", "ann@example.com"),
        ("Ann.Sample+spine@Example.COM", "Ann.Sample+spine@example.com"),
        ("it's ann@example.com.", "ann@example.com"),
        ("<ann@example.com>", "ann@example.com"),
        ("ann@example.com!", "ann@example.com"),
        ('"ann@example.com"', "ann@example.com"),
        ("ann@example.com or 202-555-0143", "ann@example.com"),
        ("can you use ann@example.com?", "ann@example.com"),
        ("not 202-555-0199, it's 202-555-0143", "+12025550143"),
    ],
)
def test_a_contact_is_read(text: str, contact: str) -> None:
    assert read("contact", text) == {"contact": contact}


def test_a_number_without_country_code_is_the_regions() -> None:
    assert read("contact", "020 7946 0958", region="GB") == {"contact": "+442079460958"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "555-0143", "12345", "202-555-014", "000-000-0000", "123-456-7890"),
        *("call me", "ann@", "@example.com", "ann@example", "ann at example dot com"),
        *("ann@exa mple.com", "🙂", "<script>alert(1)</script>", "no", "x" * 2000, "1" * 2000),
    ],
)
def test_what_is_no_contact_is_not_taken(text: str) -> None:
    assert read("contact", text) == "bad"


def test_a_contact_is_an_answer_whatever_the_classifier_thinks() -> None:
    for intent in ("greet", "request_human", "ask_mri_privacy", "request_cancel"):
        assert read("contact", "202-555-0143", intent) == {"contact": "+12025550143"}


# Words


@pytest.mark.parametrize(
    ("slot", "text"),
    [
        ("best_time", "weekday mornings"),
        ("best_time", "after 5 pm"),
        ("best_time", "any time"),
        ("best_time", "9-11"),
        ("pain_area", "low back, left side"),
        ("pain_area", "L4-L5"),
        ("pain_area", "neck & right arm"),
        ("pain_area", "everywhere :("),
        ("best_time", "no preference"),
        ("best_time", "when convenient for you"),
        ("best_time", "could be any time after 5"),
        ("best_time", "how about Tuesday afternoon?"),
        ("best_time", "can you call me after 5?"),
        ("pain_area", "my lower back and left leg"),
        ("pain_area", "back"),
        ("pain_area", "when sitting too long"),
        ("pain_area", "it changes from place to place"),
    ],
)
def test_words_are_kept_as_they_are(slot: str, text: str) -> None:
    assert read(slot, text) == {slot: text}


@pytest.mark.parametrize("slot", ["best_time", "pain_area"])
@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "!!", "🙂🙂", "<b>back</b>", "[back]", "{back}", "back\\slash", "a | b"),
        *("back'; DROP TABLE handoff; --", "x" * 121, "back " * 400, "___"),
        *("yes", "No.", "ok"),
    ],
)
def test_what_is_no_word_is_not_taken(slot: str, text: str) -> None:
    assert read(slot, text) == "bad"


@pytest.mark.parametrize("slot", sorted(intake.OPTIONAL))
@pytest.mark.parametrize(
    "text",
    [
        *("skip", "Skip this", "SKIP.", "skip this one!", "skip this one please", "please skip it"),
        *("let's skip this question", "next question", "prefer not to say", "I'd rather not say"),
    ],
)
def test_an_optional_question_can_be_skipped(slot: str, text: str) -> None:
    assert read(slot, text) == {slot: NOT_GIVEN}


@pytest.mark.parametrize("slot", sorted(set(intake.SLOTS) - intake.OPTIONAL - {"name"}))
def test_a_needed_question_cannot_be_skipped(slot: str) -> None:
    assert read(slot, "skip this") == "bad"


def test_control_characters_and_line_breaks_are_taken_out() -> None:
    assert read("pain_area", "low\x00 back\n\tleft\u202e") in (
        {"pain_area": "low back left"},
        {"pain_area": "low back left\u202e"},
    )


# The MRI


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("yes", {"recent_mri": YES}),
        ("Yeah", {"recent_mri": YES}),
        ("yep I did", {"recent_mri": YES}),
        ("I had one", {"recent_mri": YES}),
        ("no", {"recent_mri": NO}),
        ("Nope", {"recent_mri": NO}),
        ("not yet", {"recent_mri": NO}),
        ("I haven't had one", {"recent_mri": NO}),
        ("I have not", {"recent_mri": NO}),
        ("never", {"recent_mri": NO}),
        ("not sure", {"recent_mri": NOT_SURE}),
        ("I don't know", {"recent_mri": NOT_SURE}),
        ("maybe", {"recent_mri": NOT_SURE}),
        ("no idea", {"recent_mri": NOT_SURE}),
        ("yes, in March", {"recent_mri": YES, "mri_date": "yes, in March"}),
        ("last month", {"recent_mri": YES, "mri_date": "last month"}),
        ("about 3 months ago", {"recent_mri": YES, "mri_date": "about 3 months ago"}),
        ("2025", {"recent_mri": YES, "mri_date": "2025"}),
        ("no, not since 2019", {"recent_mri": NO}),
        ("2 years ago", {"recent_mri": YES, "mri_date": "2 years ago"}),
        ("I think so", {"recent_mri": YES}),
        ("I don't think so", {"recent_mri": NO}),
        ("can't remember", {"recent_mri": NOT_SURE}),
        ("I haven't had one this year", {"recent_mri": NO}),
    ],
)
def test_a_recent_mri_is_read(text: str, values: dict[str, str]) -> None:
    assert read("recent_mri", text) == values


@pytest.mark.parametrize("text", ["", "blue", "🙂", "x" * 2000, "<i>x</i>"])
def test_what_says_nothing_of_an_mri_is_not_taken(text: str) -> None:
    assert read("recent_mri", text) == "bad"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("March 2026", "March 2026"),
        ("about a year ago", "about a year ago"),
        ("last summer", "last summer"),
        ("3/2025", "3/2025"),
        ("recently", "recently"),
        ("May 2024 I think", "May 2024 I think"),
        ("last Tuesday", "last Tuesday"),
        ("2 years ago", "2 years ago"),
        ("I can't remember", NOT_SURE),
        ("not sure", NOT_SURE),
        ("I don't know", NOT_SURE),
    ],
)
def test_a_date_is_read(text: str, value: str) -> None:
    assert read("mri_date", text) == {"mri_date": value}


@pytest.mark.parametrize("text", ["I don't have one", "actually no", "I never had one"])
def test_that_there_is_no_mri_may_come_late(text: str) -> None:
    assert read("mri_date", text) == {"recent_mri": NO, "mri_date": None}


@pytest.mark.parametrize(
    "text", ["", "blue", "🙂", "2025" * 50, "<b>2025</b>", "I decided against it"]
)
def test_what_is_no_date_is_not_taken(text: str) -> None:
    assert read("mri_date", text) == "bad"


# Consent


@pytest.mark.parametrize(
    "text",
    ["I agree", "agree", "i consent", "I accept", "yes", "OK", "sure", "agreed", "I do"],
)
def test_consent_is_given(text: str) -> None:
    assert read("consent", text) == {"consent": YES}


@pytest.mark.parametrize(
    "text",
    [
        *("I do not agree", "I don't agree", "disagree", "i disagree", "no", "nope", "I refuse"),
        *(
            "yes but no",
            "dont agree",
            "I decline",
            "ok, no",
            "I can't agree",
            "never",
            "not really",
        ),
        *("ok but not by text", "sure, only by phone", "yes, if it is free", "okay, maybe later"),
    ],
)
def test_a_no_is_never_read_as_consent(text: str) -> None:
    assert read("consent", text) != {"consent": YES}


@pytest.mark.parametrize("text", ["I do not agree", "I don't agree", "disagree", "no", "I refuse"])
def test_consent_is_refused(text: str) -> None:
    assert read("consent", text) == {"consent": REFUSED}


@pytest.mark.parametrize(
    "text",
    [
        *("", "hmm", "🙂", "later", "x" * 2000, "'; --", "yes, but", "not yet", "no problem"),
        *("I don't understand", "I don't know", "don't call me, text me"),
    ],
)
def test_what_is_neither_is_asked_again(text: str) -> None:
    assert read("consent", text) == "bad"


# The summary


@pytest.mark.parametrize(
    "text",
    [
        "Yes, send it",
        "yes",
        "send",
        "looks good",
        "ok",
        "that's right",
        "correct",
        "yes it is correct",
        *("submit", "send it", "please send it", "all good", "no, all good", "looks good to me"),
        *("everything is correct", "perfect", "great, thanks", "go ahead", "no changes"),
        *("nothing to change", "don't change anything", "yes, the name is correct"),
    ],
)
def test_the_summary_is_confirmed(text: str) -> None:
    assert read("confirmed", text) == {"confirmed": YES}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("change name", {"name": None}),
        ("change my phone", {"contact": None}),
        ("the e-mail is wrong", {"contact": None}),
        ("change the time", {"best_time": None}),
        ("change where it hurts", {"pain_area": None}),
        ("change phone to 202-555-0199", {"contact": "+12025550199"}),
        ("change name to Bo Sample", {"name": "Bo Sample"}),
        ("my name should be Bo Sample", {"name": "Bo Sample"}),
        ("change phone to blue", {"contact": None}),
        ("change time to evenings", {"best_time": "evenings"}),
        ("change MRI", {"recent_mri": None, "mri_date": None}),
        ("change mri to no", {"recent_mri": NO, "mri_date": None}),
        ("change e-mail to bo@example.com", {"contact": "bo@example.com"}),
        ("no, the name is wrong", {"name": None}),
        ("my name is misspelled", {"name": None}),
        ("correct my name", {"name": None}),
        # The date alone is asked again with the question that it belongs to.
        ("change MRI date", {"recent_mri": None, "mri_date": None}),
        ("change mri date to June 2026", {"recent_mri": YES, "mri_date": "June 2026"}),
        ("yes but change the name", {"name": None}),
        ("please change my name", {"name": None}),
        ("fix my number", {"contact": None}),
        ("the phone number is wrong", {"contact": None}),
        ("yes but change the phone", {"contact": None}),
        ("can I change my number?", {"contact": None}),
        ("the number is wrong, it should be 202-555-0143", {"contact": "+12025550143"}),
        ("the name is wrong, it's Bo Sample", {"name": "Bo Sample"}),
        ("my name is spelled Bo", {"name": "Bo"}),
        ("make that Tuesday afternoon instead", {"best_time": "Tuesday afternoon"}),
        ("change the time to mornings", {"best_time": "mornings"}),
        ("not Tuesday", {"best_time": None}),
        ("it's my right leg", {"pain_area": None}),
        ("change my name and phone", {"name": None, "contact": None}),
        (
            "change name to Bo Sample and phone to 202-555-0199",
            {"name": "Bo Sample", "contact": "+12025550199"},
        ),
        ("start over", dict.fromkeys(intake.SLOTS)),
    ],
)
def test_the_summary_is_corrected(text: str, values: dict[str, Any]) -> None:
    assert read("confirmed", text) == values


@pytest.mark.parametrize(
    "text",
    [
        *("no", "wrong", "change", "hm", "", "🙂", "not right", "correct something", "incorrect"),
        *("not yet", "wait", "go back", "I mistyped", "yes but", "send it later", "call me Bo"),
    ],
)
def test_the_summary_is_not_sent_without_a_yes(text: str) -> None:
    reading = intake.read("confirmed", text, None, "US")
    assert reading.is_bad
    assert reading.wording == "change_which"


@pytest.mark.parametrize(
    "text",
    ["no, don't send it", "do not send", "please don't", "never send it", "ok wait", "not ok"],
)
def test_a_no_is_never_read_as_send(text: str) -> None:
    assert read("confirmed", text) != {"confirmed": YES}


# Something else


@pytest.mark.parametrize("slot", intake.SLOTS)
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("what is the MRI review?", "ask_mri_review"),
        ("how long does a spasm last", "ask_spasm_duration"),
        ("how long does it take", "ask_spasm_duration"),
        ("what does it cost", "out_of_scope_cost"),
        ("is it free", "out_of_scope_cost"),
        ("why do you need my phone number", "request_human"),
        ("what do you do with my details", "ask_bot_identity"),
        ("who sees this", "ask_chat_privacy"),
        ("tell me about the review", "ask_mri_review"),
        ("should I change my sleeping position", "ask_sleep_position"),
        ("take me back, I'm not doing this", "request_cancel"),
        ("is heat or ice better", "ask_heat_or_ice"),
        ("why do you ask?", "out_of_scope"),
        ("stop", "request_cancel"),
        ("forget it", "request_cancel"),
        ("can I talk to a human", "request_human"),
        ("are you a bot", "ask_bot_identity"),
        ("hello", "greet"),
        ("thanks", "thank"),
        ("bye", "goodbye"),
        ("i cannot feel my legs and wet myself", "report_emergency"),
        ("x" * 2001, "too_long"),
    ],
)
def test_something_else_is_not_an_answer(slot: str, text: str, intent: str) -> None:
    assert read(slot, text, intent) == "something else"


@pytest.mark.parametrize("slot", intake.SLOTS)
def test_an_emergency_is_never_an_answer(slot: str) -> None:
    assert read(slot, "yes, 202-555-0143, I agree", "report_emergency") == "something else"


@pytest.mark.parametrize(
    ("slot", "text", "intent"),
    [
        ("name", "Ann Sample", "greet_not"),
        ("name", "Ann Sample", "nlu_fallback"),
        ("pain_area", "low back", "report_pain"),
        ("recent_mri", "yes", "affirm"),
        ("recent_mri", "no", "deny"),
        ("consent", "yes", "affirm"),
        ("consent", "I do not agree", "request_cancel"),
        ("confirmed", "Yes, send it", "request_mri_review"),
        ("confirmed", "change name", "request_cancel"),
        ("best_time", "mornings", "out_of_scope"),
        ("mri_date", "March 2026", "ask_mri_age"),
    ],
)
def test_an_answer_is_read_although_the_classifier_sees_another_intent(
    slot: str, text: str, intent: str
) -> None:
    assert isinstance(read(slot, text, intent), dict)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ("why?", True),
        ("low back?", True),
        ("what is an MRI review", True),
        ("can you call me later", True),
        ("Will Smith", False),
        ("May Sample", False),
        ("when I sit", False),
        ("when I sit for too long", False),
        ("where my neck meets the shoulder", False),
        ("when can I come in", True),
        ("where do I send it", True),
        ("low back", False),
        ("how long", True),
        ("who sees this", True),
        ("and what does it cost", True),
        ("is it free", True),
        ("I was wondering how long it takes", True),
        ("Will Hope", False),
        ("How Chen", False),
        ("may 2024 i think", False),
        ("could be any time after 5", False),
        ("what ever works", False),
    ],
)
def test_a_question_is_told_by_its_form(text: str, expected: bool) -> None:
    assert asides.is_question(text) is expected


# Corrections in the middle


@pytest.mark.parametrize(
    ("asked", "text", "values"),
    [
        ("best_time", "sorry, I meant 202-555-0143", {"contact": "+12025550143"}),
        ("recent_mri", "sorry, I meant bo@example.com", {"contact": "bo@example.com"}),
        ("best_time", "202-555-0143", {"contact": "+12025550143"}),
        (
            "best_time",
            "the number is wrong, it should be 202-555-0143",
            {"contact": "+12025550143"},
        ),
        ("pain_area", "actually my email is bo@example.com", {"contact": "bo@example.com"}),
        ("best_time", "change 202-555-0199 to 202-555-0143", {"contact": "+12025550143"}),
        ("best_time", "202-555-0199 is wrong", {"contact": None}),
        ("consent", "I agree but my number is 202-555-0143", {"contact": "+12025550143"}),
        ("consent", "yes but change the phone", {"contact": None}),
        ("best_time", "fix my number", {"contact": None}),
        ("recent_mri", "the phone number is wrong", {"contact": None}),
        ("best_time", "I gave you the wrong number", {"contact": None}),
        ("contact", "wait, wrong name", {"name": None}),
        ("contact", "my name is Bo Sample", {"name": "Bo Sample"}),
        ("contact", "I meant Bo", {"name": "Bo"}),
        ("best_time", "you spelled my name wrong", {"name": None}),
        ("recent_mri", "make that Tuesday afternoon instead", {"best_time": "Tuesday afternoon"}),
        ("mri_date", "change the time to mornings", {"best_time": "mornings"}),
        ("pain_area", "the date was wrong", {"recent_mri": None, "mri_date": None}),
        ("name", "my email is bo@example.com", {"contact": "bo@example.com"}),
    ],
)
def test_an_answer_is_corrected_at_a_later_question(
    asked: str, text: str, values: dict[str, Any]
) -> None:
    given = answers(**{asked: None}, contact="+12025550199") if asked != "contact" else {}
    assert read(asked, text, "inform", answers=given) == values


@pytest.mark.parametrize("intent", ["request_cancel", "request_human", "ask_clinic_hours", "greet"])
@pytest.mark.parametrize(
    ("text", "slot"), [("please change my name", "name"), ("fix my number", "contact")]
)
def test_a_correction_is_one_whatever_the_classifier_thinks(
    text: str, slot: str, intent: str
) -> None:
    assert read("best_time", text, intent) == {slot: None}


@pytest.mark.parametrize(
    "text", ["go back", "can I go back?", "I mistyped", "oops", "that's wrong"]
)
@pytest.mark.parametrize(
    ("asked", "before"),
    [("name", "name"), ("contact", "name"), ("best_time", "contact"), ("consent", "pain_area")],
)
def test_what_is_taken_back_asks_the_question_before(asked: str, before: str, text: str) -> None:
    assert read(asked, text) == {before: None}


def test_the_question_before_is_the_one_that_was_asked() -> None:
    given = callback(consent=None, confirmed=None)
    assert read("consent", "go back", answers=given) == {"best_time": None}


def test_a_slip_after_a_bad_answer_is_of_that_answer() -> None:
    assert read("contact", "I mistyped", answers={"bad_answers": 1}) == {"contact": None}


@pytest.mark.parametrize("slot", sorted(set(intake.SLOTS) - {"confirmed"}))
def test_who_is_not_ready_is_asked_again(slot: str) -> None:
    assert read(slot, "wait") == {slot: None}


@pytest.mark.parametrize("slot", intake.SLOTS)
@pytest.mark.parametrize("text", ["start over", "can we start again?", "please restart the form"])
def test_to_start_over_empties_the_form(slot: str, text: str) -> None:
    assert read(slot, text, "request_cancel") == dict.fromkeys(intake.SLOTS)


def test_a_callback_has_no_mri_to_change() -> None:
    given = callback(confirmed=None)
    assert read("confirmed", "change the MRI", answers=given) == "bad"


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("best_time", "mornings at 202-555-0143"),
        ("best_time", "another time"),
        ("pain_area", "the wrong side of my back"),
        ("pain_area", "my back hurts when I go back to work"),
    ],
)
def test_an_answer_is_no_correction(asked: str, text: str) -> None:
    assert read(asked, text) == {asked: text}


def test_a_number_at_the_summary_is_taken_only_where_it_is_new() -> None:
    given = answers(confirmed=None)
    assert read("confirmed", "yes, 202-555-0143 is right", answers=given) == {"confirmed": YES}
    new = read("confirmed", "yes, and my number is 202-555-0199", answers=given)
    assert new == {"contact": "+12025550199"}


# Anything


@given(
    slot=st.sampled_from(intake.SLOTS),
    text=st.text(max_size=300),
    intent=st.sampled_from(["", "greet", "affirm", "ask_mri_review", "nlu_fallback"]),
)
def test_reading_never_fails(slot: str, text: str, intent: str) -> None:
    reading = intake.read(slot, text, intent, "US")
    assert not (reading.is_bad and reading.values)


WORDS = st.sampled_from(
    [
        *("change", "name", "phone", "to", "mri", "date", "yes", "no", "send", "is", "time"),
        *("ann@example.com", "202-555-0143", "my", "it's", "agree", "don't", "March", "2026"),
        *("skip", "?", "not", "when", "I"),
    ]
)


@given(slot=st.sampled_from(intake.SLOTS), words=st.lists(WORDS, max_size=8))
def test_reading_never_fails_on_the_words_it_looks_for(slot: str, words: list[str]) -> None:
    values = intake.read(slot, " ".join(words), None, "US").values
    assert set(values) <= set(intake.SLOTS)


# The stories, replayed. Rasa's own test of them runs no action, so that it cannot tell whether
# an answer is read as they say.

STORIES = YAML(typ="safe", pure=True).load(
    (ROOT / "tests/stories/test_form.yml").read_text(encoding="utf-8")
)["stories"]
REASONS = {"action_start_mri_review": "mri_review", "action_start_callback": "callback"}


def turns(steps: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return the visitor's messages, each with the steps up to the next."""
    begins = [place for place, step in enumerate(steps) if "user" in step] + [len(steps)]
    return [(steps[begin], steps[begin + 1 : end]) for begin, end in itertools.pairwise(begins)]


def slots_set(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the slots that the steps set."""
    pairs = [pair for step in steps for pair in step.get("slot_was_set", [])]
    return {slot: value for pair in pairs for slot, value in pair.items()}


def check_turn(user: dict[str, Any], steps: list[dict[str, Any]], given: dict[str, Any]) -> None:
    """Read a message of the form, and compare with what the story says of it."""
    text = re.sub(r"\[([^\]]+)\](\([^)]*\)|\{[^}]*\})", r"\1", user["user"]).strip()
    asked = given["requested_slot"]
    reading = intake.read(asked, text, user["intent"], "US", given)
    told = slots_set(steps)
    if steps[0].get("action") != "mri_review_form":
        assert not reading.is_answer, text
        return
    assert reading.is_answer, text
    values = {asked: None} if reading.is_bad else dict(reading.values)
    following = intake.next_slot(given["handoff_reason"], {**given, **values})
    assert {**values, "requested_slot": following} == told, text


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_the_stories_answers_are_read_as_they_say(story: dict[str, Any]) -> None:
    given: dict[str, Any] = {}
    for user, steps in turns(story["steps"]):
        if given.get("requested_slot"):
            check_turn(user, steps, given)
        for step in steps:
            if step.get("action") in REASONS:
                given = {"handoff_reason": REASONS[step["action"]]}
        given.update(slots_set(steps))
        if any("active_loop" in step and step["active_loop"] is None for step in steps):
            given["requested_slot"] = None


def test_the_replay_finds_an_answer_that_is_read_otherwise() -> None:
    steps = [{"action": "mri_review_form"}, {"slot_was_set": [{"name": "Bo"}]}]
    given = {"requested_slot": "name", "handoff_reason": "mri_review"}
    with pytest.raises(AssertionError):
        check_turn({"user": "Ann", "intent": "inform"}, steps, given)
