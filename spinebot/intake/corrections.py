"""Corrections of what was answered before: "change my name to Bo", "I mistyped", "go back"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spinebot.intake import asides, contacts, wishes
from spinebot.intake.answers import READERS, SAYS_YES
from spinebot.intake.questions import BAD, SLOTS, YES, Reading, slots_of
from spinebot.intake.wishes import Wish


def corrected(slot: str, text: str, region: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read ``text`` as a correction of what was answered before, None if it is none."""
    if len(text) > asides.LONGEST:
        return None
    if asides.is_restart(text):
        return Reading(dict.fromkeys(SLOTS))
    if asides.begins_as_question(asides.bare(text)):
        return None
    found = [wish for wish in wishes.named(text) if is_asked(wish.slot, answers)]
    if found:
        return change(found, slot, text, region, answers)
    return (
        _told_anew(slot, text, region, answers)
        or _corrected_contact(slot, text, region, answers)
        or _meant(slot, text, region, answers)
        or _taken_back(slot, text, answers)
    )


def is_asked(slot: str, answers: Mapping[str, Any]) -> bool:
    """Return whether the form asks for ``slot``, as far as it has been answered."""
    reason = str(answers.get("handoff_reason") or "")
    return slot in slots_of(reason, answers)


def change(
    wishes: list[Wish], asked: str, text: str, region: str, answers: Mapping[str, Any]
) -> Reading | None:
    """Ask what is to be changed again, or take the new value where one stands there."""
    new: dict[str, Any] = {}
    for wish in wishes:
        new.update(emptied(wish.slot))
        value = wish.value
        if wish.slot == "contact":
            value = contacts.corrected_contact(text, region, answers.get("contact"))
        reading = READERS[wish.slot](value, region) if value else BAD
        if not reading.is_bad:
            new.update(reading.values)
        elif wish.slot == asked and wish.value:
            # What was said for the present question is no use: it is explained as a bad answer.
            return None
    return Reading(new)


def emptied(slot: str) -> dict[str, Any]:
    """Return the values that have ``slot`` asked again; an MRI's date belongs to its MRI."""
    return {slot: None, "mri_date": None} if slot == "recent_mri" else {slot: None}


def _told_anew(slot: str, text: str, region: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read "my e-mail is bo@example.com", said while something else is asked."""
    wish = wishes.told(text)
    if wish is None or wish.slot == slot or not wish.value:
        return None
    reading = READERS[wish.slot](wish.value, region)
    return None if reading.is_bad else reading


def _corrected_contact(
    slot: str, text: str, region: str, answers: Mapping[str, Any]
) -> Reading | None:
    """Read a phone number or e-mail address that is given once the question for it is over."""
    if slot in {"name", "contact"}:
        return None
    known = answers.get("contact")
    new = contacts.corrected_contact(text, region, known)
    # At the end a contact is never passing talk; at "best time" it may be ("mornings, on ...").
    at_end = slot in {"consent", "confirmed"} and known is not None and new is not None
    if not at_end and not contacts.is_about_contact(text, region):
        return None
    if new is None and slot == "confirmed" and SAYS_YES.match(text):
        return None
    return Reading({"contact": new})


def _meant(slot: str, text: str, region: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read "I meant ...", "make that ...": of the answer that it looks like, or else the last."""
    wish = wishes.meant(text, region)
    before = _before(slot, answers)
    target = wish.slot or before if wish else None
    order = slots_of(str(answers.get("handoff_reason") or ""), {"recent_mri": YES})
    if wish is None or not wish.value or target not in order[: order.index(slot) + 1]:
        return None
    reading = READERS[target](wish.value, region)
    if not reading.is_bad:
        return reading
    return None if target == slot else Reading(emptied(target))


def _taken_back(slot: str, text: str, answers: Mapping[str, Any]) -> Reading | None:
    """Read "go back", "I mistyped", "wait": the question before, or this one, is asked again."""
    # At the summary it must be said what is wrong. "Back" is also where it hurts.
    if slot == "confirmed" or (slot == "pain_area" and text.strip(" .!").lower() == "back"):
        return None
    if asides.is_hold(text):
        return Reading({slot: None})
    if not asides.is_back(text) and not asides.is_mistake(text):
        return None
    return Reading(emptied(_before(slot, answers) or slot))


def _before(slot: str, answers: Mapping[str, Any]) -> str | None:
    """Return the question before ``slot``, or ``slot`` itself while its answers are no use."""
    if slot == "confirmed":
        return None
    if answers.get("bad_answers"):
        return slot
    order = slots_of(str(answers.get("handoff_reason") or ""), answers)
    place = order.index(slot) if slot in order else len(order)
    return order[place - 1] if place else None
