"""Which rules are met by a message and the ones before it, and what is said then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spinebot.safety.examples import usual_actions
from spinebot.safety.rules import Action, Combination, Rule, book
from spinebot.safety.signs import Seen, Sightings, analyse


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
    before = [analyse(message).seen for message in earlier]
    known = _merge(before, current=True)
    joined = {name: [*found] for name, found in now.items()}
    for name, found in _merge(before, current=False).items():
        joined.setdefault(name, []).extend(found)
    findings = []
    for rule in book().rules:
        told = [one for one in (_apply(rule, now), _apply(rule, joined, known)) if one]
        if told:
            findings.append(min(told, key=lambda one: one.action))
    return sorted(findings, key=lambda finding: (finding.action, finding.rule))


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
    first = min(findings, key=lambda finding: finding.action)
    rule = next(rule for rule in book().rules if rule.id == first.rule)
    own, helper = book().texts[first.action]
    said = f"{rule.helper_line} {helper}" if first.helper else f"{rule.line} {own}"
    despair = next((each for each in findings if each.action is Action.CALL_988), None)
    if despair is not None and first.action is not Action.CALL_988:
        # Whatever else is urgent, who wants to die is told where to turn.
        said = f"{said}\n\n{book().texts[Action.CALL_988][despair.helper]}"
    return said


def information_line(text: str) -> str | None:
    """The line to add to an answer about an emergency that nobody seems to have, or None."""
    if not analyse(text).asks or check(text):
        return None
    return book().information


def _merge(messages: Sequence[Sightings], current: bool) -> dict[str, list[Seen]]:
    merged: dict[str, list[Seen]] = {}
    for seen in messages:
        for name, found in seen.items():
            marked = [replace(one, current=current) for one in found]
            merged.setdefault(name, []).extend(marked)
    return merged


def _apply(rule: Rule, seen: Sightings, known: Sightings | None = None) -> Finding | None:
    """The most urgent tier of a rule that is met, and was not met by what is known."""
    for action, combinations in rule.tiers:
        for combination in combinations:
            chosen = _met(combination, seen)
            if not chosen or not any(one.current for one in chosen):
                continue
            if not (known and _met(combination, known)):
                evidence = tuple(dict.fromkeys(one.evidence for one in chosen))
                helper = any(one.others for one in chosen)
                return Finding(rule.id, rule.name, action, evidence, helper)
    return None


def _met(combination: Combination, seen: Sightings) -> list[Seen] | None:
    """One sighting for each sign of the combination, all about the same person."""
    if not all(name in seen for name in combination.signs):
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
