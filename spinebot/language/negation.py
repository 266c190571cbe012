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

from spinebot.language.cues import (
    ABOUT,
    ACTUAL,
    AFFIRMED,
    ASKER,
    CAN,
    CARRIES_ON,
    CHANGED,
    CLAUSE_QUESTIONS,
    CONDITION,
    CONDITION_ASKS,
    CURRENT,
    DOCTORS_DO,
    DONE,
    ENDS_CLAUSE,
    FAMILY,
    FILLERS,
    FIRST,
    FOLLOWS_ON,
    GENERIC,
    HAD_IT,
    IMAGINED,
    JOINS_CLAUSE,
    LIST_HEADS,
    LONG_KNOWN,
    NEGATORS,
    NO_CONTENT,
    NOT_A_NEGATION,
    NOTHING_NEW,
    PAST,
    PET,
    QUESTION_STARTS,
    REMEDY,
    RESOLVED,
    RETURNED,
    STATES,
    STILL_THEIRS,
    STORY,
    STUDY,
    SUBJECTS,
    THIRD,
    TOPIC,
    WHOSE_THIRD,
    WORRIED,
)
from spinebot.language.cues import RELATIVES as RELATIVES

# A clause or a sentence without a stop is cut here, so that no visitor can make us slow.
LONGEST_CLAUSE = 40
SCOPE = 9  # how many words a "no" reaches


@dataclass(frozen=True)
class Reading:
    """The words of a message with the sentence and clause that each belongs to."""

    words: tuple[str, ...]
    sentences: tuple[int, ...]
    clauses: tuple[int, ...]
    scopes: tuple[int, ...]  # for each word: where the word that denies it stands, or -1
    spans: tuple[tuple[int, int], ...]  # the first and one past the last word of each clause
    asked: tuple[bool, ...]  # for each sentence: it asks, and nobody has the sign
    questions: frozenset[int]  # the clauses that ask by themselves, and name nobody
    _texts: dict[int, str] = field(default_factory=dict, compare=False)
    _told: dict[tuple[int, int], bool] = field(default_factory=dict, compare=False)

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
        key = id(cue), clause  # the cues live as long as the program; hashing one is slow
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
        asked=_asked(words, sentence_spans),
        questions=frozenset(at for at, span in enumerate(spans) if _is_question(words, span)),
    )


def _divide(words: Sequence[str], starts: frozenset[int]) -> tuple[tuple[int, ...], ...]:
    sentences: list[int] = []
    clauses: list[int] = []
    begun, states = 0, False
    for at, word in enumerate(words):
        # "How much is it, also I can't pee": what follows is no part of the question.
        added = word == "also" and at > 0 and words[at - 1] == ","
        new_sentence = at > 0 and (at in starts or added)
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
    if word == "," and words[at + 1 : at + 2] and words[at + 1] in CLAUSE_QUESTIONS:
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
            if clauses[reached] != clauses[at] or _ends_scope(words, at, reached):
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


def _ends_scope(words: Sequence[str], no: int, at: int) -> bool:
    """Whether what a "no" denies ends here: "no cough just a fever", "no fever and my leg is"."""
    if words[at] == "just":
        return at > no + 1
    return words[at] in {"and", "&", "+"} and not LIST_HEADS.intersection(words[at + 1 : at + 4])


