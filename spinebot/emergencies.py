"""The reply to a red flag: the fixed emergency wording and the numbers to call. Nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spinebot import safety
from spinebot.safety import Action, Finding

# Said when the classifier alone takes a message for an emergency and no rule says which.
UNCERTAIN = (
    "What you describe could be serious. Do you have numbness where you would sit on a saddle? "
    "New trouble with your bladder or bowels? New weakness? Fever with back pain? Chest pain? "
    "Please go to the emergency room now. If you cannot get there safely, call 911."
)
_CALL_911 = {"title": "Call 911", "url": "tel:911"}
_CALL_988 = {"title": "Call or text 988", "url": "tel:988"}
_CALLS = {
    Action.CALL_911: [_CALL_911],
    Action.CALL_988: [_CALL_988, _CALL_911],
    Action.ER_NOW: [_CALL_911],
    Action.DOCTOR_TODAY: [],
}


def reply(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the reply (text, buttons, custom) to a message's findings, most urgent first."""
    action = findings[0].action if findings else Action.ER_NOW
    return {
        "text": safety.warning(findings) if findings else UNCERTAIN,
        "buttons": [],
        "custom": {
            "type": "emergency",
            "action": action.value,
            "calls": _calls(findings, action),
            "rules": [finding.rule for finding in findings],
        },
    }


def _calls(findings: Sequence[Finding], action: Action) -> list[dict[str, str]]:
    """Return the numbers to call: the most urgent action's, and 988 wherever it is among them."""
    calls = list(_CALLS[action])
    if safety.despair(findings) and _CALL_988 not in calls:
        calls.append(_CALL_988)
    return calls
