"""Numbers in a message that mean something: ages, heights, fevers, amounts, weeks of pregnancy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# What stands for these in a wording is a number, not a list of phrases.
NUMBER_TERMS = (
    "number", "many_number", "height", "degrees", "hot_number", "age_50_up", "age_child",
    "age_small", "gestation", "weeks_told",
)  # fmt: skip

Span = tuple[int, int]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "twenty": 20, "thirty": 30, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "fifties": 50, "sixties": 60, "seventies": 70,
    "eighties": 80, "nineties": 90,
}  # fmt: skip
OLD = _set("yo y year years yrs yearold")
AGE_LEADS = _set(
    "am is 's was be age aged turned turning ages nearly almost now just s my her his late "
    "early mid over past"
)
# "77 and getting shorter", "(79)", "mom, 68, fell"
AGE_FOLLOWS = _set(", . ) and f m male female with here lady woman man")
NO_AGE = _set(
    "pounds lbs lb miles mile % percent minutes minute degrees mg hours hour days day weeks week "
    "months dollars feet ft foot mph out / kg times pm am steps reps inches inch km kilos $ bucks "
    "people calories stairs squats : th"
)
AT_AN_AGE = _set("to my i from ? it")
GROWN_UP, SMALL, YOUNGEST_WRITER = 18, 7, 10
CHILDREN = _set("boy girl son daughter nephew niece kid toddler")
HEIGHTS = _set("feet ft foot meters metres meter metre m stories story floors floor")
HEAT_LEADS = _set(
    "was at of hit hits reads says said to up running around been reading over is plus + got"
)
DEGREES = _set("degrees degree c f celsius fahrenheit")
WEATHER = _set("outside weather today's oven water sauna tub")
NO_HEAT = NO_AGE - {"degrees", "out"} | _set("f-150 s year years")
# "took 20 Tylenol": more than four of most pills are more than a dose.
MANY = 5
NOT_PILLS = NO_AGE - {"/"} | _set("years year mgs grams ml")
WEEKS = _set("weeks week wks wk w weeker")
PREGNANCY_LEADS = _set("at am 'm is about around almost nearly just only im")
ENDS = _set(". , ? ! )")


def value(word: str) -> float | None:
    """The number that a word stands for, if it stands for one."""
    if not word.isascii():
        return None
    if word[0].isdigit():
        return float(word) if len(word) < 7 else None
    return WORDS.get(word)


def numbers(words: Sequence[str], old_age: int) -> Iterator[tuple[str, Span]]:
    """The number terms of a message and where they stand."""
    for at, word in enumerate(words):
        found = value(word)
        if found is None:
            continue
        before = words[at - 1] if at else "."
        after = words[at + 1] if at + 1 < len(words) else "."
        span = (at, at + 1)
        yield "number", span
        if after in HEIGHTS and found >= 4:
            yield "height", (at, at + 2)
        if found >= MANY and found == int(found) and after not in NOT_PILLS and before != "$":
            yield "many_number", span
        if before != "$":
            for term in _ages(found, words[max(0, at - 2) : at], words[at + 1 : at + 4], old_age):
                yield term, span
        if after in WEEKS and 4 <= found <= 42:
            following = words[at + 2 : at + 3]
            if _in_pregnancy(before, following):
                yield "gestation", (at, at + 2)
            if before in ENDS or set(following) <= ENDS:
                yield "weeks_told", (at, at + 2)
        if 37.8 <= found <= 41.5 or 99.5 <= found <= 107:
            yield "degrees", span
            if _is_heat(found, before, words[at + 1 : at + 5]):
                yield "hot_number", span


def _ages(found: float, before: Sequence[str], after: Sequence[str], old_age: int) -> Iterator[str]:
    if found != int(found):
        return
    last = before[-1] if before else "."
    if old_age <= found <= 110 and _is_age(last, after):
        yield "age_50_up"
    if 0 < found < GROWN_UP and _is_childs_age(found, before, after):
        yield "age_child"
        if found < SMALL:
            yield "age_small"


def _is_age(before: str, after: Sequence[str]) -> bool:
    following = next((word for word in after if word != "-"), "")
    if following in OLD:
        return True
    if following in NO_AGE or following in WEATHER:
        return False
    if before in AGE_LEADS:
        return True
    if before == "at":
        return following in AGE_FOLLOWS | AT_AN_AGE
    return before in {".", ",", "(", "?", "!"} and following in AGE_FOLLOWS | WORDS.keys()


def _is_childs_age(found: float, before: Sequence[str], after: Sequence[str]) -> bool:
    """A child's age is said with "years", "is" or "boy": "12" alone is too often something else."""
    following = [word for word in after if word != "-"][:2]
    last = before[-1] if before else "."
    if following[:1] and following[0] in OLD:
        return following[1:] == ["old"] or following[0] in {"yo", "yearold"} or last == "aged"
    if following[:1] and following[0] in NO_AGE:
        return False
    if CHILDREN.intersection([*before, *after[:2]]) and {",", "("}.intersection([last, *after[:1]]):
        return True
    if last == "," and after[:1] == [","] and found >= SMALL:
        return True
    if last in {"age", "aged", "turned", "turns"} or (last == "am" and found >= YOUNGEST_WRITER):
        return True
    ends = not following or following[0] in AGE_FOLLOWS
    return (last in {"is", "'s"} or [*before][-2:] == ["is", "only"]) and ends


def _in_pregnancy(before: str, after: Sequence[str]) -> bool:
    return before in PREGNANCY_LEADS and not {"of", "ago", "post", "since"}.intersection(after)


def _is_heat(found: float, before: str, after: Sequence[str]) -> bool:
    following = after[0] if after else "."
    told = found > 99 and (before in HEAT_LEADS or found != int(found))
    told = (told and following not in NO_HEAT) or following in DEGREES
    return told and before != "$" and not WEATHER.intersection(after)
