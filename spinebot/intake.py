"""The MRI-review form: what it asks, in which order, and how an answer is read.

It decides for each message whether it answers the form's question or is something else (a
question of the visitor's own, a wish to stop), which the dialogue then treats as what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spinebot import asides, names
from spinebot.asides import TIME, Wish
from spinebot.language.messages import MAX_CHARACTERS, clean

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

# Offered as a question, yet an answer: "can you call me after 5?"
_TIME_OFFERED = re.compile(
    r"^(?:how|what) about\b|^(?:can|could|would) (?:you|someone|somebody|they) (?:please )?"
    r"(?:call|reach|ring|phone|text|contact|try)\b"
    r"|^(?:is|are|would|does|do) [^?]*\b(?:ok|okay|fine|good|works?|possible|alright)\b",
    re.I,
)
# Whatever else is said of a time or a place may be something else.
_MAY_BE_TIME = re.compile(
    r"\d|\b(?:times?|early|late|later|soon|asap|flexible|preference|free|available|after|before"
    r"|hours?|days?|weeks?|months?|now|today|[ap]m|don'?t know|not sure|morn\w*|even\w*|open)\b",
    re.I,
)
_MAY_BE_PLACE = re.compile(
    r"\b(?:pain\w*|hurt\w*|ach\w+|numb\w*|everywhere|all over|left|right|upper|lower|middle|between"
    r"|don'?t know|not sure)\b",
    re.I,
)
_STOP = re.compile(r"\b(?:stop|cancel|forget|quit|never ?mind|abort|nvm)\b", re.I)
# At "where does it hurt" these ask for somebody, they name no place.
_WANTS = re.compile(r"\b(?:want|need|speak|talk|someone|human|person|doctor|surgeon)\b", re.I)

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
_WHEN = re.compile(
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

# A summary is sent by words that say nothing but that it is right.
_SEND_WORDS = {
    *("yes", "yeah", "yep", "yup", "ok", "okay", "sure", "right", "correct", "send", "submit"),
    *("confirm", "confirmed", "good", "fine", "perfect", "great", "excellent", "proceed"),
    *("accurate", "exactly", "absolutely", "ahead", "lgtm", "awesome"),
}
_BESIDE_SEND = {
    *("all", "that", "that's", "thats", "this", "it", "it's", "its", "is", "looks", "look", "are"),
    *("everything", "looking", "sounds", "seems", "go", "please", "thanks", "thank", "you", "now"),
    *("i", "to", "me", "and", "so", "off", "them", "the", "form", "request", "details", "do"),
    *("to", "clinic", "by", "with", "think", "very", "just", "ready", "i'm", "happy", "we're"),
    *("set", "quite", "totally", "completely", "for", "at", "away"),
}
_NO_CHANGE = re.compile(
    r"^(?:no(?:pe)?[,.! ]+)?(?:(?:that'?s|that is) (?:all|it)|no (?:more )?"
    r"(?:changes?|corrections?)(?: needed| necessary| required)?"
    r"|(?:there(?:'s| is) )?nothing (?:to|needs to be) (?:change|fix|correct|edit)(?:e?d)?"
    r"|(?:don'?t|do not|no need to) (?:change|edit|fix)(?: anything| it| that)?)\b"
    r"|^no(?:pe)?[,.! ]+(?=all|looks|it'?s (?:all )?(?:good|fine|right))",
    re.I,
)
_SAYS_YES = re.compile(
    r"^(?:please )?(?:yes|yeah|yep|yup|ok|okay|sure|send|submit|correct|confirm)\b", re.I
)
_STANDS = re.compile(r"\b(?:is|are|looks?|'s) (?:all )?(?:correct|right|fine|good|ok|okay)\b", re.I)
# "Correct" by itself is a yes. What holds a "not" or a "but" is never sent.
_CHANGE = re.compile(
    r"\b(change|correct\s+(?:my|the|some)\w*|fix|wrong|edit|update|not|no|never|wait|mistake|but|except|only"
    r"|unless|if|later|tomorrow|back|\w+n't|dont|cant|wont|isnt)\b",
    re.I,
)


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
WHICH = Reading(is_bad=True, wording="change_which")


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


def read(
    slot: str,
    text: str,
    intent: str | None,
    region: str,
    answers: Mapping[str, Any] | None = None,
) -> Reading:
    """Read ``text``, understood as ``intent``, as the answer to the question about ``slot``.

    ``region`` is the country in which a phone number without country code is looked up.
    ``answers`` are the form's slots so far: a correction may be of any of them.
    """
    # No answer is as long, and some patterns take their time over what is.
    text = " ".join(clean(text)[:MAX_CHARACTERS].replace("’", "'").split())
    if intent == "report_emergency":
        return SOMETHING_ELSE
    # A correction goes before what the classifier sees: it takes "fix my number" for a question.
    corrected = _corrected(slot, text, region, answers or {})
    if corrected is not None:
        return corrected
    if slot in OPTIONAL and asides.is_skip(text):
        return Reading({slot: NOT_GIVEN})
    if not _is_plain_answer(slot, text, region, intent) and (
        intent in _ALWAYS_SOMETHING_ELSE or intent in _SMALL_TALK or asides.is_question(text)
    ):
        return SOMETHING_ELSE
    if slot == "confirmed":
        return _read_confirmed(text, region, answers or {})
    reading = _READERS[slot](text, region)
    if (reading.is_bad or _is_beside(slot, text)) and str(intent).startswith("ask_"):
        return SOMETHING_ELSE
    if reading.is_bad and str(intent).startswith(("report_", "out_of_scope_")):
        return SOMETHING_ELSE
    return reading


def _is_beside(slot: str, text: str) -> bool:
    """Return whether no word of the text is of a time, or of a place, where that is asked."""
    if slot == "best_time":
        return not (TIME.search(text) or _MAY_BE_TIME.search(text))
    return slot == "pain_area" and not (asides.names_place(text) or _MAY_BE_PLACE.search(text))


def _is_plain_answer(slot: str, text: str, region: str, intent: str | None) -> bool:
    """Return whether the text can only be meant as the answer, whatever the classifier thinks."""
    if slot == "contact":
        return not _read_contact(text, region).is_bad
    if slot == "consent":
        return bool(re.fullmatch(r"(i )?(do not |don'?t )?(dis)?agree[.!]?", text, re.I))
    if slot == "confirmed":
        return _is_send(text) or asides.is_wish_to_change(text)
    asked = asides.is_question(text)
    if slot == "name":
        led = names.LEAD.match(text)
        return (
            bool(not asked and (led or intent in _SMALL_TALK))
            and not _read_name(text, region).is_bad
        )
    if _STOP.search(text):
        return False
    if slot == "best_time":
        return bool(TIME.search(text) and (not asked or _TIME_OFFERED.match(text)))
    if slot == "pain_area":
        return asides.names_place(text) and not asked and not _WANTS.search(text)
    return bool(_WHEN.search(text) or _SAYS_YES.match(text)) and not asked


# Corrections


def _corrected(slot: str, text: str, region: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read ``text`` as a correction of what was answered before, None if it is none."""
    if len(text) > asides.LONGEST:
        return None
    if asides.is_restart(text):
        return Reading(dict.fromkeys(SLOTS))
    if asides.begins_as_question(asides.bare(text)):
        return None
    wishes = [wish for wish in asides.named(text) if _is_asked(wish.slot, answers)]
    if wishes:
        return _change(wishes, slot, text, region, answers)
    return (
        _told_anew(slot, text, region, answers)
        or _corrected_contact(slot, text, region, answers)
        or _meant(slot, text, region, answers)
        or _taken_back(slot, text, answers)
    )


