"""The MRI-review form: what it asks, in which order, and how an answer is read.

It decides for each message whether it answers the form's question or is something else (a
question of the visitor's own, a wish to stop), which the dialogue then treats as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from spinebot.language.messages import clean

SLOTS = (
    "name",
    "contact",
    "best_time",
    "recent_mri",
    "mri_date",
    "pain_area",
    "consent",
    "confirmed",
)
CALLBACK_SLOTS = ("name", "contact", "best_time", "consent", "confirmed")
OPTIONAL = {"best_time", "recent_mri", "mri_date", "pain_area"}
# What each form begins with; the session's other slots are not the form's to clear.
FORM_SLOTS = (*SLOTS, "bad_answers", "handoff_reason", "handoff_key")

NOT_GIVEN = "not given"
YES, NO, NOT_SURE = "yes", "no", "not sure"
REFUSED = "refused"
LONGEST = 120

# These are never an answer, whatever the form asks.
_ALWAYS_SOMETHING_ELSE = {
    *("request_cancel", "request_human", "request_mri_review", "request_callback"),
    *("ask_bot_identity", "too_long"),
}
_SMALL_TALK = {"greet", "thank", "goodbye"}
_QUESTION_WORDS = {
    *("what", "whats", "what's", "why", "how", "hows", "who", "whos", "where", "when", "which"),
    *("can", "could", "do", "does", "did", "is", "are", "will", "would", "should", "shall", "may"),
}
# "When I sit", "where my neck begins": put as a question these would turn the words round.
_NO_QUESTION_AFTER = {"i", "i'm", "im", "i've", "my", "it", "the", "we", "she", "he", "they"}
# Names and places are short; a short message that begins with "will" or "may" may be a name.
_SHORTEST_QUESTION = 4

_YES = re.compile(
    r"\b(yes|yeah|yep|yup|sure|ok|okay|right|correct|i did|i have|i had|i do)\b", re.I
)
_NO = re.compile(
    r"\b(no|nope|nah|never|not yet|none|haven'?t|have not|didn'?t|don'?t have|without)\b", re.I
)
_UNSURE = re.compile(r"\b(not sure|unsure|don'?t know|do not know|dunno|maybe|no idea)\b", re.I)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WHEN = re.compile(
    rf"\b((19|20)\d\d|({_MONTHS})[a-z]*|\d+ (day|week|month|year)s?|ago|yesterday|today"
    r"|(last|this|a few|few|couple of) "
    r"(days?|weeks?|months?|years?|summer|fall|autumn|winter|spring)"
    r"|\d{1,2}/\d{1,4})",
    re.I,
)
_AGREE = re.compile(r"^(i )?(agree|consent|accept)\b|^(yes|yeah|yep|sure|ok|okay)\b", re.I)
_DISAGREE = re.compile(r"\b(disagree|do not|don'?t|refuse|decline|no|nope)\b", re.I)
# Consent with a reserve is no consent: it is asked for again.
_RESERVE = re.compile(r"\b(not|but|only|unless|if|except|maybe|unsure|later|never)\b", re.I)
_SEND = re.compile(
    r"\b(send|submit|yes|yeah|yep|ok|okay|right|correct|sure|looks good|fine)\b", re.I
)
# "Correct" by itself is a yes. What holds a "not" is never sent.
_CHANGE = re.compile(
    r"\b(change|correct\s+\w+|fix|wrong|edit|update|not|no|don'?t|never|wait|mistake)\b", re.I
)
# "My name is wrong" names no new name.
_NO_VALUE = re.compile(r"(wrong|incorrect|not|a mistake|mis\w+|outdated|old)\b", re.I)
_FIELDS = {
    "name": r"\bname\b",
    "contact": r"\b(phone|number|e-?mail|contact)\b",
    "best_time": r"\b(time|when)\b",
    "recent_mri": r"\bmri\b",
    "pain_area": r"\b(where|hurts?|pain|area|place)\b",
}
_NAME_LEAD = re.compile(
    r"^\s*(hi|hello|hey)?[,!. ]*(my (full )?name is|my name'?s|i am|i'?m|it'?s|this is|name:?)\s+",
    re.I,
)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Reading:
    """How a message was read: new slot values, or a problem, or not an answer at all."""

    values: dict[str, Any] = field(default_factory=dict)
    # The value cannot be used: wording `bad_<slot>` says so.
    is_bad: bool = False
    is_answer: bool = True
    # The summary was neither confirmed nor corrected in a way that could be understood.
    wording: str | None = None


SOMETHING_ELSE = Reading(is_answer=False)
BAD = Reading(is_bad=True)


def slots_of(reason: str, answers: Mapping[str, Any]) -> list[str]:
    """Return what the form asks, in order: an MRI's date only where there is an MRI."""
    if reason == "callback":
        return list(CALLBACK_SLOTS)
    return [slot for slot in SLOTS if slot != "mri_date" or answers.get("recent_mri") == YES]


def next_slot(reason: str, answers: Mapping[str, Any]) -> str | None:
    """Return the first slot still to be asked, or None when the form is complete."""
    if answers.get("consent") == REFUSED:
        return None
    return next((slot for slot in slots_of(reason, answers) if answers.get(slot) is None), None)


