"""How an answer is read: one reader for each question but the summary's."""

from __future__ import annotations

import re
from collections.abc import Callable

from spinebot.intake import asides, contacts, names
from spinebot.intake.questions import BAD, NO, NOT_SURE, REFUSED, YES, Reading

LONGEST = 120
_YES = re.compile(
    r"\b(yes|yeah|yep|yup|sure|ok|okay|right|correct|i did|i have|i had|i do|(?:had|got|have) "
    r"(?:one|it|an? mri)|i (?:think|believe) so|of course|definitely|absolutely)\b",
    re.I,
)
_NO = re.compile(
    r"\b(no|nope|nah|never|not yet|none|haven'?t|have not|didn'?t|don'?t have|without"
    r"|don'?t think so)\b|^(i don'?t|not\b.*)$",
    re.I,
)
SAYS_YES = re.compile(
    r"^(?:please )?(?:yes|yeah|yep|yup|ok|okay|sure|send|submit|correct|confirm)\b", re.I
)
_UNSURE = re.compile(
    r"\b(not sure|unsure|don'?t know|do not know|dunno|idk|maybe|no idea|no clue|not certain"
    r"|(?:can'?t|cannot|don'?t|do not) (?:remember|recall)|forgot)\b",
    re.I,
)
_MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_UNITS = r"(?:days?|weeks?|months?|years?|summer|fall|autumn|winter|spring)"
_WEEKDAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
WHEN = re.compile(
    rf"\b((19|20)\d\d|({_MONTHS})\b|\d+ (day|week|month|year)s?|ago|yesterday|today"
    rf"|(last|this|the|past|a|one|two|three|few|couple(?: of)?|several|half a)"
    rf" (?:{_UNITS}|{_WEEKDAYS})"
    r"|summer|autumn|winter|in (?:the )?(?:spring|fall)|christmas|easter|thanksgiving"
    r"|\d{1,2}/\d{1,4})",
    re.I,
)
_NO_MRI = re.compile(
    r"\b(?:don'?t|do not|haven'?t|have not|never|didn'?t) (?:have|had|get|got)\b"
    r"|^actually,? no\b",
    re.I,
)
_AGREE = re.compile(
    r"^(i )?(do )?(agreed?|consent|accept)\b|^i (do|give (my |you my )?consent)\b"
    r"|^(yes|yeah|yep|sure|ok|okay|of course|absolutely|definitely|fine|that'?s fine)\b",
    re.I,
)
_DISAGREE = re.compile(
    r"\b(disagree|(do not|don'?t|won'?t|will not|not) (agree|consent|accept|want)|refuse|decline)\b"
    r"|^(no|nope|nah|never)[\s,.!]*(thanks?|thank you|way|sorry|please|never|not)?[\s,.!]*$"
    r"|^(absolutely|certainly|definitely) not\b"
    r"|^no[,.! ]+i (do not|don'?t|won'?t|refuse)[.! ]*$|^i (do not|don'?t|won'?t)[.! ]*$",
    re.I,
)
# Consent with a reserve is no consent: it is asked for again.
_RESERVE = re.compile(
    r"\b(not|no|nope|but|only|unless|if|except|maybe|unsure|later|never|\w+n't|dont|cant|wont)\b",
    re.I,
)


def read_name(text: str, region: str) -> Reading:
    """Read a name, and the contact where one stands behind it."""
    if len(text) > asides.LONGEST:
        return BAD
    # "Ann Sample, 202-555-0143" answers two questions.
    contact = next(contacts.contacts(text, region), None)
    values = {"contact": contact[0]} if contact else {}
    name = names.read(names.before_contact(text[: contact[1]]) if contact else text)
    return Reading({"name": name, **values}) if name else BAD


def read_contact(text: str, region: str) -> Reading:
    """Read a phone number or e-mail address that the text does not call wrong."""
    found = next(contacts.right_contacts(text, region), None)
    return Reading({"contact": found}) if found else BAD


def _read_words(slot: str) -> Callable[[str, str], Reading]:
    def reader(text: str, _region: str) -> Reading:
        readable = 1 < len(text) <= LONGEST and re.search(r"[^\W_]", text)
        code = re.search(r"[<>{}\[\]\\|]|;\s*$|--", text)
        # To "when" and "where" a yes is no answer.
        empty = re.fullmatch(r"(?:yes|yeah|yep|no|nope|ok|okay|sure)[.! ]*", text, re.I)
        return Reading({slot: text}) if readable and not code and not empty else BAD

    return reader


def _read_recent_mri(text: str, _region: str) -> Reading:
    if _UNSURE.search(text):
        return Reading({"recent_mri": NOT_SURE})
    said_when = len(text) <= LONGEST and WHEN.search(text)
    if _NO.search(text):
        return Reading({"recent_mri": NO})
    if said_when:
        return Reading({"recent_mri": YES, "mri_date": text})
    return Reading({"recent_mri": YES}) if _YES.search(text) else BAD


def _read_mri_date(text: str, region: str) -> Reading:
    if _UNSURE.search(text):
        return Reading({"mri_date": NOT_SURE})
    dated = WHEN.search(text) or re.search(r"\d", text)
    if not dated and _NO_MRI.search(text):
        return Reading({"recent_mri": NO, "mri_date": None})
    if not (dated or re.search(r"recent|new|old", text, re.I)):
        return BAD
    return _read_words("mri_date")(text, region)


def _read_consent(text: str, _region: str) -> Reading:
    if _UNSURE.search(text):
        return BAD
    if _DISAGREE.search(text):
        return Reading({"consent": REFUSED})
    if _RESERVE.search(text):
        return BAD
    return Reading({"consent": YES}) if _AGREE.search(text) else BAD


READERS: dict[str, Callable[[str, str], Reading]] = {
    "name": read_name,
    "contact": read_contact,
    "best_time": _read_words("best_time"),
    "recent_mri": _read_recent_mri,
    "mri_date": _read_mri_date,
    "pain_area": _read_words("pain_area"),
    "consent": _read_consent,
}
