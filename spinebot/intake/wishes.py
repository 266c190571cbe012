"""Which answer is to be put right, and what should stand there: "change my name to Bo"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spinebot.intake.asides import IS_WRONG, LEAD, SLIP, bare
from spinebot.intake.contacts import kind_of

# What the answers are called. The date of an MRI is asked again with the MRI.
_NOUNS = {
    "name": r"(?:(?:full|first|last|family|contact) |sur)?names?",
    "contact": r"(?:(?:contact|cell|mobile|home|work) ?)?(?:tele)?(?:phone|number|cell|mobile)s?"
    r"(?: (?:number|no)s?\b)?|e-?mails?(?: (?:address|id))?"
    r"|contact(?: (?:details?|info(?:rmation)?|data))?",
    "best_time": r"(?:(?:best|good|preferred|call(?:ing|back)?) )?times?(?: of (?:the )?day| slot)?"
    r"|availability|day|when to (?:call|reach|contact)(?: me)?",
    "recent_mri": r"(?:recent )?mri(?:'?s)?(?: (?:date|answer))?|date",
    "pain_area": r"(?:pain(?:ful)? )?(?:area|place|location|spot)|where it hurts(?: most)?"
    r"|where (?:my|the) pain is|body part",
}
_NOUN = "|".join(f"(?P<{slot}>{words})" for slot, words in _NOUNS.items())
# At the summary, where every message is about the answers, a word is enough.
_LOOSE = {
    **_NOUNS,
    "best_time": r"time|when",
    "recent_mri": r"mri",
    "pain_area": r"where|hurts?|pain|area|place",
}
_LOOSE_NOUN = "|".join(f"(?P<{slot}>{words})" for slot, words in _LOOSE.items())
_MY = r"(?:(?:my|the|that|this) )?"
_CHANGE = (
    r"(?:change|fix|edit|update|amend|adjust|modify|replace|redo|re-?enter|retype|revise|alter"
    r"|correct(?= (?:my|the|that|this) )|go back to|back to|switch|set(?= (?:my|the) ))"
)
_BECAUSE_WRONG = (
    rf"{IS_WRONG}|(?:isn|wasn)'?t (?:right|correct|mine|my)|not (?:mine|my)|has changed"
    r"|(?:has|with) an? (?:typo|mistake|error)|(?:should|must|ought to) (?:be|read|say)"
    r"|(?:needs|has|is supposed) to (?:be|read)|old\b"
)
_SAID = r"(?:gave(?: you)?|entered|typed|wrote|put|spell?ed|spelt|got)"
_PATTERNS = tuple(
    re.compile(pattern.replace("NOUN", _NOUN), re.I)
    for pattern in (
        rf"(?:^|[,.;:!–—-] ?|\b(?:but|and|to|i|please|should|must|now|first|me) ){_CHANGE} {_MY}"
        r"(?:NOUN)\b",
        rf"\b(?:NOUN)(?: (?:that )?i {_SAID}(?: you)?)?(?:'s| is| was| are| were)? "
        rf"(?:{_BECAUSE_WRONG})",
        r"\b(?:wrong|incorrect|misspell?ed) (?:NOUN)\b",
        r"\b(?:mistakes?|typos?|errors?) (?:in|with|on) (?:my|the|that) (?:NOUN)\b",
        rf"\b{SLIP} (?:my|the|that) (?:NOUN)\b",
        rf"\b{_SAID} (?:in )?(?:my|the|that)(?: wrong)? (?:NOUN)(?: (?:in|down))?"
        r" (?:wrong|incorrectly)\b",
        r"\b(?:(?:that|this|it)(?:'s| is| was) not|(?:that|this|it) (?:isn|wasn)'?t)"
        r" (?:my|the (?:right|correct)) (?:NOUN)\b",
        r"^(?:(?:here(?:'s| is)|use|have|try) )?(?:(?:my|the|an?) )?(?:different|another|other|new)"
        r" (?P<name>name)\b",
        r"^(?:(?:here(?:'s| is)|use|have|try) )?(?:(?:my|the|an?) )?(?:different|another|other|new)"
        rf" (?P<contact>{_NOUNS['contact']})\b",
    )
)
# "My e-mail is ...": only the visitor's own.
_TOLD = re.compile(
    rf"^my (?:(?P<name>{_NOUNS['name']})|(?P<contact>{_NOUNS['contact']})"
    r"|(?P<best_time>(?:best|good|preferred) times?))(?= ?(?:'s|is|:|would be)\b)",
    re.I,
)
_MORE = re.compile(rf"(?:,|&|\band\b)(?: also)? {_MY}(?:{_NOUN})\b", re.I)
# What should stand there, with no word of which answer is meant.
_MEANT = re.compile(
    r"^(?:(?P<sure>i meant(?: to (?:say|write|type|put))?|i should have (?:said|written)"
    r"|(?:change|correct|switch|set) (?:it|that|this) to)|i mean|make (?:it|that|this)"
    r"|(?:(?:it|that|this) )?(?:should|must|was supposed to|needs to) (?:be|read|say)"
    r"|(?:it|that)'?s actually)[\s:,]+(?P<value>.+)$",
    re.I,
)
_INSTEAD = re.compile(r"^(?:(?:use|take|try|better|rather|say) )?(?P<value>.+?),? instead$", re.I)
_BEFORE_VALUE = re.compile(
    r"(?:\b(?:is (?:spell?ed|spelt|written|called)|to|as|with|is|it'?s"
    r"|(?:should|must) (?:be|read|say)|to be|i meant?|make it|use|call me)|[:=]|->|'s)\s+",
    re.I,
)
# "My name is wrong" names no new name.
_NO_VALUE = re.compile(
    rf"(?:{IS_WRONG}|not|old|changed|different|another|something else|be (?:changed|corrected"
    r"|fixed)|change|correct|update|fix)\b",
    re.I,
)
_AFTER_VALUE = re.compile(
    r"(?:[\s,.;!]+(?:instead(?: of .*)?|rather(?: than .*)?|please|pls|thanks|thank you|not .*"
    r"|and|but|sorry))*[\s,;!]*$",
    re.I,
)


@dataclass(frozen=True)
class Wish:
    """An answer to be put right. ``value`` is what was said to stand there, if anything was."""

    slot: str
    value: str | None


def named(text: str) -> list[Wish]:
    """Return the answers that the text clearly asks to put right, in the text's order."""
    core = bare(text)
    for pattern in _PATTERNS:
        if found := pattern.search(core):
            more = [each for each in _MORE.finditer(core) if each.start() >= found.end()]
            return _wishes(core, [found, *more])
    return []


