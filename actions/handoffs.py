"""The way to the clinic's staff: a person's number, the offer, the form, and its end."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions._edge import Events, guarded, in_form, intent_of, text_of
from spinebot import handoffs, intake, offers
from spinebot.clinic import clinic
from spinebot.db import writing

logger = logging.getLogger(__name__)

_MRI_REVIEW, _CALLBACK = "mri_review", "callback"


def _forget() -> Events:
    return [SlotSet(slot, None) for slot in intake.FORM_SLOTS]


class ActionOfferHuman(Action):
    """Gives the phone number and the hours, and offers a call."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_offer_human"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Tell how to reach a person."""
        call = {"title": clinic().say("request_human_button"), "payload": "/request_callback"}
        if in_form(tracker):
            dispatcher.utter_message(text=clinic().say("request_human_in_form"))
        else:
            dispatcher.utter_message(text=clinic().say("request_human"), buttons=[call])
        return []


class _Start(Action, ABC):
    """Says what comes, and clears what an earlier form left."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """The slot `handoff_reason`."""

    @property
    @abstractmethod
    def wording(self) -> str:
        """The wording said first."""

    def name(self) -> str:
        """The action's name in the domain."""
        return f"action_start_{self.reason}"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Begin."""
        dispatcher.utter_message(text=clinic().say(self.wording))
        if tracker.get_slot("handoff_reason") == self.reason and tracker.get_slot("handoff_key"):
            # A form that could not be stored: nothing that was said is asked again.
            return [SlotSet("confirmed", None), SlotSet("bad_answers", None)]
        begun = [SlotSet("handoff_reason", self.reason), SlotSet("handoff_key", uuid4().hex)]
        if self.reason == _MRI_REVIEW:
            begun.append(SlotSet("mri_offer", offers.ACCEPTED))
        return [*_forget(), *begun]


class ActionStartMriReview(_Start):
    """Begins the MRI-review form."""

    reason: str = _MRI_REVIEW  # type: ignore[assignment]
    wording: str = "form_start"  # type: ignore[assignment]


class ActionStartCallback(_Start):
    """Begins the form of somebody who wants to be called."""

    reason: str = _CALLBACK  # type: ignore[assignment]
    wording: str = "callback_start"  # type: ignore[assignment]


class ActionDeclineOffer(Action):
    """Takes a no for an answer."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_decline_offer"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Say so."""
        dispatcher.utter_message(text=clinic().say("offer_declined"))
        return [SlotSet("mri_offer", offers.DECLINED)]


class ActionStopForm(Action):
    """Ends the form without sending anything."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_stop_form"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Say that nothing was sent, and forget the answers."""
        dispatcher.utter_message(text=clinic().say("form_stopped"))
        return [*_forget(), SlotSet("mri_offer", offers.DECLINED)]


class ValidateMriReviewForm(Action):
    """Reads each answer (``spinebot.intake``) and says what is wrong with one that is no use.

    No slot set means "not an answer": Rasa then lets the rules handle the message and comes back.
    """

    def name(self) -> str:
        """The action's name in the domain."""
        return "validate_mri_review_form"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Read, and say what is asked next."""
        slots = dict(tracker.slots)
        asked = slots.get("requested_slot")
        events: Events = []
        if asked and _just_said(tracker):
            region = clinic().region
            reading = intake.read(asked, text_of(tracker), intent_of(tracker), region, slots)
            if not reading.is_answer:
                return []
            if reading.is_bad:
                failures = int(slots.get("bad_answers") or 0) + 1
                _explain(dispatcher, asked, failures, reading.wording)
                events += [SlotSet(asked, None), SlotSet("bad_answers", failures)]
            else:
                _say_changed(dispatcher, asked, slots, reading.values)
                slots.update(reading.values)
                events += [SlotSet(slot, value) for slot, value in reading.values.items()]
                events.append(SlotSet("bad_answers", None))
        following = intake.next_slot(str(slots.get("handoff_reason") or _MRI_REVIEW), slots)
        return [*events, SlotSet("requested_slot", following)]


def _say_changed(
    dispatcher: CollectingDispatcher, asked: str, before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Say what an answer to another question was changed to; the summary shows it by itself."""
    changed = [
        slot
        for slot, value in now.items()
        if slot not in {asked, "consent", "confirmed"} and value and before.get(slot)
    ]
    if changed and asked != "confirmed":
        lines = [f"- {clinic().say(f'label_{slot}')}: **{now[slot]}**" for slot in changed]
        dispatcher.utter_message(
            text="\n\n".join([clinic().say("changed"), "\n".join(lines)]),
            # What is said here is as personal as the answer was.
            json_message={"type": "changed", "personal": True},
        )


def _just_said(tracker: Tracker) -> bool:
    """Return whether the last message is still to be read.

    Coming back after an interruption, Rasa asks again with nothing new said.
    """
    for event in reversed(tracker.events):
        if event.get("event") == "user":
            return True
        if event.get("event") == "action" and event.get("name") not in {
            "action_listen",
            "action_extract_slots",
            "mri_review_form",
        }:
            return False
    return False


def _explain(
    dispatcher: CollectingDispatcher, slot: str, failures: int, wording: str | None
) -> None:
    """Say what was wrong; from the second time give an example, from the third a way out."""
    lines = [clinic().say(wording or f"bad_{slot}")]
    if failures >= 2 and slot != "confirmed":
        lines.append(clinic().say(f"example_{slot}"))
    buttons = []
    if failures >= 3:
        skippable = slot in intake.OPTIONAL
        lines.append(clinic().say("way_out_skip" if skippable else "way_out"))
        if skippable:
            buttons.append({"title": clinic().say("skip"), "payload": clinic().say("skip")})
        buttons.append({"title": clinic().say("stop"), "payload": "/request_cancel"})
    dispatcher.utter_message(text="\n\n".join(lines), buttons=buttons)


