"""A person's name, as people write it when they are asked: "hi, I'm Ann Sample, please"."""

from __future__ import annotations

import re

_GREETING = r"(?:hi|hello|hey|good (?:morning|afternoon|evening))"
_ASSENT = r"(?:yes|yeah|sure|ok|okay|well|um+|uh|oh|so|of course|sorry|no|wait)"
# "I'm", "call me" and the like are weak: what follows need not be a name.
LEAD = re.compile(
    rf"^\s*(?:(?:{_GREETING}|{_ASSENT})\b[,!. ]*)*"
    r"(?P<lead>(?:my |the )?(?:full |first |legal |real )?names?(?: is|'?s|:| would be)"
    r"|(?:i|people|friends) (?:go by|am called)|i'?m called"
    r"|(?P<weak>(?:(?:you can|please|just|people|friends|everyone)? ?(?:calls? me))|i am|i'?m|it'?s"
    r"|it is|that'?s|that is|that would be|this is|i mean))[\s:,-]+",
    re.I,
)
_OPENING = re.compile(rf"^(?:{_GREETING}\b[,!. ]+|{_ASSENT}[,!.]+ ?)+", re.I)
# What follows a name: "and I have back pain", "here", "please", "my number is".
_AFTER_NAME = re.compile(
    r"(?:[\s,.;!]+(?:and |but )?(?:i (?:have|am|had|need|want|would|was|live|got|can)\b"
    r"|(?:i'?m|i've)\b|my (?:last |first |sur)?\w+ (?:is|hurts?|has|number|phone|e-?mail)\b).*"
    r"|,?\s+(?:here|speaking|please|thanks|thank you))+[\s.,!]*$",
    re.I,
)
_BEFORE_CONTACT = re.compile(
    r"[\s,;:.(]*(?:\band\b )?"
    r"(?:(?:my|at|on|is|phone|cell|mobile|number|e-?mail|address|tel)\b[\s:.]*)*$",
    re.I,
)
_TWO_NAMES = re.compile(r"[\s,.;]+(?:and )?(?:my )?(?:last|family|sur)[ -]?name(?: is|:)?\s+", re.I)
# Said by themselves, or with one another, these are no name.
_NO_NAME = {
    *("yes", "no", "ok", "okay", "nope", "yeah", "yep", "sure", "none", "stop", "what", "why"),
    *("test", "skip", "back", "next", "pass", "hi", "hello", "hey", "thanks", "thank", "you"),
    *("good", "morning", "evening", "afternoon", "day", "bye", "goodbye", "see", "later", "cancel"),
    *(
        "help",
        "please",
        "great",
        "perfect",
        "cool",
        "fine",
        "nice",
        "awesome",
        "wait",
        "hold",
        "on",
    ),
    *("sorry", "oops", "right", "correct", "wrong", "go", "ahead", "sounds", "all", "maybe", "idk"),
    *("huh", "hm", "hmm", "um", "uh", "nothing", "nobody", "nevermind", "never", "mind", "forget"),
    *("it", "of", "course", "done", "more", "info", "continue", "start", "over", "begin", "ready"),
    *("exactly", "absolutely", "definitely", "agree", "name", "my", "me", "human", "person"),
    *("agent", "bot", "someone", "send", "submit", "change", "how", "who", "long", "much", "cost"),
    *("free", "private", "anonymous", "confidential", "again", "thing", "not", "yet", "now", "way"),
}
# After "I'm" or "it's" these begin no name; after "call me" neither.
_NOT_AFTER_WEAK = {
    *("not", "in", "a", "an", "the", "done", "having", "tired", "scared", "too", "so", "very"),
    *("just", "at", "your", "going", "looking", "trying", "feeling", "hurting", "interested"),
    *("calling", "asking", "only", "still", "really", "getting", "about", "from", "out", "worried"),
    *("afraid", "under", "suffering", "unsure", "hurt", "sick", "pregnant", "annoying", "stupid"),
    *("ridiculous", "bullshit", "urgent", "tomorrow", "today", "tonight", "asap", "when", "if"),
    *("soon", "after", "before", "any", "anytime", "whenever", "first", "instead", "complicated"),
    *("curious", "wondering", "confused", "lost", "cancelled", "bad", "worse", "better", "painful"),
    *("experiencing", "what", "because", "to", "for", "with", "like", "always", "both", "mostly"),
}
# No name holds these.
_SENTENCE = {
    *("the", "is", "are", "was", "have", "your", "our", "they", "that", "this", "it", "it's"),
    *(
        "i'm",
        "does",
        "cannot",
        "would",
        "could",
        "should",
        "because",
        "what",
        "whats",
        "why",
        "when",
    ),
    *("where", "which", "with", "about", "from", "tell", "know", "pain", "hurts", "need"),
    *(
        "phone",
        "number",
        "email",
        "e-mail",
        "mri",
        "something",
        "anything",
        "to",
        "for",
        "name",
        "already",
        "told",
        "same",
    ),
}
_LETTER = re.compile(r"[^\W\d_]")


def read(text: str) -> str | None:
    """Return the name in an answer, without what stands around it; None if there is none."""
    lead = LEAD.match(text)
    name = text[lead.end() :] if lead else _OPENING.sub("", text)
    name = _AFTER_NAME.sub("", _TWO_NAMES.sub(" ", name)).strip(" .,!")
    return name if _is_name(name, weak=bool(lead and lead["weak"])) else None


def before_contact(text: str) -> str:
    """Return what stands before a phone number or address, without what leads to it."""
    return _BEFORE_CONTACT.sub("", text)


def _is_name(name: str, *, weak: bool) -> bool:
    """Return whether it may be a name. ``weak``: what stood before it need not lead to one."""
    words = [word.strip(".,!") for word in name.lower().split()]
    return (
        1 < len(name) <= 80
        and len(_LETTER.findall(name)) >= 2
        and len(words) <= 5
        and not re.search(r"[\d/<>{}\[\]@#$%^*=\\|;?]|n't\b", name)
        and not set(words) <= _NO_NAME
        and not (len(words) > 1 and _is_sentence(name, words))
        and not (weak and words[0] in _NOT_AFTER_WEAK | _NO_NAME)
    )


def _is_sentence(name: str, words: list[str]) -> bool:
    """Return whether the words are a sentence's. "My Nguyen" and "No Minwoo" are names."""
    begins = words[0] in {"no", "not", "my", "i"} and not name.istitle()
    return begins or bool(set(words) & _SENTENCE)
