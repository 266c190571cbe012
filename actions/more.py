"""More of what was answered: the next section of the same article."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions._edge import Events, guarded, then_listen
from actions.answers import say_answer
from spinebot import articles
from spinebot.articles import Answer
from spinebot.clinic import clinic
from spinebot.db import reading
from spinebot.settings import settings


class ActionTellMore(Action):
    """Says the section behind the one that was shown last."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_tell_more"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Tell more; when the article has no more, link to it."""
        lately = tracker.get_slot("answered") or []
        if not lately:
            dispatcher.utter_message(text=clinic().say("more_of_what"))
            return then_listen(tracker)
        answer = _next(lately, tracker.get_slot("said") or {})
        if answer is None:
            article = str(lately[-1]["section"]).partition("#")[0]
            page = f"/articles/{article}"
            text = "\n\n".join([clinic().say("more_all").strip(), settings().public_url + page])
            dispatcher.utter_message(text=text, json_message={"type": "again", "url": page})
            return then_listen(tracker)
        say_answer(dispatcher, tracker, answer)
        kept = SlotSet("answered", articles.with_answer(lately, answer))
        return [kept, *then_listen(tracker)]


def _next(lately: list[dict[str, Any]], said: dict[str, list[str]]) -> Answer | None:
    """Return the first section behind the last one, for this visitor, not shown lately."""
    last = lately[-1]
    with reading() as session:
        return next(
            (
                answer
                for answer in articles.following(session, last["section"], last["intent"], said)
                if not articles.was_answered(lately, answer)
            ),
            None,
        )