def read(slot: str, text: str, intent: str | None, region: str) -> Reading:
    """Read ``text``, understood as ``intent``, as the answer to the question about ``slot``.

    ``region`` is the country in which a phone number without country code is looked up.
    """
    text = " ".join(clean(text).split())
    if intent == "report_emergency":
        return SOMETHING_ELSE
    if slot in OPTIONAL and re.fullmatch(r"skip( this)?( one)?[.!]?", text, re.I):
        return Reading({slot: NOT_GIVEN})
    if not _is_plain_answer(slot, text, region) and (
        intent in _ALWAYS_SOMETHING_ELSE or intent in _SMALL_TALK or is_question(text)
    ):
        return SOMETHING_ELSE
    return _READERS[slot](text, region)


def is_question(text: str) -> bool:
    """Return whether ``text`` is put as a question."""
    words = text.lower().split()
    if not words:
        return False
    if text.rstrip().endswith("?"):
        return True
    if words[0] not in _QUESTION_WORDS or len(words) < _SHORTEST_QUESTION:
        return False
    return not (words[0] in {"when", "where"} and words[1] in _NO_QUESTION_AFTER)


def _is_plain_answer(slot: str, text: str, region: str) -> bool:
    """Return whether the text can only be meant as the answer, whatever the classifier thinks."""
    if slot == "contact":
        return not _read_contact(text, region).is_bad
    if slot == "consent":
        return bool(re.fullmatch(r"(i )?(do not |don'?t )?(dis)?agree[.!]?", text, re.I))
    if slot == "confirmed":
        return bool(re.match(r"(yes, send it|change\b)", text, re.I))
    return False


def _read_name(text: str, _region: str) -> Reading:
    name = _NAME_LEAD.sub("", text).strip(" .,!")
    plausible = (
        1 < len(name) <= 80
        and len(_LETTER.findall(name)) >= 2
        and len(name.split()) <= 5
        and not re.search(r"[\d/<>{}\[\]@#$%^*=\\|;]", name)
        and not re.fullmatch(r"(yes|no|ok|okay|nope|yeah|sure|none|stop|what|why|test)", name, re.I)
    )
    return Reading({"name": name}) if plausible else BAD


def _read_contact(text: str, region: str) -> Reading:
    for word in re.findall(r"[^\s,;<>]+@[^\s,;<>]+", text):
        try:
            address = validate_email(word.strip(".:()!?'\""), check_deliverability=False).normalized
        except EmailNotValidError:
            continue
        return Reading({"contact": address})
    for match in phonenumbers.PhoneNumberMatcher(text, region):
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        return Reading({"contact": number})
    return BAD


def _read_words(slot: str) -> Callable[[str, str], Reading]:
    def reader(text: str, _region: str) -> Reading:
        readable = 1 < len(text) <= LONGEST and re.search(r"[^\W_]", text)
        code = re.search(r"[<>{}\[\]\\|]|;\s*$|--", text)
        return Reading({slot: text}) if readable and not code else BAD

    return reader


def _read_recent_mri(text: str, _region: str) -> Reading:
    if _UNSURE.search(text):
        return Reading({"recent_mri": NOT_SURE})
    said_when = len(text) <= LONGEST and _WHEN.search(text)
    if _NO.search(text):
        return Reading({"recent_mri": NO})
    if said_when:
        return Reading({"recent_mri": YES, "mri_date": text})
    return Reading({"recent_mri": YES}) if _YES.search(text) else BAD


def _read_mri_date(text: str, region: str) -> Reading:
    if _UNSURE.search(text):
        return Reading({"mri_date": NOT_SURE})
    if not (
        _WHEN.search(text) or re.search(r"\d", text) or re.search(r"recent|new|old", text, re.I)
    ):
        return BAD
    return _read_words("mri_date")(text, region)


def _read_consent(text: str, _region: str) -> Reading:
    if _DISAGREE.search(text):
        return Reading({"consent": REFUSED})
    if _RESERVE.search(text):
        return BAD
    return Reading({"consent": YES}) if _AGREE.search(text) else BAD


def _read_confirmed(text: str, region: str) -> Reading:
    fields = [name for name, words in _FIELDS.items() if re.search(words, text, re.I)]
    if _CHANGE.search(text) or fields:
        if not fields:
            return Reading(is_bad=True, wording="change_which")
        return _change(fields[0], text, region)
    if _SEND.search(text):
        return Reading({"confirmed": YES})
    return Reading(is_bad=True, wording="change_which")


def _change(slot: str, text: str, region: str) -> Reading:
    """Ask ``slot`` again, or take the new value where it stands behind "to"."""
    new: dict[str, Any] = {slot: None}
    if slot == "recent_mri":
        new["mri_date"] = None
    said = re.search(r"\b(?:to|is|should be)\s+(.+)$", text, re.I)
    if said and not _NO_VALUE.match(said[1]):
        reading = _READERS[slot](said[1], region)
        if not reading.is_bad:
            new.update(reading.values)
    return Reading(new)


_READERS: dict[str, Callable[[str, str], Reading]] = {
    "name": _read_name,
    "contact": _read_contact,
    "best_time": _read_words("best_time"),
    "recent_mri": _read_recent_mri,
    "mri_date": _read_mri_date,
    "pain_area": _read_words("pain_area"),
    "consent": _read_consent,
    "confirmed": _read_confirmed,
}
