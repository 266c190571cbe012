"""What every action shares: the guard at the edge, and the visitor's last message."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher

from spinebot import logs
from spinebot.clinic import clinic

logger = logging.getLogger(__name__)

Events = list[dict[str, Any]]
Run = Callable[[Any, CollectingDispatcher, Tracker, dict[str, Any]], Events]


def guarded(run: Run) -> Run:
    """Let no failure end in silence: the visitor is told so and given the phone number."""

    @functools.wraps(run)
    def guard(
        self: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        with logs.about(tracker.latest_message.get("message_id")):
            try:
                return run(self, dispatcher, tracker, domain)
            except Exception as error:  # the outermost edge
                # Neither the error's text nor its trace is logged: they may hold what was typed.
                logger.error("%s failed: %s", self.name(), type(error).__name__)
                sorry = clinic().say("trouble")
                dispatcher.utter_message(text=sorry, json_message={"type": "error"})
                return []

    return guard


def then_listen(tracker: Tracker) -> Events:
    """Return the event that ends the turn, outside of a form.

    Every rule ends so. Said by the action itself, it spares Rasa half of its predictions.
    """
    return [] if in_form(tracker) else [FollowupAction("action_listen")]


def intent_of(tracker: Tracker) -> str:
    """Return the intent of the visitor's last message."""
    return str((tracker.latest_message.get("intent") or {}).get("name") or "")


def text_of(tracker: Tracker) -> str:
    """Return the visitor's last message."""
    return str(tracker.latest_message.get("text") or "")


def in_form(tracker: Tracker) -> bool:
    """Return whether a form is open."""
    return bool((tracker.active_loop or {}).get("name"))
