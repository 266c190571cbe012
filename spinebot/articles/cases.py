"""Which of several sections answers a question, given what the visitor has said of themselves.

What was said is a mapping: kind -> values, as in ``{"region": ["neck"]}``; the kinds are those of
``spinebot.language.spine_terms``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Said = Mapping[str, Collection[str]]

# Strongest first: of two sections that fit equally well, the one about the stronger kind answers.
KINDS = (
    *("condition", "age", "prior_surgery", "symptom", "medicine"),
    *("tried", "duration", "level", "region"),
)
# One at a time: who asks about the neck now does not mean the low back of before.
_ONE_AT_A_TIME = {"age", "duration", "level", "region"}
# What changes which answer is safe holds for every question of the conversation.
_LASTING = {
    "condition": {"pregnancy", "pacemaker", "cancer"},
    "medicine": {"blood thinner"},
}
MOST_VALUES = 6


class Case(NamedTuple):
    """A section, and what must have been said for it to answer."""

    section_id: int
    when: Mapping[str, Sequence[str]]


class Choice(NamedTuple):
    """The section chosen, and what was said that made it fit: kind -> value."""

    section_id: int
    because: dict[str, str]


def choose(cases: Iterable[Case], now: Said, before: Said) -> Choice | None:
    """Return the case that fits what was said best, or None where none fits.

    cases: in file order; now: said in this message; before: said earlier, which counts only where
    nothing fits this message (but for what is always kept in mind, such as a pregnancy).
    """
    cases = list(cases)
    lasting = {kind: _LASTING[kind] & set(before.get(kind, ())) for kind in _LASTING}
    for said in (together(lasting, now), together(before, now)):
        fitting = [(case, found) for case in cases if (found := _fits(case.when, said))]
        if fitting:
            case, found = min(fitting, key=lambda each: _rank(each[0].when))
            return Choice(case.section_id, found)
    return None


def is_case(when: Mapping[str, Sequence[str]], said: Said) -> bool:
    """Return whether what was said meets all of ``when``; an empty one is met by everybody."""
    return len(_fits(when, said)) == len(when)


def _fits(when: Mapping[str, Sequence[str]], said: Said) -> dict[str, str]:
    """Return of each kind the value that was said, or nothing where one kind was not met."""
    found = {
        kind: value
        for kind, values in when.items()
        for value in reversed(values)
        if value in said.get(kind, ())
    }
    return found if len(found) == len(when) else {}


def _rank(when: Mapping[str, Sequence[str]]) -> tuple[int, list[int]]:
    """Return a key by which the section that asks for most comes first, then the stronger kind."""
    weights = sorted(KINDS.index(kind) if kind in KINDS else len(KINDS) for kind in when)
    return -len(when), weights


def together(before: Said, now: Said) -> dict[str, list[str]]:
    """Return what was said in all, newest last; of some kinds only the newest counts."""
    kinds = dict.fromkeys([*before, *now])
    return {kind: values for kind in kinds if (values := _values(kind, before, now))}


def _values(kind: str, before: Said, now: Said) -> list[str]:
    new = list(now.get(kind, ()))
    if new and kind in _ONE_AT_A_TIME:
        return new
    return [*(value for value in before.get(kind, ()) if value not in new), *new][-MOST_VALUES:]


def said_in(entities: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return what a message says of its visitor, from the entities found in it."""
    said: dict[str, list[str]] = {}
    for entity in entities:
        kind, value = entity.get("entity"), entity.get("value")
        if kind in KINDS and isinstance(value, str) and value not in said.setdefault(kind, []):
            said[kind].append(value)
    return said
