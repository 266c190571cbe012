"""Whose back it is: a teen's or an older adult's, and on which side it hurts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spinebot.language.negation import RELATIVES
from spinebot.language.word_lines import Line, Span

TEEN, OLDER = "teen", "older adult"
_YOUNGEST, _OLDEST_TEEN, _OLDER_FROM = 5, 19, 65  # years

_NO_AGE = (
    r"(?! (?:years? ago|weeks?|wks?|days?|months?|hours?|hrs?|minutes?|mins?|percent|%|pounds|lbs|"
    r"kg|miles|mg|feet|ft|inches|steps|times|\.|/|-|to) ?)"
)
_IS = (
    r"(?:i am|i 'm|im|he is|she is|he 's|she 's|who is|who 's|is now|aged|age|turned|turning|"
    rf"(?:{'|'.join(sorted(RELATIVES))}) (?:is|'s))(?: (?:now|almost|already|only|just|nearly))?"
)
_NUMBER_WORDS = (
    r"(?P<teen>thirteen|fourteen|fifteen|sixteen|seventeen)|(?P<tens>seventy|eighty|ninety)"
    r"(?: (?:- )?(?:one|two|three|four|five|six|seven|eight|nine))?"
)
_AGE = re.compile(
    r"(?<!\S)(?:"
    r"(?P<old>\d{1,3}) ?-? ?(?:years?|yrs?|yr|y) ?-? ?/? ?(?:old|o|olds)"
    r"(?! (?:injury|back|surgery|disc|disk|scan|mri|fusion|accident|herniat\w+|bulg\w+)(?!\S))"
    r"|(?P<short>\d{1,3}) ?(?:yo|y/o|years? of age|years)(?= |$)(?<!\d years)"
    rf"|{_IS} (?:{_NUMBER_WORDS})(?! (?:or|to|weeks|days|months|hours|percent|pounds))"
    rf"|{_IS} (?P<plain>\d{{2,3}})(?! ?- ?\d){_NO_AGE}(?!\S*[:%])"
    r"|in (?:my|his|her|their) (?:early |late |mid |mid - )?"
    r"(?:(?P<decade>60|70|80|90)s?|(?P<decades>seventies|eighties|nineties))"
    r")(?!\S)"
)
_CHILD = re.compile(
    r"(?<!\S)my (?:\S+ )?(?P<child>son|daughter|kid|boy|girl|grandson|granddaughter|nephew|niece)"
    r"(?: '?s)?(?= (?:(?![.!?])\S+ ){0,6}?(?:plays?|football|soccer|gymnast\w*|cheer\w*|volleyball|"
    r"basketball|baseball|hockey|dance\w*|ballet|wrestl\w*|swim team|school|backpack|practice|"
    r"coach|growth spurt|growing pains|growing|8th|9th|10th|11th|12th)(?!\S))"
)
_PARTS = (
    "leg legs arm arms hand hands foot feet hip hips knee knees calf calves thigh thighs shoulder "
    "shoulders buttock buttocks butt glute side sides sided toe toes wrist elbow ankle shin "
    "hamstring thumb neck lower upper low big buttcheek cheek forearm fingers finger"
)
_PART = rf"(?:{_PARTS.replace(' ', '|')})"
_SIDE = re.compile(
    rf"(?<!\S)(?P<side>left|right|lt|rt|l|r)(?= (?:- )?{_PART}(?!\S))"
    r"|(?<!\S)(?:on|to|down|in) (?:the|my|his|her) (?P<side2>left|right)(?= ?(?:[.,!?]|and|$|when))"
    r"|(?<!\S)(?P<side3>left|right)"
    r"(?= (?:- )?(?:paracentral|foraminal|subarticular|sided|lateral)(?!\S))"
    rf"|(?<!\S)(?P<both>both)(?= (?:of )?(?:my |his |her |the )?{_PART}(?!\S))"
    r"|(?<!\S)(?P<both2>bilateral|bilaterally|both sides|either side)(?!\S)"
)


def ages(line: Line) -> Iterator[tuple[str, Span]]:
    """Yield "teen" or "older adult", each with the tokens that say so."""
    for match in _AGE.finditer(line.text):
        years = _years(match)
        if _YOUNGEST <= years <= _OLDEST_TEEN:
            yield TEEN, line.tokens(match)
        elif _OLDER_FROM <= years <= 110:
            yield OLDER, line.tokens(match)
    for match in _CHILD.finditer(line.text):
        yield TEEN, line.tokens(match, "child")


def is_of_middle_age(line: Line) -> bool:
    """Whether somebody's age is given who is neither a teen nor an older adult."""
    return any(_OLDEST_TEEN < _years(match) < _OLDER_FROM for match in _AGE.finditer(line.text))


def _years(match: re.Match[str]) -> int:
    if match["teen"]:
        return 15
    if match["decades"] or match["tens"]:
        return 70
    if match["decade"]:
        return max(65, int(match["decade"]))
    return int(match["old"] or match["short"] or match["plain"])


def sides(line: Line) -> Iterator[tuple[str, Span]]:
    """Yield "left", "right" or "both"; "right now" is no side."""
    for match in _SIDE.finditer(line.text):
        group = next(name for name, value in match.groupdict().items() if value)
        word = match[group]
        value = "both" if group.startswith("both") else "left" if word[0] == "l" else "right"
        yield value, line.tokens(match, group)
