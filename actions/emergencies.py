"""The reply to an emergency."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions._edge import Events, guarded, text_of
from spinebot import emergencies, intake, offers, safety
from spinebot.clinic import clinic


class ActionWarnEmergency(Action):
    """Says the emergency wording; from then on nothing is offered."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_warn_emergency"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Warn, and forget what a form had asked so far: no details are wanted now."""
        reply = emergencies.reply(safety.check(text_of(tracker)) or _by_example(tracker))
        dispatcher.utter_message(text=reply["text"], json_message=reply["custom"])
        forget = [SlotSet(slot, None) for slot in intake.FORM_SLOTS]
        offer = offers.after_red_flag(tracker.get_slot("mri_offer"))
        return [SlotSet("red_flag", True), SlotSet("mri_offer", offer), *forget]


def _by_example(tracker: Tracker) -> list[safety.Finding]:
    """Return what the detector alone has found in the last message."""
    rules = tracker.latest_message.get("findings") or []
    return [found for rule in rules if (found := safety.by_example(rule)) is not None]


class ActionReferAfterRedFlag(Action):
    """After a red flag, refers to a doctor and to the phone where a form was asked for."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_refer_after_red_flag"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Refer."""
        dispatcher.utter_message(text=clinic().say("after_red_flag"))
        return []