def told(text: str) -> Wish | None:
    """Return the answer that the text says anew: "my e-mail is bo@example.com"."""
    core = bare(text)
    found = _TOLD.match(core)
    wish = _wishes(core, [found])[0] if found else None
    return wish if wish and wish.value else None


def loosely_named(text: str) -> list[Wish]:
    """Return the answer that a message at the summary speaks of."""
    core = bare(text)
    found = re.search(rf"\b(?:{_LOOSE_NOUN})\b", core, re.I)
    return _wishes(core, [found]) if found else []


def _wishes(text: str, found: list[re.Match[str]]) -> list[Wish]:
    wishes = []
    ends = [*(each.start() for each in found[1:]), len(text)]
    for each, end in zip(found, ends, strict=True):
        slot = next(name for name, words in each.groupdict().items() if words)
        wishes.append(Wish(slot, _value(text[each.end(slot) : end])))
    return wishes


def _value(text: str) -> str | None:
    """Return what stands behind "to", "is", "should be" and is no mere "wrong"."""
    for lead in _BEFORE_VALUE.finditer(text):
        value = _AFTER_VALUE.sub("", text[lead.end() :])
        if value and not _NO_VALUE.match(value):
            return value
    return None


def meant(text: str, region: str) -> Wish | None:
    """Return what should stand there where the text does not say which answer is meant.

    The wish's slot is empty where its words do not tell it either.
    """
    core = bare(text)
    if found := _MEANT.match(core):
        value = _AFTER_VALUE.sub("", found["value"])
        slot = kind_of(value, region)
        return Wish(slot or "", value) if slot or found["sure"] else None
    # "Instead" is among what is polite behind a wish: it is looked for in the whole.
    found = _INSTEAD.match(LEAD.sub("", text.rstrip(" .!?")) or text)
    slot = kind_of(found["value"], region) if found else None
    return Wish(slot, found["value"]) if found and slot else None