# The kind of field in which a channel may ask for a slot; a choice is made with buttons.
_FIELDS = {
    "name": "name",
    "contact": "contact",
    "best_time": "time",
    "recent_mri": "choice",
    "mri_date": "month",
    "pain_area": "area",
}


def _field(slot: str) -> dict[str, str]:
    """Return what a channel needs to ask for a slot with a field of its own."""
    return {"kind": _FIELDS[slot], "label": clinic().say(f"label_{slot}")}


class _Ask(Action, ABC):
    """Asks for one slot of the form, and says why it is needed."""

    # The wordings of the buttons.
    answers: tuple[str, ...] = ()

    @property
    @abstractmethod
    def slot(self) -> str:
        """The slot asked for."""

    def name(self) -> str:
        """The action's name in the domain."""
        return f"action_ask_mri_review_form_{self.slot}"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Ask."""
        titles = [clinic().say(answer) for answer in self.answers]
        reason = str(tracker.get_slot("handoff_reason") or _MRI_REVIEW)
        steps = intake.slots_of(reason, tracker.slots)
        dispatcher.utter_message(
            text=self.text(tracker, reason),
            buttons=[{"title": title, "payload": title} for title in titles],
            json_message={
                "type": "form",
                "slot": self.slot,
                "step": steps.index(self.slot) + 1 if self.slot in steps else len(steps),
                "steps": len(steps),
                "personal": self.slot == "confirmed",
                **({"field": _field(self.slot)} if self.slot in _FIELDS else {}),
            },
        )
        return []

    def text(self, tracker: Tracker, reason: str) -> str:
        """Return the question."""
        return clinic().say(f"ask_{self.slot}")


class AskName(_Ask):
    """Asks for the name."""

    slot: str = "name"  # type: ignore[assignment]


class AskContact(_Ask):
    """Asks for a phone number or e-mail address."""

    slot: str = "contact"  # type: ignore[assignment]


class AskBestTime(_Ask):
    """Asks when to call."""

    slot: str = "best_time"  # type: ignore[assignment]
    answers = ("skip",)


class AskRecentMri(_Ask):
    """Asks whether there is a recent MRI."""

    slot: str = "recent_mri"  # type: ignore[assignment]
    answers = ("yes", "no", "not_sure")


class AskMriDate(_Ask):
    """Asks when the MRI was."""

    slot: str = "mri_date"  # type: ignore[assignment]
    answers = ("not_sure",)


class AskPainArea(_Ask):
    """Asks where it hurts."""

    slot: str = "pain_area"  # type: ignore[assignment]
    answers = ("skip",)


class AskConsent(_Ask):
    """Shows the whole consent and asks for it."""

    slot: str = "consent"  # type: ignore[assignment]
    answers = ("agree", "disagree")

    def text(self, tracker: Tracker, reason: str) -> str:
        """Return the question with the consent's full text."""
        consent = consent_text(reason)
        return "\n\n".join([clinic().say("ask_consent"), consent, *clinic().footnotes_of(consent)])


class AskConfirmed(_Ask):
    """Shows a summary, to be sent or corrected."""

    slot: str = "confirmed"  # type: ignore[assignment]
    answers = ("send",)

    def text(self, tracker: Tracker, reason: str) -> str:
        """Return the summary."""
        return f"{clinic().say('ask_confirmed')}\n\n{summary(reason, tracker.slots)}"


def consent_text(reason: str) -> str:
    """Return the consent as it is shown and stored."""
    return clinic().fill(getattr(clinic().consent, reason))


def summary(reason: str, answers: Mapping[str, Any]) -> str:
    """Return what the visitor said, a line each."""
    asked = [
        slot for slot in intake.slots_of(reason, answers) if slot not in {"consent", "confirmed"}
    ]
    lines = [f"- {clinic().say(f'label_{slot}')}: **{answers.get(slot)}**" for slot in asked]
    return "\n".join([*lines, "", clinic().say("change_how")])


class ActionSubmitHandoff(Action):
    """Stores the handoff and gives the reference number; never says "sent" when it is not."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_submit_handoff"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Store."""
        if tracker.get_slot("consent") == intake.REFUSED:
            dispatcher.utter_message(text=clinic().say("consent_refused"))
            return [*_forget(), SlotSet("mri_offer", offers.DECLINED)]
        reason = str(tracker.get_slot("handoff_reason") or "")
        try:
            with writing() as session:
                text = consent_text(reason) if reason else ""
                stored = handoffs.create(session, tracker.sender_id, tracker.slots, text)
                reference = stored.reference
        except Exception as error:  # whatever it was, the visitor must know
            logger.error("A handoff could not be stored: %s", type(error).__name__)
            payload = "/request_callback" if reason == _CALLBACK else "/request_mri_review"
            dispatcher.utter_message(
                text=clinic().say("handoff_failed"),
                buttons=[{"title": clinic().say("try_again"), "payload": payload}],
                json_message={"type": "error"},
            )
            # The answers stay for another try.
            return []
        dispatcher.utter_message(
            text=clinic().say("handoff_stored", reference=reference),
            json_message={"type": "handoff", "reference": reference},
        )
        return _forget()
