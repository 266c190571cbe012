"""Which rules are met by a message and the ones before it, and what is said then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from spinebot.safety.examples import usual_actions
from spinebot.safety.rules import Action, Combination, Tier, book
from spinebot.safety.signs import MESSAGES, Seen, Sightings, analyse


@dataclass(frozen=True)
class Finding:
    """A red flag that is met."""

    rule: str
    name: str
    action: Action
    evidence: tuple[str, ...]  # the words that fired
    helper: bool  # said about a third person


def check(text: str, earlier: Sequence[str] = ()) -> list[Finding]:
    """The red flags that `text` meets, most urgent first.

    `earlier` holds the visitor's earlier messages, oldest first: a sign there counts together
    with one in `text`. What the earlier messages met already is not met again; a rule is met
    again when `text` adds a sign that makes another of its combinations whole. Source: facts
    sheet, section 26.
    """
    now = analyse(text).seen
    if not now:
        # A rule needs a sign of the newest message.
        return []
    told = [*_apply(now)]
    if earlier:
        joined = _merge([now, *map(_as_earlier, earlier)])
        told += _apply(joined, known=_merge([analyse(message).seen for message in earlier]))
    found: dict[str, Finding] = {}
    for finding in sorted(told, key=lambda one: one.action):
        found.setdefault(finding.rule, finding)
    return sorted(found.values(), key=_urgency)


def _urgency(finding: Finding) -> tuple[Action, bool, str]:
    """Sorts the most urgent first, and of two that are as urgent the one about despair."""
    return finding.action, not _shows_988(finding), finding.rule


def _shows_988(finding: Finding) -> bool:
    rule = next((rule for rule in book().rules if rule.id == finding.rule), None)
    return Action.CALL_988 in (finding.action, rule.always if rule else None)


def despair(findings: Sequence[Finding]) -> Finding | None:
    """The finding for which 988 must be shown whatever else is urgent, if there is one."""
    return next((each for each in findings if _shows_988(each)), None)


def name_of(rule: str) -> str:
    """Return what a rule is called; its number where the rules have it no longer."""
    return next((each.name for each in book().rules if each.id == rule), rule)


def by_example(rule: str) -> Finding | None:
    """The finding where the detector alone takes a message for a report of `rule`.

    None for a rule that does not exist: the model was trained with other rules than these.
    """
    found = next((each for each in book().rules if each.id == rule), None)
    action = usual_actions().get(rule)
    if found is None or action is None:
        return None
    return Finding(found.id, found.name, action, evidence=(), helper=False)


def warning(findings: Sequence[Finding]) -> str:
    """The emergency words for the most urgent finding; nothing if there is none."""
    if not findings:
        return ""
    first = min(findings, key=_urgency)
    rule = next(rule for rule in book().rules if rule.id == first.rule)
    own, helper = book().texts[first.action]
    said = f"{rule.helper_line} {helper}" if first.helper else f"{rule.line} {own}"
    in_despair = despair(findings)
    if in_despair is not None and first.action is not Action.CALL_988:
        # Whatever else is urgent, who wants to die is told where to turn.
        said = f"{said}\n\n{book().texts[Action.CALL_988][in_despair.helper]}"
    return said


def information_line(text: str) -> str | None:
    """The line to add to an answer about an emergency that nobody seems to have, or None."""
    analysis = analyse(text)
    # A single sign is no emergency: "why do discs cause spasms?" asks about none.
    asks = analysis.names_emergency or any(_apply(analysis.imagined))
    return book().information if asks and not check(text) else None


@lru_cache(maxsize=MESSAGES)
def _as_earlier(text: str) -> Sightings:
    """The signs in a message that is not the newest any more."""
    seen = analyse(text).seen
    return {name: [replace(one, current=False) for one in found] for name, found in seen.items()}


def _merge(messages: Iterable[Sightings]) -> dict[str, list[Seen]]:
    merged: dict[str, list[Seen]] = {}
    for seen in messages:
        for name, found in seen.items():
            merged.setdefault(name, []).extend(found)
    return merged


def _apply(seen: Sightings, known: Sightings | None = None) -> Iterator[Finding]:
    """For each rule the most urgent tier that is met, and was not met by what is known."""
    done = set()
    for tier in _possible(seen):
        if tier.rule.id in done:
            continue
        chosen = _met(tier.combination, seen)
        if not chosen or not any(one.current for one in chosen):
            continue
        if known and _met(tier.combination, known):
            continue
        done.add(tier.rule.id)
        evidence = tuple(dict.fromkeys(one.evidence for one in chosen))
        helper = any(one.others for one in chosen)
        yield Finding(tier.rule.id, tier.rule.name, tier.action, evidence, helper)


def _possible(seen: Sightings) -> list[Tier]:
    """The combinations of which all signs are there, the more urgent of a rule first."""
    by_sign, names = book().by_sign, seen.keys()
    tiers = [
        tier for name in names for tier in by_sign.get(name, ()) if tier.combination.names <= names
    ]
    return sorted(tiers, key=lambda tier: tier.place)


def _met(combination: Combination, seen: Sightings) -> list[Seen] | None:
    """One sighting for each sign of the combination, all about the same person."""
    if not combination.names <= seen.keys():  # what is known holds fewer signs
        return None
    if any(name in seen for name in combination.unless):
        return None
    groups = [seen]
    if combination.where == "sentence":
        groups = _by_sentence(combination, seen)
    for group in groups:
        for person in (False, True):
            if chosen := _chosen(combination, group, person):
                return chosen
    return None


def _by_sentence(combination: Combination, seen: Sightings) -> list[Sightings]:
    """The signs of the combination, gathered for each sentence that has the first one."""
    groups: dict[int, dict[str, list[Seen]]] = {}
    for name in combination.signs:
        for one in seen[name]:
            groups.setdefault(one.sentence, {}).setdefault(name, []).append(one)
    return [group for group in groups.values() if len(group) == len(set(combination.signs))]


def _chosen(
    combination: Combination, seen: Mapping[str, Sequence[Seen]], person: bool
) -> list[Seen] | None:
    chosen = []
    for name in combination.signs:
        fitting = [
            one
            for one in seen.get(name, ())
            if one.others in (person, None) and (combination.where == "conversation" or one.current)
        ]
        if not fitting:
            return None
        chosen.append(max(fitting, key=lambda one: one.current))
    return chosen
