"""Is a sign that a visitor names really there, now, and whose is it?

A symptom word is no symptom when it is denied ("no numbness"), over ("had it in 2015"), asked
about ("can a disc cause numbness?") or imagined ("what if I can't pee?"). The rules come from
the clinical facts sheet, section 26; where the wording leaves a doubt, the sign stands.

Everything here works on the words of one message, lower-case and with contractions opened
("cant" is "can", "not"), cut into sentences and clauses.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

# A clause or a sentence without a stop is cut here, so that no visitor can make us slow.
LONGEST_CLAUSE = 40
SCOPE = 9  # how many words a "no" reaches


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _cue(*phrases: str) -> re.Pattern[str]:
    """Phrases (regular expressions over words) that must stand as whole words."""
    return re.compile(r"(?<!\S)(?:" + "|".join(phrases) + r")(?!\S)")


ENDS_CLAUSE = _set(
    "but however though although except yet because while whereas plus ; : ( ) - – —"
)
JOINS_CLAUSE = _set(", and / & + then")
NO_CONTENT = JOINS_CLAUSE | ENDS_CLAUSE
SUBJECTS = _set("i it he she they we")
# After these words "i" or "he" carries the clause on: "when i wipe", "since he fell".
CARRIES_ON = _set(
    "when if that while after since until where how what than like as before think feel feels "
    "believe say said know can could do does did am is are was should will would have had why "
    "time once so not and , no"
)
STATES = _set(
    "is are was were am be been feel feels felt hurt hurts hurting went go goes got get gets has "
    "have had can could do does did ache aches aching pain numb numbness weak weakness tingling "
    "tingles leaking fell keep keeps kept lost started 'm 're 've fever chills sore killing"
)
NEGATORS = _set("no not never without none neither nor denies denied denying deny negative free")
# "no longer", "not sure", "no idea": the words that follow are not denied.
NOT_A_NEGATION = _set(
    "longer idea doubt matter relief improvement better wonder way only just sure certain know "
    "getting going stopping improving helping sleeping slept working eating enough well "
    "i my he she his her it they can could help helped sleep work stop stopped normal"
)
CAN = _set("can could will would 'll ca wo")
LIST_HEADS = _set("problem problems issue issues trouble troubles change changes symptoms control")
NOTHING_NEW = _set("no none nope negative absent nothing never")

YEAR = r"(?:19|20)\d\d"
PAST = _cue(
    rf"in {YEAR}",
    rf"back in {YEAR}",
    r"(?:years?|yrs?|decades?) ago",
    r"last year",
    r"long (?:time )?ago",
    r"as a (?:kid|child|teen|teenager|baby)",
    r"when (?:i|he|she) was (?:a |an )?(?:kid|child|teen|teenager|young|younger|little|\d+)",
    r"(?<!than i )(?<!like i )used to (?:have|get|be|feel|go)",
    r"in the past",
    r"back then",
    r"old (?:injury|accident|crash|fall)",
    r"in (?:college|high school|childhood)",
)
CURRENT = _cue(
    "now", "still", "again", "today", "tonight", "currently", "worse", "worsening", "since",
    "lately", "recently", "new", "yesterday", "this morning", "suddenly", "sudden", "right now",
    "came back", "can not", "more and more", "getting", "changed", "different", "spreading",
)  # fmt: skip
# "Weak since my operation 8 years ago, no change": known, however often "since" is said.
LONG_KNOWN = _cue(
    r"(?:years?|decades?) ago", r"for (?:\w+ )?(?:years|decades)", "all my life", "unchanged",
    "no (?:new )?change", "same as (?:ever|always|usual)", "not changed", "has always been",
    "years and years", "longstanding", "long standing",
)  # fmt: skip
CHANGED = _cue(
    "now", "today", "tonight", "worse", "worsening", "yesterday", "this (?:morning|week)",
    "sudden(?:ly)?", "spreading", "changed(?! at all)", "lately", "recently", "different",
)  # fmt: skip
RESOLVED = _cue(
    r"(?:is|are|was|were|'s|now|all|has|have) (?:all |now |completely )?"
    r"gone(?! (?:numb|dead|weak|limp|to sleep))",
    r"gone (?:now|in|after|within|away)",
    r"goes away",
    r"went away",
    r"resolved",
    r"cleared(?: up)?",
    r"clears(?: up)?",
    r"back to normal",
    r"(?:fully |completely )?recovered",
    r"disappeared",
    r"(?:is|are|got|'s) (?:all |much |fully )?better(?: now)?",
    r"passes in (?:a )?(?:few )?(?:minutes?|seconds?)",
    r"healed",
    r"(?:was|were|is|are|'s|came back|turned out) (?:all )?(?:normal|negative)",
    r"(?:is|are|am|'s) (?:all |totally |doing )?(?:fine|good|ok|okay|great) now",
    r"(?:check(?:ed|s)?|test(?:ed|s)?|screen(?:ed|s)?|look(?:ed|s)?) for",
    r"ruled (?:it )?out",
)
RETURNED = _cue("back again", "came back", "again", "returned", "worse", "still", "not gone")
FOLLOWS_ON = _set(
    "he she everything all it they that this which gone clears cleared goes went unchanged "
    "same for only all passes"
)
FAMILY = _cue(
    "family history", "in my family", "in the family", "in our family", "runs in", "hereditary"
)
RELATIVES = _set(
    "mom mum mother mommy mama mam dad father daddy papa husband wife spouse partner boyfriend "
    "girlfriend son daughter kid kids child children baby toddler teen teenager brother sister "
    "grandma grandmother granny nana gran grandpa grandfather granddad grandad uncle aunt cousin "
    "friend neighbor neighbour coworker roommate fiance fiancee patient hubby buddy nephew niece "
    "grandson granddaughter stepdad stepmom"
)
THIRD = RELATIVES | _set("he she his her him hers they their them someone somebody")
# "What should people do when they can't pee?" is about nobody.
GENERIC = _set("they them their someone somebody patient child children")
FIRST = _set("i me my mine myself we us our im")

QUESTION_STARTS = _set(
    "what when why how which who where can could does do is are will would should "
    "explain define list describe whats"
)
FILLERS = _set("hi hello hey so and ok okay but please also just well , thanks um")
# The visitor who asks is named here without owning the sign.
ASKER = _cue(
    r"tell me", r"i (?:just )?(?:want|need|would like) to (?:know|learn|understand|ask)",
    r"i (?:am|'m) (?:just )?(?:curious|wondering|asking)", r"i (?:was )?wonder(?:ing)?",
    r"should i (?:know|worry|call|go|see|be|get|look|seek|watch|do)",
    r"do i (?:need|have to|know|tell|call|see|get)", r"would i know", r"will i know",
    r"can i (?:ask|tell|know)", r"let me know", r"give me", r"teach me", r"read me",
    r"i (?:have|had|'ve got|got) a question", r"my question", r"help me understand",
    r"should i", r"can we talk", r"how (?:do|can|should|could|would) i",
)  # fmt: skip
ABOUT = _cue(
    r"(?:signs?|symptoms?|meaning|definition|causes?) (?:of|for)", r"what (?:is|are|does|causes?)",
    r"difference between", r"question about", r"read (?:about|that)", r"article (?:on|about)",
    r"information (?:on|about)", r"info (?:on|about)", r"learn about", r"i (?:am|'m) wondering",
    r"i was wondering", r"i wonder", r"(?:want|like) to know", r"tell me (?:about|what|how|when)",
)  # fmt: skip
# "Is it normal to be numb there?" is how people say that they are.
WORRIED = _cue(
    r"(?:is|are) (?:it|this|that|these) (?:\w+ )?(?:normal|ok|okay|bad|serious|dangerous|common)",
    r"normal to",
)
IMAGINED = _cue(
    r"what if", r"in case", r"what (?:happens|would happen|will happen) (?:if|when)",
    r"if i (?:ever|get|start|lose|become|develop|were|was|had|do)", r"how would i know",
    r"(?:can|could|will|would|might|may) (?:i|he|she|it|this|that) "
    r"(?:ever |eventually |also |really |be |make |cause |leave )*"
    r"(?:me |him |her )?(?:get|lose|become|end|go|develop|cause|lead|paralyzed|paralysed)",
    r"(?:afraid|scared|fear|worried|risk|chance|chances|odds) (?:of|about)",
    r"(?:prevent|avoid|avoiding|preventing)",
    r"do not want to (?:get|become|end|be|lose)",
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """The words of a message with the sentence and clause that each belongs to."""

    words: tuple[str, ...]
    sentences: tuple[int, ...]
    clauses: tuple[int, ...]
    scopes: tuple[int, ...]  # for each word: where the word that denies it stands, or -1
    spans: tuple[tuple[int, int], ...]  # the first and one past the last word of each clause
    asked: tuple[bool, ...]  # for each sentence: it asks, and nobody has the sign
    _texts: dict[int, str] = field(default_factory=dict, compare=False)
    _told: dict[tuple[re.Pattern[str], int], bool] = field(default_factory=dict, compare=False)

    def clause_text(self, clause: int) -> str:
        """The words of one clause, or nothing for a clause that is not there."""
        if not 0 <= clause < len(self.spans):
            return ""
        if clause not in self._texts:
            start, end = self.spans[clause]
            self._texts[clause] = " ".join(self.words[start:end])
        return self._texts[clause]

    def tells(self, cue: re.Pattern[str], clause: int) -> bool:
        """Whether a cue stands in a clause."""
        key = cue, clause
        if key not in self._told:
            self._told[key] = bool(cue.search(self.clause_text(clause)))
        return self._told[key]

    def says_more(self, clause: int) -> bool:
        """Whether the next clause only says more about this one."""
        following = self.clause_text(clause + 1).split()
        words = [word for word in following if word not in NO_CONTENT]
        return bool(words) and (words[0] in FOLLOWS_ON or not STATES.intersection(words))

    def around(self, clause: int) -> tuple[int, ...]:
        """A clause together with the next one when that only says more about it."""
        return (clause, clause + 1) if self.says_more(clause) else (clause,)


def read(words: Sequence[str], starts: Collection[int]) -> Reading:
    """Words and the positions at which sentences start, made into a Reading."""
    sentences, clauses = _divide(words, frozenset(starts))
    spans = _spans(clauses)
    sentence_spans = _spans(sentences)
    return Reading(
        words=tuple(words),
        sentences=sentences,
        clauses=clauses,
        scopes=_scopes(words, clauses),
        spans=spans,
        asked=tuple(_asks(words[start:end]) for start, end in sentence_spans),
    )


def _divide(words: Sequence[str], starts: frozenset[int]) -> tuple[tuple[int, ...], ...]:
    sentences: list[int] = []
    clauses: list[int] = []
    begun, states = 0, False
    for at, word in enumerate(words):
        new_sentence = at in starts and at > 0
        if at and (new_sentence or at - begun >= LONGEST_CLAUSE or _splits(words, at, states)):
            begun, states = at, False
        states = states or word in STATES
        sentences.append((sentences[-1] if sentences else 0) + new_sentence)
        clauses.append((clauses[-1] if clauses else 0) + (begun == at and at > 0))
    return tuple(sentences), tuple(clauses)


def _splits(words: Sequence[str], at: int, states: bool) -> bool:
    """Whether a new clause starts here; `states` says that the clause so far says something."""
    word = words[at]
    if word in ENDS_CLAUSE:
        return True
    if not states:
        return False
    if word == ",":
        return not _closes_list(words, at)
    if word in JOINS_CLAUSE:
        ahead = words[at + 1 : at + 5]
        return bool(STATES.intersection(ahead)) and not LIST_HEADS.intersection(ahead[:3])
    return word in SUBJECTS and words[at - 1] not in CARRIES_ON


def _closes_list(words: Sequence[str], at: int) -> bool:
    """Whether a comma stands in a list that ends in "or": "no numbness, tingling or weakness"."""
    for word in words[at + 1 : at + 10]:
        if word in {"or", "nor"}:
            return True
        if word in SUBJECTS | CAN | ENDS_CLAUSE or word in {"my", "and", "."}:
            return False
    return False


def _scopes(words: Sequence[str], clauses: Sequence[int]) -> tuple[int, ...]:
    scopes = [-1] * len(words)
    for at, word in enumerate(words):
        if word not in NEGATORS or not _denies(words, at):
            continue
        for reached in range(at + 1, min(at + 1 + SCOPE, len(words))):
            if clauses[reached] != clauses[at] or _and_ends(words, reached):
                break
            scopes[reached] = at
    return tuple(scopes)


def _denies(words: Sequence[str], at: int) -> bool:
    """Not "can't" (part of the sign), nor "no longer", "not sure", "no, my leg is numb"."""
    before = words[at - 1] if at else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    if words[at] in {"free", "negative"}:
        return after in {"of", "for"}
    return before not in CAN and after not in NOT_A_NEGATION


def _and_ends(words: Sequence[str], at: int) -> bool:
    return words[at] in {"and", "&", "+"} and not LIST_HEADS.intersection(words[at + 1 : at + 4])


def _spans(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    starts = [at for at, one in enumerate(numbers) if at == 0 or one != numbers[at - 1]]
    return tuple(zip(starts, [*starts[1:], len(numbers)], strict=True))


def _asks(words: Sequence[str]) -> bool:
    """A question or request for information in which nobody in particular has the sign."""
    opening = [word for word in words[:8] if word not in FILLERS]
    text = " ".join(words[:120])
    # "Can't pee" opens no question.
    asks = bool(opening) and opening[0] in QUESTION_STARTS and "not" not in opening[1:2]
    if not (asks or ABOUT.search(text)) or WORRIED.search(text):
        return False
    return not (FIRST | THIRD - GENERIC).intersection(ASKER.sub(" ", text).split())


def is_denied(reading: Reading, positions: Collection[int]) -> bool:
    """Whether the sign made of these words is negated ("no numbness", "numbness: none").

    A sign that holds its own "not" ("can't pee", "no feeling") is never negated from outside:
    people who say "I don't have no feeling" mean that it is numb.
    """
    if any(reading.words[at] in NEGATORS for at in positions):
        return False
    if any(reading.scopes[at] >= 0 for at in positions):
        return True
    end = max(positions) + 1
    rest = [word for word in reading.words[end : end + 4] if word not in {":", ",", "?", "-", "–"}]
    answered = bool(rest) and rest[0] in NOTHING_NEW and reading.words[end] not in NOTHING_NEW
    return answered and (len(rest) == 1 or not rest[1].isalpha())


def is_over(reading: Reading, positions: Collection[int]) -> bool:
    """Whether the sign is past or resolved ("had it in 2015", "it went away")."""
    clause = reading.clauses[max(positions)]
    if reading.tells(PAST, clause) and not reading.tells(CURRENT, clause):
        return True
    around = reading.around(clause)
    used = {reading.words[at] for at in positions}
    if used & {"gone", "went", "can", "goes"}:
        return False
    resolved = any(reading.tells(RESOLVED, one) for one in around)
    return resolved and not any(reading.tells(RETURNED, one) for one in around)


def is_new(reading: Reading, clause: int) -> bool:
    """Whether a clause says that the sign is new or worse, and not that it is long known."""
    if reading.tells(LONG_KNOWN, clause) or reading.tells(LONG_KNOWN, clause + 1):
        return reading.tells(CHANGED, clause) or reading.tells(CHANGED, clause + 1)
    return reading.tells(CURRENT, clause)


def is_family(reading: Reading, positions: Collection[int]) -> bool:
    """Whether an illness is family history ("my mother had cancer") and not the visitor's."""
    clause = reading.clauses[min(positions)]
    if reading.tells(FAMILY, clause):
        return True
    start, end = reading.spans[clause]
    words = reading.words[start:end]
    later = reading.words[end : end + LONGEST_CLAUSE]
    told = bool(RELATIVES.intersection(words)) and bool({"had", "died"}.intersection(words))
    return told and not {"he", "she", "his", "her", "their"}.intersection(later)


def is_asked(reading: Reading, positions: Collection[int]) -> bool:
    """Whether the sign is only asked about or imagined ("what if I can't pee?")."""
    last = max(positions)
    if reading.asked[reading.sentences[last]]:
        return True
    return reading.tells(IMAGINED, reading.clauses[last])


def is_others(reading: Reading, positions: Collection[int]) -> bool | None:
    """True if a third person has the sign, False if the visitor, None if nobody is named."""
    last = max(positions)
    for at in range(last, max(-1, last - 80), -1):
        word = reading.words[at]
        if word in THIRD:
            return True
        # "my mom", "my 81 year old mom"
        if word in FIRST and not RELATIVES.intersection(reading.words[at + 1 : at + 5]):
            return False
    return None
