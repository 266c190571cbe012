"""What the form asks, in which order, and how an answer was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SLOTS = (
    "name",
    "contact",
    "best_time",
    "recent_mri",
    "mri_date",
    "pain_area",
    "consent",
    "confirmed",
)
CALLBACK_SLOTS = ("name", "contact", "best_time", "consent", "confirmed")
OPTIONAL = {"best_time", "recent_mri", "mri_date", "pain_area"}
# What each form begins with; the session's other slots are not the form's to clear.
FORM_SLOTS = (*SLOTS, "bad_answers", "handoff_reason", "handoff_key")
NOT_GIVEN = "not given"
YES, NO, NOT_SURE = "yes", "no", "not sure"
REFUSED = "refused"


@dataclass(frozen=True)
class Reading:
    """How a message was read: new slot values, or a problem, or not an answer at all."""

    values: dict[str, Any] = field(default_factory=dict)
    # The value cannot be used: wording `bad_<slot>` says so.
    is_bad: bool = False
    is_answer: bool = True
    # The summary was neither confirmed nor corrected in a way that could be understood.
    wording: str | None = None


SOMETHING_ELSE = Reading(is_answer=False)
BAD = Reading(is_bad=True)
WHICH = Reading(is_bad=True, wording="change_which")


def slots_of(reason: str, answers: Mapping[str, Any]) -> list[str]:
    """Return what the form asks, in order: an MRI's date only where there is an MRI."""
    if reason == "callback":
        return list(CALLBACK_SLOTS)
    return [slot for slot in SLOTS if slot != "mri_date" or answers.get("recent_mri") == YES]


def next_slot(reason: str, answers: Mapping[str, Any]) -> str | None:
    """Return the first slot still to be asked, or None when the form is complete."""
    if answers.get("consent") == REFUSED:
        return None
    return next((slot for slot in slots_of(reason, answers) if answers.get(slot) is None), None)
