"""Which duration says how long the visitor's trouble has lasted: acute, subacute or chronic.

Under 6 weeks is acute, 6 to 12 weeks subacute, over 12 weeks chronic. "Rest for 2 days" and "is 6
weeks enough?" say nothing of it, and what cannot be computed ("for months") gets no bucket.
"""

from __future__ import annotations

import re

from spinebot.language.durations import Days, Duration
from spinebot.language.word_lines import ENDS, Line

ACUTE, SUBACUTE, CHRONIC = BUCKETS = ("acute", "subacute", "chronic")
_ACUTE_BELOW, _CHRONIC_ABOVE = 42, 84  # days

_TROUBLE = (
    r"@trouble|@place|hurt\w*|bother\w*|suffer\w*|deal\w*|struggl\w*|liv(?:ed|ing) with|like this|"
    r"this way|this|it|going on|on and off|off and on|out|stiff\w*|tight\w*|stuck|symptoms?|"
    r"problems?|issues?|bad|worse|back|same|better|flar\w*|lasted|agony"
)
_OTHER = (
    r"@(?:rest|exercise|physical_therapy|medicine|injection|surgery|chiropractic|drug)|taking|took|"
    r"take|taken|on|wear\w*|wore|ice|icing|heat|use|using|used|work|works|worked|working|job|smok\w+|"
    r"drive|driving|drove|sit|sits|sitting|stand|standing|stood|walk|walked|sleep|sleeping|lift\w*|"
    r"marri\w+|pregnant|wait\w*|off|home|away|appointment|mri|scan|x|see|saw|visit\w*|doctor|good|fine|"
    r"free|follow\w*|program|gone|told|wrote|said|called|diagnos\w+|@illness|"
    r"been (?!hurt|bother|suffer|deal|struggl|living with|going|hav|gett|flar)\w+ing"
)
_CUE = re.compile(rf"(?<!\S)(?:(?P<trouble>{_TROUBLE})|(?P<other>{_OTHER}))(?!\S)")
_MODAL = re.compile(
    r"(?<!\S)(?:can|could|will|would|should|may|might|must|do|does|did|shall|normal|how long|if|"
    r"enough|need|needs|until|expect|recover\w*|heal\w*)(?!\S)"
)
_PERFECT = re.compile(
    r"(?<!\S)(?:(?<!to )(?<!should )have|has|had|been|'ve|'s been|still|am)(?!\S)"
)
_STARTED = re.compile(
    r"(?<!\S)(?:start\w*|began|begun|hurt|injur\w+|threw|pulled|tweaked|strained|wrenched|happened|"
    r"fell|slipped|woke|came on|herniated|lifted|popped|went out|gave out|accident|since)(?!\S)"
)
_NOT_BETTER = re.compile(
    r"(?<!\S)(?:still|no better|no improvement|no progress|no change|worse|"
    r"not (?:\w+ ){0,2}(?:better|improv\w+|heal\w*|gone|eas\w+|settl\w+|chang\w+|help\w+)|"
    r"the same|persists?)(?!\S)"
)


def bucket(line: Line, word: int, duration: Duration) -> str | None:
    """Return the bucket of a duration if it says how long the visitor's trouble has lasted.

    line: the message with its durations as ``@duration``; word: the number of this one's word.
    """
    found = _bucket(duration.days)
    return found if found and _is_of_trouble(line, word, duration) else None


def _bucket(days: Days | None) -> str | None:
    if days is None or days[1] < 1:
        return None
    if days[1] < _ACUTE_BELOW:
        return ACUTE
    if days[0] > _CHRONIC_ABOVE:
        return CHRONIC
    return SUBACUTE if days[0] >= _ACUTE_BELOW and days[1] <= _CHRONIC_ABOVE else None


def _is_of_trouble(line: Line, word: int, duration: Duration) -> bool:
    before = " ".join(line.words[_sentence_start(line, word) : word])
    after = _sentence_after(line, word)
    if duration.onset:
        return bool(_STARTED.search(before)) and _nearest(before) != "other"
    if _OF_TROUBLE.match(after):
        return True
    if _OF_OTHER.match(after):
        return False
    going_on = bool(_NOT_BETTER.search(f"{before} {after}"))
    if _AFTER.search(before) or after.startswith("later"):
        return going_on and not _IF.search(before)
    if after.startswith(("and ", "have gone by", "have passed")) and _is_short(before):
        return going_on
    if not (duration.since or _MARKED_BEFORE.search(before) or _MARKED_AFTER.match(after)):
        return False
    return not _is_general(before) and _is_meant(before, after)


_OF_TROUBLE = re.compile(r"of (?:@place |\S+ )?@trouble|of this")
_OF_OTHER = re.compile(r"of |post|out from|or ")
_AFTER = re.compile(r"(?:^| )(?:after|at)(?: @duration)?$")
_IF = re.compile(r"(?<!\S)if(?!\S)")
_MARKED_BEFORE = re.compile(
    r"(?:^| )(?:for|since|over|past|last|about|almost|nearly|on|around|@trouble|@place|been)$"
    r"|(?:^| )been (?:\S+ ){1,2}$"
)
_MARKED_AFTER = re.compile(r"(?:now|already|in with|in and)(?!\S)")


def _is_meant(before: str, after: str) -> bool:
    """Whether the trouble, and not a treatment or a job, is what lasts."""
    nearest = _nearest(before)
    if nearest is not None:
        return nearest == "trouble"
    later = _nearest(" ".join(after.split()[:7]), first=True)
    return later == "trouble" or (
        later is None and (_is_short(before) or bool(_MARKED_AFTER.match(after)))
    )


def _is_short(before: str) -> bool:
    """Whether next to nothing stands before: the duration itself is the message."""
    return len(before.split()) <= 3


def _is_general(before: str) -> bool:
    """Whether the clause asks how long things take: "can it last for years"."""
    modals = list(_MODAL.finditer(before))
    return bool(modals) and not _PERFECT.search(before, modals[-1].end())


def _nearest(words: str, *, first: bool = False) -> str | None:
    cues = list(_CUE.finditer(words))
    return cues[0 if first else -1].lastgroup if cues else None


def _sentence_start(line: Line, word: int) -> int:
    ends = [at for at in range(max(0, word - 25), word) if line.words[at] in ENDS]
    return ends[-1] + 1 if ends else max(0, word - 25)


def _sentence_after(line: Line, word: int) -> str:
    rest = line.words[word + 1 : word + 30]
    ends = [at for at, each in enumerate(rest) if each in ENDS]
    return " ".join(rest[: ends[0]] if ends else rest)