def _spans(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    starts = [at for at, one in enumerate(numbers) if at == 0 or one != numbers[at - 1]]
    return tuple(zip(starts, [*starts[1:], len(numbers)], strict=True))


def _asked(words: Sequence[str], spans: Sequence[tuple[int, int]]) -> tuple[bool, ...]:
    """For each sentence whether it asks or imagines, and nothing later says that it is so."""
    asked = []
    for start, end in spans:
        asks = _asks(words[start:end])
        later = " ".join(words[end : end + LONGEST_CLAUSE])
        told = AFFIRMED.search(later) or DONE.search(" ".join(words[start:end]))
        asked.append((asks and not told) or _is_condition(words[start:end]))
    return tuple(asked)


def _is_condition(words: Sequence[str]) -> bool:
    if "if" not in words[:3]:
        return False
    text = " ".join(words[:120])
    hypothetical = CONDITION.search(text) or CONDITION_ASKS.search(text)
    return bool(hypothetical) and not ACTUAL.search(text)


def _is_question(words: Sequence[str], span: tuple[int, int]) -> bool:
    """Whether a clause asks about nobody: "doc wrote S1, what bit of the leg does it go to"."""
    words = words[span[0] : span[1]]
    opening = [word for word in words[:6] if word not in FILLERS][:2]
    asks = bool(opening) and opening[0] in CLAUSE_QUESTIONS
    # "Is a weak calf L5 or S1, I always mix them up": two answers to choose from.
    asks = asks or ("or" in words and opening[:1] in (["is"], ["does"], ["are"]))
    return asks and not _about_somebody(words)


def _about_somebody(words: Sequence[str]) -> bool:
    text = ASKER.sub(" ", " ".join(words[:120]))
    return bool((FIRST | THIRD - GENERIC).intersection(text.split()))


def _asks(words: Sequence[str]) -> bool:
    """A question or request for information in which nobody in particular has the sign."""
    opening = [word for word in words[:8] if word not in FILLERS]
    text = " ".join(words[:120])
    # "Can't pee" opens no question.
    asks = bool(opening) and opening[0] in QUESTION_STARTS and "not" not in opening[1:2]
    asks = asks or bool(ABOUT.search(text)) or ("?" in words and bool(TOPIC.search(text)))
    return asks and not WORRIED.search(text) and not _about_somebody(words)


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
    if is_past(reading, positions) or _was_anothers(reading, clause):
        return True
    around = reading.around(clause)
    used = {reading.words[at] for at in positions}
    if used & {"gone", "went", "can", "goes"}:
        return False
    resolved = any(reading.tells(RESOLVED, one) for one in around)
    return resolved and not any(reading.tells(RETURNED, one) for one in around)


def asks_remedy(reading: Reading, positions: Collection[int]) -> bool:
    """Whether a question asks what helps against the sign, so that somebody has it."""
    return any(
        reading.tells(REMEDY, one)
        for one in {reading.clauses[min(positions)], reading.clauses[max(positions)]}
    )


def is_story(reading: Reading, positions: Collection[int]) -> bool:
    """Whether the sign is one of a film, a book or a pet."""
    clause = reading.clauses[max(positions)]
    sentence = reading.sentences[max(positions)]
    if any(
        reading.tells(STORY, one)
        for one in range(max(0, clause - 3), clause + 2)
        if one < len(reading.spans) and reading.sentences[reading.spans[one][0]] == sentence
    ):
        return True
    if not reading.tells(PET, clause):
        return False
    rest = PET.sub(" ", reading.clause_text(clause)).split()
    return not FIRST.intersection(rest)


def is_past(reading: Reading, positions: Collection[int]) -> bool:
    """Whether the sign is said to be long ago; that it is better now is not asked."""
    clause = reading.clauses[max(positions)]
    if reading.tells(CURRENT, clause):
        return False
    around = reading.around(clause)
    return any(reading.tells(PAST, one) and not reading.tells(CURRENT, one) for one in around)


def _was_anothers(reading: Reading, clause: int) -> bool:
    following = reading.clause_text(clause + 1).split()[:3]
    told = reading.tells(HAD_IT, clause) and not reading.tells(CURRENT, clause)
    return told and "i" in following


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
    return told and not STILL_THEIRS.intersection(later)


def is_study(reading: Reading, positions: Collection[int]) -> bool:
    """Whether a question is about a sign in general ("is suicide more common with back pain?")."""
    last = max(positions)
    about_all = reading.tells(STUDY, reading.clauses[last])
    return about_all and reading.asked[reading.sentences[last]]


def is_asked(reading: Reading, positions: Collection[int]) -> bool:
    """Whether the sign is only asked about or imagined ("what if I can't pee?")."""
    last = max(positions)
    if reading.asked[reading.sentences[last]] or reading.clauses[last] in reading.questions:
        return True
    return reading.tells(IMAGINED, reading.clauses[last])


def is_others(reading: Reading, positions: Collection[int]) -> bool | None:
    """True if a third person has the sign, False if the visitor, None if nobody is named."""
    last = max(positions)
    for at in range(last, max(-1, last - 80), -1):
        word = reading.words[at]
        if word == "they" and reading.words[at + 1] in DOCTORS_DO:
            continue
        if word in THIRD:
            return True
        # "my mom", "my 81 year old mom", "my 17 year old"
        if word in FIRST and not WHOSE_THIRD.intersection(reading.words[at + 1 : at + 5]):
            return False
    return None
