"""The answer to the summary: it is sent, or something in it is put right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spinebot.intake import asides, contacts, wishes
from spinebot.intake.answers import SAYS_YES
from spinebot.intake.corrections import change, emptied, is_asked
from spinebot.intake.questions import WHICH, YES, Reading

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
_STANDS = re.compile(r"\b(?:is|are|looks?|'s) (?:all )?(?:correct|right|fine|good|ok|okay)\b", re.I)
# "Correct" by itself is a yes. What holds a "not" or a "but" is never sent.
_CHANGE = re.compile(
    r"\b(change|correct\s+(?:my|the|some)\w*|fix|wrong|edit|update|not|no|never|wait|mistake|but|except|only"
    r"|unless|if|later|tomorrow|back|\w+n't|dont|cant|wont|isnt)\b",
    re.I,
)


def is_send(text: str) -> bool:
    """Return whether the text says that the summary is right, and nothing else."""
    rest, left_out = _NO_CHANGE.subn("", text)
    words = set(re.findall(r"[\w']+", rest.lower()))
    said = bool(words & _SEND_WORDS) or bool(left_out) or words == {"i", "do"}
    return said and words <= _SEND_WORDS | _BESIDE_SEND and not asides.is_question(text)


def read_confirmed(text: str, region: str, answers: Mapping[str, Any]) -> Reading:
    """Read ``text`` as the answer to the summary: sent, corrected, or which answer is meant."""
    if is_send(text):
        return Reading({"confirmed": YES})
    named = [w for w in wishes.loosely_named(text) if is_asked(w.slot, answers)]
    reserved = _CHANGE.search(text)
    if SAYS_YES.match(text) and not reserved and (not named or _STANDS.search(text)):
        return Reading({"confirmed": YES})
    if named and not _STANDS.search(text):
        return change(named, "confirmed", text, region, answers) or WHICH
    taken_back = asides.is_back(text) or SAYS_YES.match(text)
    slot = None if taken_back else contacts.kind_of(text, region)
    return Reading(emptied(slot)) if slot else WHICH
