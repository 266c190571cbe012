"""The rules file: what it may hold, read, checked and made ready to match."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from spinebot.safety.numbers import NUMBER_TERMS
from spinebot.safety.words import Lexicon

RULES = Path(__file__).parent.with_name("red_flags.yml")
# Words between two words of a sign: for "a b", "a ... b", and on either side for "a & b".
GAP, WIDE_GAP = 2, 7
KINDS = ("symptom", "event", "history", "context", "wish")
PLACES = ("sentence", "message", "conversation")


class Action(str, Enum):
    """What the visitor must do. The more urgent one is the smaller, so it sorts first."""

    CALL_911 = "call_911"
    CALL_988 = "call_988"
    ER_NOW = "er_now"
    DOCTOR_TODAY = "doctor_today"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Action).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Action(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Action(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Action(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Action(other).rank


class RedFlagsError(ValueError):
    """The rules file holds a fault; the message names the entry and the field."""


@dataclass(frozen=True)
class Combination:
    """Signs that lead to an action when all of them are there."""

    signs: tuple[str, ...]
    where: str
    unless: tuple[str, ...]
    names: frozenset[str]  # the signs, to see quickly whether all are there


@dataclass(frozen=True)
class Rule:
    """One red flag."""

    id: str
    name: str
    line: str
    helper_line: str
    always: Action | None  # what is said whatever action wins
    tiers: tuple[tuple[Action, tuple[Combination, ...]], ...]


@dataclass(frozen=True)
class Tier:
    """One combination with the rule that it belongs to; the more urgent has the lower place."""

    place: int
    rule: Rule
    action: Action
    combination: Combination


@dataclass(frozen=True)
class Wording:
    """One way to say a sign: parts in any order, each a row of (term, words allowed before it)."""

    parts: tuple[tuple[tuple[str, int], ...], ...]
    terms: frozenset[str]


@dataclass(frozen=True)
class Sign:
    """What a visitor may say."""

    kind: str
    wordings: tuple[Wording, ...]
    members: tuple[str, ...]  # any one of these makes the sign
    together: tuple[str, ...]  # all of these in one message make the sign
    unless: tuple[str, ...]
    firm: bool  # as a harmless wording: takes a sign away although that is new


@dataclass(frozen=True)
class RuleBook:
    """The rules file, checked and ready to match."""

    rules: tuple[Rule, ...]
    signs: Mapping[str, Sign]
    by_sign: Mapping[str, tuple[Tier, ...]]  # the rarest sign of each combination
    by_term: Mapping[str, tuple[tuple[str, Wording], ...]]  # the rarest term of each wording
    made_of: Mapping[str, tuple[str, ...]]  # for each sign: the signs that it can make
    texts: Mapping[Action, tuple[str, str]]
    information: str
    lexicon: Lexicon


def _field(entry: object, where: str, name: str, kind: type, default: Any = None) -> Any:
    """A field of an entry of the file, of the kind that it must have."""
    if not isinstance(entry, dict):
        raise RedFlagsError(f"{where}: must have fields")
    value = entry.get(name, default)
    if not isinstance(value, kind) or (value in ("", [], {}) and default is None):
        raise RedFlagsError(f"{where}: {name}: must be a filled {kind.__name__}")
    return value


def _strings(entry: object, where: str, name: str, default: Any = None) -> tuple[str, ...]:
    values = _field(entry, where, name, list, default)
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise RedFlagsError(f"{where}: {name}: must be a list of words in quotes: {value!r}")
    return tuple(values)


def _only(entry: object, where: str, names: str) -> None:
    unknown = set(entry) - set(names.split()) if isinstance(entry, dict) else set()
    if unknown:
        raise RedFlagsError(f"{where}: {min(map(str, unknown))}: no such field")


def _known(names: Iterable[str], known: Iterable[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise RedFlagsError(f"{where}: {name!r} is not defined")


def _wording(text: str) -> Wording:
    """Read the notation that the head of the rules file explains."""
    parts = []
    for part in text.split(" & "):
        items: list[tuple[str, int]] = []
        gap = GAP
        for piece in re.findall(r"\{\w+\}|\.\.\.|[^{}.]+", part):
            if piece == "...":
                gap = WIDE_GAP
            elif piece.strip():
                items.append((piece.strip(), gap))
                gap = GAP
        parts.append(tuple(items))
    return Wording(tuple(parts), frozenset(term for part in parts for term, _ in part))


def _sign(name: str, entry: object, terms: Iterable[str]) -> Sign:
    where = f"signs: {name}"
    _only(entry, where, "kind means any of together unless firm")
    _field(entry, where, "means", str)
    kind = _field(entry, where, "kind", str, "symptom")
    _known([kind], KINDS, f"{where}: kind")
    wordings = tuple(_wording(text) for text in _strings(entry, where, "any", []))
    members = _strings(entry, where, "of", [])
    together = _strings(entry, where, "together", [])
    if not (wordings or members or together):
        raise RedFlagsError(f"{where}: any: give any, of or together")
    for wording in wordings:
        used = [term[1:-1] for term in wording.terms if term[0] == "{"]
        _known(used, {*terms, *NUMBER_TERMS}, f"{where}: any")
    unless = _strings(entry, where, "unless", [])
    firm = _field(entry, where, "firm", bool, False)
    return Sign(kind, wordings, members, together, unless, firm)


def _combination(entry: object, where: str, signs: Mapping[str, Sign]) -> Combination:
    _only(entry, where, "all where unless")
    names = _strings(entry, where, "all")
    place = _field(entry, where, "where", str, "conversation")
    unless = _strings(entry, where, "unless", [])
    _known([place], PLACES, f"{where}: where")
    _known([*names, *unless], signs, f"{where}: all")
    return Combination(names, place, unless, frozenset(names))


def _tier(
    entry: object, where: str, signs: Mapping[str, Sign]
) -> tuple[Action, tuple[Combination, ...]]:
    _only(entry, where, "action any")
    action = _field(entry, where, "action", str)
    _known([action], [one.value for one in Action], f"{where}: action")
    entries = _field(entry, where, "any", list)
    return Action(action), tuple(_combination(one, f"{where}: any", signs) for one in entries)


def _rule(id_: str, entry: object, signs: Mapping[str, Sign]) -> Rule:
    _only(entry, id_, "name line helper_line always when sources")
    for source in _field(entry, id_, "sources", list):
        _only(source, f"{id_}: sources", "name url")
        _field(source, f"{id_}: sources", "name", str)
        if not _field(source, f"{id_}: sources", "url", str, "https://").startswith("http"):
            raise RedFlagsError(f"{id_}: sources: url: must start with http")
    tiers = tuple(_tier(one, f"{id_}: when", signs) for one in _field(entry, id_, "when", list))
    if [action for action, _ in tiers] != sorted({action for action, _ in tiers}):
        raise RedFlagsError(f"{id_}: when: the most urgent action must come first, each once")
    name, line, helper = (_field(entry, id_, one, str) for one in ("name", "line", "helper_line"))
    return Rule(id_, name, line, helper, _always(entry, id_), tiers)


def _always(entry: object, id_: str) -> Action | None:
    name = _field(entry, id_, "always", str, "")
    _known([name], ["", *(one.value for one in Action)], f"{id_}: always")
    return Action(name) if name else None


def _action_texts(actions: object, action: Action) -> tuple[str, str]:
    entry, where = _field(actions, "actions", action.value, dict), f"actions: {action.value}"
    _only(entry, where, "text helper_text")
    return _field(entry, where, "text", str), _field(entry, where, "helper_text", str)


def _lexicon(
    terms: Mapping[str, Sequence[str]],
    signs: Iterable[Sign],
    special: Mapping[str, Sequence[str]],
    old_age: int,
    ordinary: Sequence[str],
) -> Lexicon:
    """All terms and all literal words of the signs."""
    wanted = {f"{{{name}}}": tuple(phrases) for name, phrases in terms.items()}
    for sign in signs:
        for wording in sign.wordings:
            wanted.update({term: (term,) for term in wording.terms if term[0] != "{"})
    return Lexicon({**wanted, **special}, old_age, ordinary)


def _by_sign(rules: Sequence[Rule]) -> dict[str, tuple[Tier, ...]]:
    """Each combination under the sign that the fewest of them need."""
    tiers = [
        (rule, action, combination)
        for rule in rules
        for action, combinations in rule.tiers
        for combination in combinations
    ]
    used = Counter(name for _, _, combination in tiers for name in combination.names)
    rows: dict[str, list[Tier]] = {}
    for place, (rule, action, combination) in enumerate(tiers):
        rarest = min(combination.signs, key=lambda name: used[name])
        rows.setdefault(rarest, []).append(Tier(place, rule, action, combination))
    return {name: tuple(row) for name, row in rows.items()}


def _by_term(signs: Mapping[str, Sign]) -> dict[str, tuple[tuple[str, Wording], ...]]:
    """Each wording under one of its terms, so that only those are tried whose term is there.

    The term in the fewest wordings: those in many ("pain", "numb") stand in every other message.
    """
    used = Counter(term for sign in signs.values() for each in sign.wordings for term in each.terms)
    rows: dict[str, list[tuple[str, Wording]]] = {}
    for name, sign in signs.items():
        for wording in sign.wordings:
            rarest = min(sorted(wording.terms), key=lambda term: used[term])
            rows.setdefault(rarest, []).append((name, wording))
    return {term: tuple(row) for term, row in rows.items()}


def _made_of(signs: Mapping[str, Sign]) -> dict[str, tuple[str, ...]]:
    """For each sign, all signs that may be there because it is."""
    direct: dict[str, set[str]] = {}
    for name, sign in signs.items():
        for part in (*sign.members, *sign.together):
            direct.setdefault(part, set()).add(name)
    reached = {}
    for name in direct:
        todo = [name]
        found: set[str] = set()
        while todo:
            new = direct.get(todo.pop(), set()) - found
            found |= new
            todo += new
        reached[name] = tuple(sorted(found))
    return reached


def load(path: Path = RULES) -> RuleBook:
    """Read and check the rules file. Raises RedFlagsError naming the entry and the field."""
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    _only(data, path.name, "actions information rules signs terms idioms old_age ordinary")
    terms = _field(data, path.name, "terms", dict)
    phrases = {name: _strings(terms, "terms", name) for name in terms}
    raw_signs = _field(data, path.name, "signs", dict)
    signs = {name: _sign(name, entry, phrases) for name, entry in raw_signs.items()}
    for name, sign in signs.items():
        used = [*sign.members, *sign.together, *sign.unless]
        _known(used, signs, f"signs: {name}: of, together, unless")
    rules = _field(data, path.name, "rules", dict)
    actions = _field(data, path.name, "actions", dict)
    information = _field(data, path.name, "information", dict)
    special = {
        "topic": _strings(information, "information", "topics"),
        "idiom": _strings(data, path.name, "idioms"),
    }
    old_age = _field(data, path.name, "old_age", int)
    ordinary = _strings(data, path.name, "ordinary")
    checked = tuple(_rule(id_, entry, signs) for id_, entry in rules.items())
    return RuleBook(
        rules=checked,
        signs=signs,
        by_sign=_by_sign(checked),
        by_term=_by_term(signs),
        made_of=_made_of(signs),
        texts={action: _action_texts(actions, action) for action in Action},
        information=_field(information, "information", "line", str),
        lexicon=_lexicon(phrases, signs.values(), special, old_age, ordinary),
    )


book = functools.cache(load)
