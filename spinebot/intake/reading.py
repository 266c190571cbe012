"""Whether a message answers the form's question, and how it is read if it does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spinebot.intake import asides, contacts, names
from spinebot.intake.answers import READERS, SAYS_YES, WHEN, read_contact, read_name
from spinebot.intake.contacts import TIME
from spinebot.intake.corrections import corrected
from spinebot.intake.questions import NOT_GIVEN, OPTIONAL, SOMETHING_ELSE, Reading
from spinebot.intake.summary import is_send, read_confirmed
from spinebot.language.messages import MAX_CHARACTERS, clean

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
    correction = corrected(slot, text, region, answers or {})
    if correction is not None:
        return correction
    if slot in OPTIONAL and asides.is_skip(text):
        return Reading({slot: NOT_GIVEN})
    if not _is_plain_answer(slot, text, region, intent) and (
        intent in _ALWAYS_SOMETHING_ELSE or intent in _SMALL_TALK or asides.is_question(text)
    ):
        return SOMETHING_ELSE
    if slot == "confirmed":
        return read_confirmed(text, region, answers or {})
    reading = READERS[slot](text, region)
    if (reading.is_bad or _is_beside(slot, text)) and str(intent).startswith("ask_"):
        return SOMETHING_ELSE
    if reading.is_bad and str(intent).startswith(("report_", "out_of_scope_")):
        return SOMETHING_ELSE
    return reading


def _is_beside(slot: str, text: str) -> bool:
    """Return whether no word of the text is of a time, or of a place, where that is asked."""
    if slot == "best_time":
        return not (TIME.search(text) or _MAY_BE_TIME.search(text))
    return slot == "pain_area" and not (contacts.names_place(text) or _MAY_BE_PLACE.search(text))


def _is_plain_answer(slot: str, text: str, region: str, intent: str | None) -> bool:
    """Return whether the text can only be meant as the answer, whatever the classifier thinks."""
    if slot == "contact":
        return not read_contact(text, region).is_bad
    if slot == "consent":
        return bool(re.fullmatch(r"(i )?(do not |don'?t )?(dis)?agree[.!]?", text, re.I))
    if slot == "confirmed":
        return is_send(text) or asides.is_wish_to_change(text)
    asked = asides.is_question(text)
    if slot == "name":
        led = names.LEAD.match(text)
        return (
            bool(not asked and (led or intent in _SMALL_TALK))
            and not read_name(text, region).is_bad
        )
    if _STOP.search(text):
        return False
    if slot == "best_time":
        return bool(TIME.search(text) and (not asked or _TIME_OFFERED.match(text)))
    if slot == "pain_area":
        return contacts.names_place(text) and not asked and not _WANTS.search(text)
    return bool(WHEN.search(text) or SAYS_YES.match(text)) and not asked
