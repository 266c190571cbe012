"""Durations in a message, in days: "3 weeks", "a year and a half", "since March".

Some words leave room ("a few weeks", "March" may be its first or its last day): a duration is at
least and at most so many days, or unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from spinebot.language.word_lines import Line, Span, word_set

Days = tuple[float, float]  # at least, at most


class Duration(NamedTuple):
    """A duration: its tokens, how many days it is if that can be computed, and how it was said."""

    span: Span
    days: Days | None
    since: bool = False
    onset: bool = False  # "yesterday", "2 weeks ago": a moment, not a time


_ONES = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
_NUMBERS: dict[str, Days] = {
    **{word: (at + 1, at + 1) for at, word in enumerate(_ONES.split())},
    **{"a": (1, 1), "an": (1, 1), "half": (0.5, 0.5), "twenty": (20, 20), "thirty": (30, 30)},
    **{"couple": (2, 2), "few": (3, 5), "several": (3, 7)},
}
_UNITS = {
    "hour": 1 / 24, "hours": 1 / 24, "hr": 1 / 24, "hrs": 1 / 24, "day": 1, "days": 1, "night": 1,
    "nights": 1, "week": 7, "weeks": 7, "wk": 7, "wks": 7, "weeek": 7, "weeeks": 7, "wekes": 7,
    "month": 30.4, "months": 30.4, "mo": 30.4, "mos": 30.4, "mth": 30.4, "mths": 30.4,
    "mnths": 30.4, "monts": 30.4, "minute": 1 / 1440, "minutes": 1 / 1440, "mins": 1 / 1440,
    "year": 365, "years": 365, "yr": 365, "yrs": 365, "yeras": 365, "decade": 3650,
    "decades": 3650,
}  # fmt: skip
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_NUMBER = rf"(?:\d+(?:\.\d+)?|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_AMOUNT = re.compile(
    r"(?<!\S)(?:(?:(?P<more>over|more than|at least|longer than)|"
    r"(?P<less>under|less than|almost|nearly|not quite|within)) )?"
    rf"(?P<words>(?:(?P<half>half) (?:an? |of an? )|(?:an? )?(?P<low>{_NUMBER})"
    rf"(?: (?:-|–|to|or|/) (?P<high>{_NUMBER}))?(?: (?P<part>1 ?/ ?2|and an? half))?"
    rf"(?: of)?(?: an?)? ?)(?P<unit>{_UNIT})(?P<more_half> and an? half)?)(?!\S)"
)
_YEARS = re.compile(
    r"(?<!\S)(?:(?:for|over|in|since) (?:so |the last |many |some )*(?P<words>years|decades)(?!\S)"
    r"|(?P<of>years|decades) of (?!age)"
    r"|(?P<life>(?:all (?:my|his|her)|my whole|my entire) life)(?!\S))"
)
_RATE = word_set("hours times once twice minutes days pills mg tablets x nights visits")

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun",
            "july jul", "august aug", "september sept sep", "october oct", "november nov",
            "december dec",
        ), 1
    )
    for name in names.split()
}  # fmt: skip
_SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}
_FEASTS = {
    "christmas": (12, 25),
    "thanksgiving": (11, 26),
    "halloween": (10, 31),
    "new year": (1, 1),
}
_LATELY = {
    "today": 1, "tonight": 1, "this morning": 1, "this afternoon": 1, "yesterday": 2,
    "last night": 2, "the weekend": 8, "this weekend": 8, "last weekend": 14, "this week": 7,
    "last week": 14, "monday": 7, "tuesday": 7, "wednesday": 7, "thursday": 7, "friday": 7,
    "saturday": 7, "sunday": 7,
}  # fmt: skip
_SINCE = re.compile(
    r"(?<!\S)since (?:(?:early|late|mid|about|around|at least|this past|the end of) )*"
    rf"(?P<words>(?P<lately>{'|'.join(_LATELY)})|(?:last )?(?P<month>{'|'.join(_MONTHS)})"
    r"(?: (?:of )?(?P<of>(?:19|20)\d\d|last year))?|(?P<year>(?:19|20)\d\d)"
    r"|(?P<last>last year|last month)"
    rf"|last (?P<season>{'|'.join(_SEASONS)})|(?P<feast>{'|'.join(_FEASTS)})"
    r"|(?:i was )?(?P<life>an? kid|an? child|an? teen(?:ager)?|young|little|\d\d|childhood|birth|"
    r"high school|college|my (?:early |late |mid )?(?:teens|\d0s|twenties|thirties|forties)))(?!\S)"
)
_MOMENT = re.compile(rf"(?<!\S)(?P<words>{'|'.join(_LATELY)})(?!\S)")


def durations(line: Line, today: date) -> Iterator[Duration]:
    """Yield every duration of a message, in no order; none within another."""
    found: list[Duration] = [_since(line, match, today) for match in _SINCE.finditer(line.text)]
    found += [
        Duration(line.tokens(match, match.lastgroup or 0), (730, 36500), since=True)
        for match in _YEARS.finditer(line.text)
    ]
    for match in _AMOUNT.finditer(line.text):
        if not _is_rate(line, match):
            after = line.text.startswith(" ago", match.end())
            found.append(Duration(line.tokens(match, "words"), _days(match), onset=after))
    found += [
        Duration(line.tokens(match, "words"), (0, _LATELY[match["words"]]), onset=True)
        for match in _MOMENT.finditer(line.text)
    ]
    taken: set[int] = set()
    for each in found:
        if taken.isdisjoint(range(*each.span)):
            taken.update(range(*each.span))
            yield each


def _is_rate(line: Line, match: re.Match[str]) -> bool:
    """Whether this is no time but a rate or an age: "8 hours a day", "78 years old"."""
    ahead = line.before(match.start("words"), 1)
    rate = match["low"] in {"a", "an"} and bool(_RATE.intersection(ahead))
    return rate or line.text.startswith((" old", " - old", " of age"), match.end())


def _days(match: re.Match[str]) -> Days | None:
    unit = _UNITS[match["unit"]]
    if match["half"]:
        low = high = 0.5
    else:
        low, high = _value(match["low"])
        if match["high"]:
            high = _value(match["high"])[1]
    half = 0.5 if match["part"] or match["more_half"] else 0
    shift = 1 if match["more"] else -1 if match["less"] else 0
    return (low + half) * unit + shift, (high + half) * unit + shift


def _value(word: str) -> Days:
    return _NUMBERS.get(word) or (float(word), float(word))


def _since(line: Line, match: re.Match[str], today: date) -> Duration:
    return Duration(line.tokens(match, "words"), _ago(match, today), since=True)


def _ago(match: re.Match[str], today: date) -> Days | None:
    """The days since then, at least and at most: "March" may be its first or its last day."""
    if match["lately"]:
        return 0, _LATELY[match["lately"]]
    if match["life"]:
        return 730, 36500
    if match["last"] == "last month":
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        return _between(first, 31, today)
    if match["year"] or match["last"]:
        year = int(match["year"] or today.year - 1)
        return _between(date(year, 1, 1), 366, today) if year <= today.year else None
    if match["feast"]:
        return _between(_latest(*_FEASTS[match["feast"]], today), 1, today)
    if match["season"]:
        return _between(_latest(_SEASONS[match["season"]], 1, today), 92, today)
    first = _latest(_MONTHS[match["month"]], 1, today)
    if match["of"]:
        year = today.year - 1 if match["of"] == "last year" else int(match["of"])
        first = date(year, first.month, 1)
    return _between(first, 31, today) if first <= today else None


def _latest(month: int, day: int, today: date) -> date:
    """The last time that this day was."""
    then = date(today.year, month, day)
    return then if then <= today else then.replace(year=today.year - 1)


def _between(first: date, length: int, today: date) -> Days:
    longest = (today - first).days
    return max(0, longest - length), longest
