"""What is said in the form beside answers: questions, "skip this", "go back", "I mistyped".

Only words are looked at here. Whether what should stand instead of an answer can be used is
decided by the readers in ``spinebot.intake.answers``.
"""

from __future__ import annotations

import re
import string

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
LEAD = re.compile(rf"^(?:(?:{_INTERJECTION}|{_WISH}){_SPACE})+", re.I)
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
IS_WRONG = (
    r"(?:all |completely |totally |still )?(?:wrong|incorrect|not (?:right|correct)|misspell?ed"
    r"|misspelt|mistyped|outdated|(?:a )?mistake|(?:a )?typo|(?:an )?error)"
)
SLIP = r"(?:misspell?ed|misspelt|mistyped|misspoke|miswrote|messed up|mixed up|screwed up)"
_MISTAKE = re.compile(
    rf"(?:(?:this|that|it|which)(?:'?s| is| was)? )?{IS_WRONG}"
    r"|(?:this|that|it) (?:isn|wasn)'?t (?:right|correct|what i (?:meant|said))"
    r"|(?:i|i've|i have) (?:just )?(?:made|make) an? (?:mistake|typo|error)(?: there)?"
    rf"|(?:i|i've|i have) (?:just )?{SLIP}(?: (?:this|that|it|something))?"
    r"|i (?:got|typed|entered|wrote|put|said) (?:this|that|it)(?: in)? wrong"
    r"|wrong (?:one|answer)|oops|whoops",
    re.I,
)
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


def without_interjections(text: str) -> str:
    """Return ``text`` without "oh", "wait," and the like before it."""
    return _INTERJECTIONS.sub("", text) or text


def bare(text: str) -> str:
    """Return ``text`` without what is polite around it: "could you please ... for me"."""
    text = _without_trail(text)
    return LEAD.sub("", text) or text


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
