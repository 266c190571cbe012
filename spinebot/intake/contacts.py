"""Contacts, times and places, as they stand in a message."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from email_validator import EmailNotValidError, validate_email

_CUE = re.compile(
    r"\b(?:sorry|oops|meant|mistyped|misspell?ed|typo|mistake|wrong|should|instead|correction"
    r"|actually|change|not|isn'?t|rather|update|fix|my (?:new )?(?:number|phone|cell|e-?mail))\b",
    re.I,
)
# Beside a number these say nothing but that it is one.
_FILLER = {
    *("my", "the", "a", "is", "it's", "its", "it", "that", "this", "was", "i", "me", "at", "on"),
    *("number", "phone", "cell", "mobile", "email", "e-mail", "mail", "address", "contact", "new"),
    *("no", "wait", "please", "thanks", "here", "to", "call", "reach", "use", "text", "better"),
    *("or", "and", "oh", "hmm", "here's", "try", "ok", "okay", "well", "but"),
}
TIME = re.compile(
    r"\b(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?\b|week-?(?:days?|ends?)"
    r"|(?:mid-?)?(?:mornings?|afternoons?|evenings?|nights?|noon|midday|lunch(?:time)?)"
    r"|any ?(?:time|day)|when ?ever|all day|every day|daytime|after work|tomorrow|tonight"
    r"|\d{1,2}(?::\d\d)? ?(?:[ap]\.?m\b\.?|o'?clock)|(?:after|before|around|until|till|between|from"
    r"|at|past) (?:\d{1,2}\b|noon|lunch|work|school)|\d{1,2} ?(?:-|–|to) ?\d{1,2}\b)",
    re.I,
)
_BODY = re.compile(
    r"\b(?:back|neck|legs?|arms?|shoulders?|hips?|butt(?:ocks?)?|f(?:oo|ee)t|hands?|fingers?|toes?"
    r"|spine|lumbar|thoracic|cervical|tail ?bone|coccyx|sacr\w+|knees?|cal(?:f|ves)|thighs?|groin"
    r"|head|chest|ribs?|sides?|heels?|wrists?|elbows?|ankles?|pelvis|joints?|body|sciatic\w*"
    r"|[lcts]\d{1,2})\b",
    re.I,
)
_CALL_BACK = re.compile(r"\b(?:call|get|go|come|ring|phone|take)(?: \w+)? back\b", re.I)


def contacts(text: str, region: str) -> Iterator[tuple[str, int, int]]:
    """Yield the e-mail addresses and phone numbers in the text, each with where it stands."""
    for word in re.finditer(r"[^\s,;<>]+@[^\s,;<>]+", text):
        try:
            address = validate_email(word[0].strip(".:()!?'\""), check_deliverability=False)
        except EmailNotValidError:
            continue
        yield address.normalized, word.start(), word.end()
    for match in phonenumbers.PhoneNumberMatcher(text, region):
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        yield number, match.start, match.end


def right_contacts(text: str, region: str) -> Iterator[str]:
    """Yield the text's contacts but for those that it says are not right: "not ...", "from ..."."""
    for value, start, end in contacts(text, region):
        if not re.search(
            r"\b(?:not|from|instead of|rather than) $", text[:start], re.I
        ) and not re.match(r" (?:is|was) (?:wrong|incorrect|not|old)\b", text[end:], re.I):
            yield value


def corrected_contact(text: str, region: str, known: str | None) -> str | None:
    """Return the contact that should stand instead of ``known``, None if the text gives none."""
    right = [value for value in right_contacts(text, region) if value != known]
    return right[-1] if right else None


def is_about_contact(text: str, region: str) -> bool:
    """Return whether the text corrects a contact: little but one, or one and a word of mistake."""
    found = list(contacts(text, region))
    if not found:
        return False
    rest = text
    for _, start, end in sorted(found, key=lambda each: -each[1]):
        rest = f"{rest[:start]} {rest[end:]}"
    words = set(re.findall(r"[\w'-]+", rest.lower()))
    return bool(_CUE.search(rest)) or words <= _FILLER


def kind_of(value: str, region: str) -> str | None:
    """Return which answer the value looks like, if its words say so."""
    if next(contacts(value, region), None):
        return "contact"
    if TIME.search(value):
        return "best_time"
    return "pain_area" if names_place(value) else None


def names_place(text: str) -> bool:
    """Return whether a part of the body is named. To "call back" is none."""
    return bool(_BODY.search(_CALL_BACK.sub("", text)))
