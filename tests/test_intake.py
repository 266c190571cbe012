"""The form: what is asked, how an answer is read, and what is not an answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinebot import intake
from spinebot.intake import NO, NOT_GIVEN, NOT_SURE, REFUSED, YES
from tests.factories import answers, callback


def read(slot: str, text: str, intent: str | None = None, region: str = "US") -> Any:
    """Return the values read, or "bad", or "something else"."""
    reading = intake.read(slot, text, intent, region)
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
    ],
)
def test_what_is_no_word_is_not_taken(slot: str, text: str) -> None:
    assert read(slot, text) == "bad"


@pytest.mark.parametrize("slot", sorted(intake.OPTIONAL))
@pytest.mark.parametrize("text", ["skip", "Skip this", "SKIP.", "skip this one!"])
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
        ("not sure", NOT_SURE),
        ("I don't know", NOT_SURE),
    ],
)
def test_a_date_is_read(text: str, value: str) -> None:
    assert read("mri_date", text) == {"mri_date": value}


@pytest.mark.parametrize("text", ["", "blue", "🙂", "2025" * 50, "<b>2025</b>"])
def test_what_is_no_date_is_not_taken(text: str) -> None:
    assert read("mri_date", text) == "bad"


# Consent


@pytest.mark.parametrize("text", ["I agree", "agree", "i consent", "I accept", "yes", "OK", "sure"])
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


@pytest.mark.parametrize("text", ["", "hmm", "🙂", "later", "x" * 2000, "'; --", "yes, but"])
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
    ],
)
def test_the_summary_is_corrected(text: str, values: dict[str, Any]) -> None:
    assert read("confirmed", text) == values


@pytest.mark.parametrize(
    "text",
    ["no", "wrong", "change", "hm", "", "🙂", "not right", "correct something", "incorrect"],
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
    ],
)
def test_a_question_is_told_by_its_form(text: str, expected: bool) -> None:
    assert intake.is_question(text) is expected


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
