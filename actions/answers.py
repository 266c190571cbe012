"""Answers out of the knowledge base, small talk, and what is said when nothing fits."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions._edge import Events, guarded, in_form, intent_of, text_of, then_listen
from spinebot import articles, offers, safety
from spinebot.clinic import clinic
from spinebot.db import reading
from spinebot.settings import settings


def _question_buttons(titles: dict[str, str]) -> list[dict[str, str]]:
    return [{"title": title, "payload": f"/{intent}"} for intent, title in titles.items()]


def _may_lead(tracker: Tracker) -> bool:
    """Return whether further questions may be put before the visitor.

    A form is not to be led away from, and after a red flag nothing is to be led to.
    """
    return not in_form(tracker) and not tracker.get_slot("red_flag")


class ActionAnswerQuestion(Action):
    """Says the section that answers the question, its source, and what one may ask next."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_answer_question"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Answer; then offer the MRI review where that is right (``spinebot.offers``)."""
        with reading() as session:
            answer = articles.answer(session, intent_of(tracker))
        if answer is None:
            dispatcher.utter_message(text=clinic().say("no_answer"))
            return then_listen(tracker)
        footnotes = clinic().footnotes_of(answer.body)
        custom = answer.custom(footnotes)
        custom["advice"] = safety.information_line(text_of(tracker))
        dispatcher.utter_message(
            text=answer.text(settings().public_url, footnotes, custom["advice"]),
            buttons=_question_buttons(dict(answer.next_questions)) if _may_lead(tracker) else [],
            json_message=custom,
        )
        if in_form(tracker):
            return []
        state = offers.after_answer(
            tracker.get_slot("mri_offer"),
            fits=answer.offer_mri_review,
            red_flag=bool(tracker.get_slot("red_flag")),
        )
        if state == offers.PENDING:
            _offer(dispatcher)
        return [SlotSet("mri_offer", state), *then_listen(tracker)]


def _offer(dispatcher: CollectingDispatcher) -> None:
    text = clinic().say("offer")
    dispatcher.utter_message(
        text="\n\n".join([text, *clinic().footnotes_of(text)]),
        buttons=[
            {"title": clinic().say("offer_yes"), "payload": "/affirm"},
            {"title": clinic().say("offer_no"), "payload": "/deny"},
        ],
        json_message={"type": "offer"},
    )


class ActionReplySmallTalk(Action):
    """Says the clinic's wording for the intent, with first questions where they help."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_reply_small_talk"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Reply."""
        intent = intent_of(tracker)
        if intent in {"request_mri_review", "request_callback"}:
            dispatcher.utter_message(text=clinic().say("form_start_again"))
            return []
        buttons: list[dict[str, str]] = []
        if _may_lead(tracker) and intent not in {"thank", "goodbye"}:
            with reading() as session:
                buttons = _question_buttons(articles.question_titles(session, clinic().starters))
        dispatcher.utter_message(text=clinic().say(intent), buttons=buttons)
        return then_listen(tracker)


class ActionAskToRephrase(Action):
    """Offers the most likely questions as buttons, or asks for other words."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_ask_to_rephrase"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Ask."""
        ranked = [each["name"] for each in tracker.latest_message.get("intent_ranking") or []]
        with reading() as session:
            titles = articles.question_titles(session, ranked)
        likely = dict(list(titles.items())[:3])
        if in_form(tracker):
            dispatcher.utter_message(text=clinic().say("fallback_plain"))
            return []
        # Where no rule knows what comes next, Rasa would ask for this action again and again.
        wait = then_listen(tracker)
        if not likely:
            dispatcher.utter_message(text=clinic().say("fallback_plain"))
            return wait
        other = {"title": clinic().say("something_else"), "payload": "/out_of_scope"}
        dispatcher.utter_message(
            text=clinic().say("fallback"), buttons=[*_question_buttons(likely), other]
        )
        return wait