def _is_asked(slot: str, answers: Mapping[str, Any]) -> bool:
    reason = str(answers.get("handoff_reason") or "")
    return slot in slots_of(reason, answers)


def _change(
    wishes: list[Wish], asked: str, text: str, region: str, answers: Mapping[str, Any]
) -> Reading | None:
    """Ask what is to be changed again, or take the new value where one stands there."""
    new: dict[str, Any] = {}
    for wish in wishes:
        new.update(_emptied(wish.slot))
        value = wish.value
        if wish.slot == "contact":
            value = asides.corrected_contact(text, region, answers.get("contact"))
        reading = _READERS[wish.slot](value, region) if value else BAD
        if not reading.is_bad:
            new.update(reading.values)
        elif wish.slot == asked and wish.value:
            # What was said for the present question is no use: it is explained as a bad answer.
            return None
    return Reading(new)


def _emptied(slot: str) -> dict[str, Any]:
    """Return the values that have ``slot`` asked again; an MRI's date belongs to its MRI."""
    return {slot: None, "mri_date": None} if slot == "recent_mri" else {slot: None}


def _told_anew(slot: str, text: str, region: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read "my e-mail is bo@example.com", said while something else is asked."""
    wish = asides.told(text)
    if wish is None or wish.slot == slot or not wish.value:
        return None
    reading = _READERS[wish.slot](wish.value, region)
    return None if reading.is_bad else reading


def _corrected_contact(
    slot: str, text: str, region: str, answers: Mapping[str, Any]
) -> Reading | None:
    """Read a phone number or e-mail address that is given once the question for it is over."""
    if slot in {"name", "contact"}:
        return None
    known = answers.get("contact")
    new = asides.corrected_contact(text, region, known)
    # At the end a contact is never passing talk; at "best time" it may be ("mornings, on ...").
    at_end = slot in {"consent", "confirmed"} and known is not None and new is not None
    if not at_end and not asides.is_about_contact(text, region):
        return None
    if new is None and slot == "confirmed" and _SAYS_YES.match(text):
        return None
    return Reading({"contact": new})


def _meant(slot: str, text: str, region: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read "I meant ...", "make that ...": of the answer that it looks like, or else the last."""
    wish = asides.meant(text, region)
    before = _before(slot, answers)
    target = wish.slot or before if wish else None
    order = slots_of(str(answers.get("handoff_reason") or ""), {"recent_mri": YES})
    if wish is None or not wish.value or target not in order[: order.index(slot) + 1]:
        return None
    reading = _READERS[target](wish.value, region)
    if not reading.is_bad:
        return reading
    return None if target == slot else Reading(_emptied(target))


def _taken_back(slot: str, text: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read "go back", "I mistyped", "wait": the question before, or this one, is asked again."""
    # At the summary it must be said what is wrong. "Back" is also where it hurts.
    if slot == "confirmed" or (slot == "pain_area" and text.strip(" .!").lower() == "back"):
        return None
    if asides.is_hold(text):
        return Reading({slot: None})
    if not asides.is_back(text) and not asides.is_mistake(text):
        return None
    return Reading(_emptied(_before(slot, answers) or slot))


def _before(slot: str, answers: Mapping[str, Any]) -> str | None:
    """Return the question before ``slot``, or ``slot`` itself while its answers are no use."""
    if slot == "confirmed":
        return None
    if answers.get("bad_answers"):
        return slot
    order = slots_of(str(answers.get("handoff_reason") or ""), answers)
    place = order.index(slot) if slot in order else len(order)
    return order[place - 1] if place else None


# Readers, one for each question


def _read_name(text: str, region: str) -> Reading:
    if len(text) > asides.LONGEST:
        return BAD
    # "Ann Sample, 202-555-0143" answers two questions.
    contact = next(asides.contacts(text, region), None)
    values = {"contact": contact[0]} if contact else {}
    name = names.read(names.before_contact(text[: contact[1]]) if contact else text)
    return Reading({"name": name, **values}) if name else BAD


def _read_contact(text: str, region: str) -> Reading:
    found = next(asides.right_contacts(text, region), None)
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
    said_when = len(text) <= LONGEST and _WHEN.search(text)
    if _NO.search(text):
        return Reading({"recent_mri": NO})
    if said_when:
        return Reading({"recent_mri": YES, "mri_date": text})
    return Reading({"recent_mri": YES}) if _YES.search(text) else BAD


def _read_mri_date(text: str, region: str) -> Reading:
    if _UNSURE.search(text):
        return Reading({"mri_date": NOT_SURE})
    dated = _WHEN.search(text) or re.search(r"\d", text)
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


def _is_send(text: str) -> bool:
    """Return whether the text says that the summary is right, and nothing else."""
    rest, left_out = _NO_CHANGE.subn("", text)
    words = set(re.findall(r"[\w']+", rest.lower()))
    said = bool(words & _SEND_WORDS) or bool(left_out) or words == {"i", "do"}
    return said and words <= _SEND_WORDS | _BESIDE_SEND and not asides.is_question(text)


def _read_confirmed(text: str, region: str, answers: Mapping[str, Any]) -> Reading:
    if _is_send(text):
        return Reading({"confirmed": YES})
    wishes = [w for w in asides.loosely_named(text) if _is_asked(w.slot, answers)]
    reserved = _CHANGE.search(text)
    if _SAYS_YES.match(text) and not reserved and (not wishes or _STANDS.search(text)):
        return Reading({"confirmed": YES})
    if wishes and not _STANDS.search(text):
        return _change(wishes, "confirmed", text, region, answers) or WHICH
    taken_back = asides.is_back(text) or _SAYS_YES.match(text)
    slot = None if taken_back else asides.kind_of(text, region)
    return Reading(_emptied(slot)) if slot else WHICH


_READERS: dict[str, Callable[[str, str], Reading]] = {
    "name": _read_name,
    "contact": _read_contact,
    "best_time": _read_words("best_time"),
    "recent_mri": _read_recent_mri,
    "mri_date": _read_mri_date,
    "pain_area": _read_words("pain_area"),
    "consent": _read_consent,
}
