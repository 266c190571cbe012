"""Short messages that only make sense after an answer, and messages that ask two things.

Rules over words, no model: what comes of them is judged by the intent classifier
(``spinebot.bot.understanding``).
"""

from __future__ import annotations

import re

# What the bot did last, as the domain names it: a message may lean on an answer, and to the form's
# question it is one.
ANSWERS = frozenset({"action_answer_question", "action_tell_more", "action_explain_report"})
FORM = "mri_review_form"
LONGEST_FOLLOW_UP = 9  # words
SHORTEST_QUESTION = 2  # words

# "and surgery?", "what about the neck?"
_LEADS = re.compile(
    r"^(and|or|but|also|plus|so|then|ok(ay)?( and| so)?|what about|how about|what if|what else|"
    r"for how long|since when|is it|is that|does it|does that|do they|are they|can it|will it|"
    r"how long|how often|how much|how many|how soon|when|where|who|why|which)\b",
    re.IGNORECASE,
)
# "is it safe", "how long does that last"
_REFERS = re.compile(
    r"\b(it|its|it's|that|thats|this|these|those|them|they|there|one|ones|the same)\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"^(please )?(can you |could you )?("
    r"(tell|give|show|say|explain|know|hear|read)( me)?( a (bit|little))? more\b.*|"
    r"say (a bit|a little|some) more.*|more( please| details?| info(rmation)?| on (it|that))?|"
    r"go on|keep going|continue|why( (is )?(it|that|there|so))?|how so|how come|"
    r"(ok |okay )?(anything|what|something) (else|more)( to know)?|"
    r"i (didn'?t|did not|don'?t) (get|understand) (that|it).*|explain (it|that)?( further| again)?|"
    r"what do you mean|what does that mean|elaborate|details?)( please)?$",
    re.IGNORECASE,
)
# Where one question ends and the next begins.
_JOINTS = re.compile(
    r"(?<=[?.!;]) | ?[;+] ?| ?,? (?:and|also|plus|or|but) (?:also )?|"
    r" ?, (?=(?:what|how|when|where|who|why|is|are|do|does|can|should|will|would)\b)",
    re.IGNORECASE,
)


def is_follow_up(text: str) -> bool:
    """Return whether a message leans on what was said before."""
    words = text.split()
    if not words or len(words) > LONGEST_FOLLOW_UP:
        return False
    return bool(_LEADS.match(text.strip()) or _REFERS.search(text))


def asks_for_more(text: str) -> bool:
    """Return whether a message wants to hear more of the same: "why?", "tell me more"."""
    return bool(_MORE.match(text.strip().rstrip("?.! ")))


def cuts(text: str) -> list[tuple[str, str]]:
    """Return every way to cut a message into two that may be questions, from left to right."""
    # The joints know of one blank only: over a run of them a pattern can take minutes.
    text = " ".join(text.split())
    found = []
    for joint in _JOINTS.finditer(text):
        first, second = text[: joint.start()].strip(" ,"), text[joint.end() :].strip(" ,")
        if min(len(first.split()), len(second.split())) >= SHORTEST_QUESTION:
            found.append((first, second))
    return found


def refers_back(text: str) -> bool:
    """Return whether a part of a message needs the part before it to be understood."""
    return bool(_REFERS.search(text))
