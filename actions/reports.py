"""What is said when a visitor pastes an MRI report, or asks what a word in one means."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions._edge import Events, guarded, intent_of, text_of, then_listen
from actions.answers import ActionAnswerQuestion
from spinebot import safety
from spinebot.articles import report_words
from spinebot.clinic import clinic


class ActionExplainReport(Action):
    """Explains the words of a report; never reads the report."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_explain_report"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Explain; without words of a report answer from the article, or decline to read a scan."""
        text = text_of(tracker)
        found, asked = report_words.find(text), intent_of(tracker) == "ask_report_terms"
        if found.is_report or (asked and found.is_only_here):
            said = report_words.explain(
                found,
                clinic().say("glossary_open"),
                clinic().say("glossary_close"),
                safety.information_line(text),
            )
            dispatcher.utter_message(text=said.text, json_message=said.custom)
            return then_listen(tracker)
        if asked:
            answered: Events = ActionAnswerQuestion().run(dispatcher, tracker, domain)
            return answered
        dispatcher.utter_message(text=clinic().say("out_of_scope_scan"))
        return then_listen(tracker)
