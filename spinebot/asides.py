"""What is said in the form beside answers: corrections, questions, "skip this", "go back".

Only words are looked at here. Whether what should stand instead of an answer can be used is
decided by the readers in ``spinebot.intake``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email

# Nobody corrects an answer at length; a long message is a question or a story.
LONGEST = 300

_SPACE = r"[\s,.!:;–—-]+"
_INTERJECTION = (
    r"(?:o+h|ah|oops|whoops|ups|um+|uh|hmm*|hey|hi|hello|ok|okay|yes|yeah|yep|no|nope|wait"
    r"|hold on|hang on|stop|sorry|i'?m sorry|my bad|my mistake|actually|but|and|so|well|also"
    r"|please|pls|just|correction)"
)
_WISH = (
    r"(?:i think|let me|let'?s|let us|(?:can|could|would|will|may|should) (?:i|we|you)"
    r"|i(?:'d| would) (?:like|love|prefer|want)(?: you)? to|i'?d rather"
    r"|i (?:want|need|have|wish)(?: you)? to|i wanna|i gotta|i must|i should"
    r"|how (?:do|can|could) (?:i|we)|is it possible to|is there a way to|help me(?: to)?"
    r"|(?:you|we) (?:need|have) to)"
)
_LEAD = re.compile(rf"^(?:(?:{_INTERJECTION}|{_WISH}){_SPACE})+", re.I)
_INTERJECTIONS = re.compile(rf"^(?:{_INTERJECTION}{_SPACE})+", re.I)
_STOPS = string.whitespace + "\u00a0\u2009\u202f,.!;:?"
_TRAIL = re.compile(
    r"(?<=[\s,.!;:?])(?:please|pls|thanks|thank you|thx|sorry|instead|for me|if possible)$", re.I
)
_LONGEST_TRAIL = len("if possible") + 1

_SKIP = re.compile(
    r"(?:skip|pass|next)(?: (?:over )?(?:this|that|it))?(?: (?:one|question))?|next question"
    r"|(?:i(?:'d| would)? )?(?:rather|prefer) not(?: to)?"
    r"(?: (?:say|tell|answer)(?: (?:this|that))?)?"
    r"|not (?:say|tell|answer)|no answer|(?:i )?(?:don'?t|do not) want to (?:say|tell|answer)"
    r"(?: (?:this|that|it))?(?: (?:one|question))?|(?:leave|keep) (?:it|this|that) (?:blank|empty)"
    r"|n/?a",
    re.I,
)
_BACK = re.compile(
    r"(?:(?:go|take me|step|move|get) )?back(?:wards?)?(?: (?:a|one) (?:step|question))?"
    r"|(?:one|a) (?:step|question) back|undo(?: (?:this|that|it|the last (?:one|answer)))?"
    r"|(?:go (?:back )?to )?(?:the |my )?previous(?: (?:question|step|one|answer))?"
    r"|go (?:back )?to (?:the |my )?last (?:question|step|one|answer)"
    r"|(?:change|fix|edit|correct|redo) (?:this|that|it|(?:the |my )?(?:last |previous )?"
    r"(?:answers?|one|question|entry)|something|one thing|an answer)"
    r"|make (?:a|some) (?:change|correction)s?",
    re.I,
)
_TO_CHANGE = re.compile(
    r"(?:change|edit|correct|fix|update)(?: (?:something|anything|one thing|things|an answer|it"
    r"|this|that|(?:my|the|some) (?:answers?|details|form|summary|data)))?(?: else)?"
    r"|make (?:a |some |any )?(?:changes?|corrections?|edits?)",
    re.I,
)
_RESTART = re.compile(
    r"(?:start|begin|do)(?: (?:it|this|that|the form|everything|all of (?:it|this)))?(?: all)?"
    r" (?:over|again|anew|afresh|from (?:the )?(?:very )?(?:beginning|start|top|scratch))"
    r"(?: again)?(?: from (?:the )?(?:beginning|start|top|scratch))?"
    r"|(?:restart|reset|clear)(?: (?:it|this|everything|all|(?:the |this )?form))?"
    r"|redo (?:it all|everything|the (?:whole )?form)"
    r"|(?:go )?(?:back )?(?:to|from) (?:the )?(?:very )?(?:beginning|start|top|scratch)",
    re.I,
)
_HOLD = re.compile(
    r"(?:just )?(?:wait|hold on|hang on)(?: (?:a|one) (?:minute|moment|second|sec|min))?"
    r"|(?:just )?(?:one|a|give me a) (?:minute|moment|second|sec|min)"
    r"|let me (?:check|look|think|see)(?: (?:it|that))?(?: up)?|sorry",
    re.I,
)
_IS_WRONG = (
    r"(?:all |completely |totally |still )?(?:wrong|incorrect|not (?:right|correct)|misspell?ed"
    r"|misspelt|mistyped|outdated|(?:a )?mistake|(?:a )?typo|(?:an )?error)"
)
_SLIP = r"(?:misspell?ed|misspelt|mistyped|misspoke|miswrote|messed up|mixed up|screwed up)"
_MISTAKE = re.compile(
    rf"(?:(?:this|that|it|which)(?:'?s| is| was)? )?{_IS_WRONG}"
    r"|(?:this|that|it) (?:isn|wasn)'?t (?:right|correct|what i (?:meant|said))"
    r"|(?:i|i've|i have) (?:just )?(?:made|make) an? (?:mistake|typo|error)(?: there)?"
    rf"|(?:i|i've|i have) (?:just )?{_SLIP}(?: (?:this|that|it|something))?"
    r"|i (?:got|typed|entered|wrote|put|said) (?:this|that|it)(?: in)? wrong"
    r"|wrong (?:one|answer)|oops|whoops",
    re.I,
)

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
    rf"{_IS_WRONG}|(?:isn|wasn)'?t (?:right|correct|mine|my)|not (?:mine|my)|has changed"
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
        rf"\b{_SLIP} (?:my|the|that) (?:NOUN)\b",
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
    rf"(?:{_IS_WRONG}|not|old|changed|different|another|something else|be (?:changed|corrected"
    r"|fixed)|change|correct|update|fix)\b",
    re.I,
)
_AFTER_VALUE = re.compile(
    r"(?:[\s,.;!]+(?:instead(?: of .*)?|rather(?: than .*)?|please|pls|thanks|thank you|not .*"
    r"|and|but|sorry))*[\s,;!]*$",
    re.I,
)

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


_OPEN_QUESTION = {"what", "whats", "what's", "why", "who", "whos", "who's", "which"}
_HOW = {"how", "hows", "how's"}
_AUXILIARY = {
    *("can", "could", "do", "does", "did", "is", "are", "will", "would", "should", "shall", "may"),
}
_SUBJECTS = {
    *("i", "you", "we", "they", "he", "she", "it", "this", "that", "these", "those", "there"),
    *("the", "my", "your", "anyone", "anybody", "someone", "somebody", "everyone"),
}
# "Could be Tuesday", "is best after five", "did have one", "will have to look".
_NO_SUBJECTS = {
    *("be", "have", "prefer", "like", "rather", "work", "works", "take", "need", "one", "mine"),
    *("best", "better", "fine", "good", "ok", "okay", "probably", "usually", "only", "not", "also"),
    *("call", "of", "last", "or", "so", "over", "just", "in", "on", "at", "from", "still", "had"),
}
# "How Chen" may be a name; these follow where something is asked.
_AFTER_HOW = {
    *("long", "much", "many", "do", "does", "did", "is", "are", "can", "could", "come", "about"),
    *("soon", "often", "should", "will", "would", "old", "far", "safe", "quickly", "fast", "it"),
}
_SHORTEST_QUESTION = 4
_ASKS = re.compile(
    r"^(?:tell me|explain|describe|(?:i(?:'ve| have)?(?: got)? )?(?:a |one |some |quick )*"
    r"questions?\b"
    r"|i(?:'d| would) like to know|i want to know|any idea (?:what|how|when|why|who))"
    r"|\bwonder(?:ing)?\b",
    re.I,
)


@dataclass(frozen=True)
class Wish:
    """An answer to be put right. ``value`` is what was said to stand there, if anything was."""

    slot: str
    value: str | None


def without_interjections(text: str) -> str:
    """Return ``text`` without "oh", "wait," and the like before it."""
    return _INTERJECTIONS.sub("", text) or text


def bare(text: str) -> str:
    """Return ``text`` without what is polite around it: "could you please ... for me"."""
    text = _without_trail(text)
    return _LEAD.sub("", text) or text


def _without_trail(text: str) -> str:
    """Cut politeness off the end, bit by bit: a pattern for all of it takes minutes for dots."""
    text = text.rstrip(_STOPS)
    while match := _TRAIL.search(text, max(0, len(text) - _LONGEST_TRAIL)):
        text = text[: match.start()].rstrip(_STOPS)
    return text


def is_skip(text: str) -> bool:
    """Return whether the question is to be left out."""
    return bool(_SKIP.fullmatch(bare(text)))


def is_back(text: str) -> bool:
    """Return whether the question before is wanted again."""
    return bool(_BACK.fullmatch(bare(text)))


def is_restart(text: str) -> bool:
    """Return whether all answers are to be given anew."""
    return bool(_RESTART.fullmatch(bare(text)))


def is_hold(text: str) -> bool:
    """Return whether nothing is said but that the visitor is not ready."""
    return bool(_HOLD.fullmatch(_without_trail(text) or text))


def is_wish_to_change(text: str) -> bool:
    """Return whether something is to be changed, whatever it is."""
    return bool(_TO_CHANGE.fullmatch(bare(text)))


def is_mistake(text: str) -> bool:
    """Return whether it only says that something was wrong, not what."""
    return bool(_MISTAKE.fullmatch(bare(text)) or _MISTAKE.fullmatch(without_interjections(text)))


def is_question(text: str) -> bool:
    """Return whether ``text`` is put as a question."""
    return text.rstrip().endswith("?") or begins_as_question(text)


def begins_as_question(text: str) -> bool:
    """Return whether it is a question by its words, with or without its mark."""
    text = without_interjections(text)
    if _ASKS.search(text):
        return True
    words = [word.strip(",.!?:;") for word in text.lower().split()]
    first, second = words[0] if words else "", words[1] if len(words) > 1 else ""
    if first in _OPEN_QUESTION:
        return second != "ever"
    if first in _HOW:
        return second in _AFTER_HOW or len(words) >= _SHORTEST_QUESTION or not second
    if first in {"when", "where"}:
        return second in _AUXILIARY
    if first not in _AUXILIARY or second in _NO_SUBJECTS or len(words) < _SHORTEST_QUESTION - 1:
        return False
    if first == "may":
        return second in {"i", "we", "you"}
    if first in {"do", "did"} and second in {"it", "this", "that"}:
        return False
    # "Will Robert Smith Jones" is a name.
    long = len(words) >= _SHORTEST_QUESTION and (not text.istitle())
    return second in _SUBJECTS or long


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
    found = _INSTEAD.match(_LEAD.sub("", text.rstrip(" .!?")) or text)
    slot = kind_of(found["value"], region) if found else None
    return Wish(slot, found["value"]) if found and slot else None


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
