"""Answers out of the knowledge base, small talk, and what is said when nothing fits."""

from __future__ import annotations

import json
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from actions._edge import Events, guarded, in_form, intent_of, text_of, then_listen
from spinebot import articles, offers, safety
from spinebot.articles import Answer, Hit
from spinebot.clinic import clinic
from spinebot.conversations import UNANSWERED
from spinebot.db import reading
from spinebot.settings import settings

_SOMETHING_ELSE = "/out_of_scope"


def _question_buttons(titles: dict[str, str]) -> list[dict[str, str]]:
    return [{"title": title, "payload": f"/{intent}"} for intent, title in titles.items()]


def _may_lead(tracker: Tracker) -> bool:
    """Return whether further questions may be put before the visitor.

    A form is not to be led away from, and after a red flag nothing is to be led to.
    """
    return not in_form(tracker) and not tracker.get_slot("red_flag")


def _said(tracker: Tracker) -> dict[str, list[str]]:
    """Return what the last message says of the visitor."""
    return articles.said_in(tracker.latest_message.get("entities") or [])


def _remember_said(tracker: Tracker) -> Events:
    """Return the event that keeps what the visitor has said of themselves, if some of it is new."""
    before = tracker.get_slot("said") or {}
    said = articles.together(before, _said(tracker))
    return [SlotSet("said", said)] if said != before else []


def _unanswered(nearest: Hit | None = None) -> dict[str, Any]:
    """Return the note by which the web process keeps the message as an unanswered question."""
    found = {"section_id": nearest.section_id, "score": nearest.score} if nearest else {}
    return {UNANSWERED: found}


class ActionAnswerQuestion(Action):
    """Says the section that answers the question, its source, and what one may ask next."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_answer_question"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Answer each question; then offer the MRI review where that is right."""
        said, lately = _remember_said(tracker), tracker.get_slot("answered") or []
        answers = _answers(tracker)
        if not answers:
            note = {} if in_form(tracker) else _unanswered()
            dispatcher.utter_message(text=clinic().say("no_answer"), json_message=note)
            return [*said, *then_listen(tracker)]
        new = [each for each in answers if not _said_lately(tracker, lately, each)]
        for answer in answers:
            is_last = answer is answers[-1]
            if answer in new:
                say_answer(dispatcher, tracker, answer, lead_on=is_last)
                lately = articles.with_answer(lately, answer)
            else:
                _say_again(dispatcher, tracker, answer)
                # Asked for once more, it is shown in full.
                lately = articles.without_answer(lately, answer)
        kept = [*said, SlotSet("answered", lately)]
        if in_form(tracker):
            return kept
        return [*kept, _offer_after(dispatcher, tracker, new), *then_listen(tracker)]


def _answers(tracker: Tracker) -> list[Answer]:
    """Return the answer to each question of the last message, none twice."""
    intents = [intent_of(tracker), *(tracker.latest_message.get("also_asked") or [])]
    said, remembered = _said(tracker), tracker.get_slot("said") or {}
    with reading() as session:
        found = [articles.answer(session, intent, said, remembered) for intent in intents]
    return list({answer.place: answer for answer in found if answer is not None}.values())


def _said_lately(tracker: Tracker, lately: list[dict[str, Any]], answer: Answer) -> bool:
    return _may_lead(tracker) and articles.was_answered(lately, answer)


def say_answer(
    dispatcher: CollectingDispatcher, tracker: Tracker, answer: Answer, lead_on: bool = True
) -> None:
    """Say an answer with its source. lead_on: with further questions, where they may be shown."""
    footnotes = clinic().footnotes_of(answer.body)
    custom = answer.custom(footnotes)
    custom["advice"] = safety.information_line(text_of(tracker))
    dispatcher.utter_message(
        text=answer.text(settings().public_url, footnotes, custom["advice"]),
        buttons=(
            _question_buttons(dict(answer.next_questions)) if lead_on and _may_lead(tracker) else []
        ),
        json_message=custom,
    )


def _say_again(dispatcher: CollectingDispatcher, tracker: Tracker, answer: Answer) -> None:
    """Say a line in place of the text that was shown a little while ago."""
    advice = safety.information_line(text_of(tracker))
    custom = answer.reference()
    custom.update(type="again", advice=advice)
    link = f"{answer.article_title} / {answer.section_title} {settings().public_url}{answer.url}"
    # The case that this section is for goes with the button, so that it is this section again.
    case = json.dumps(dict(answer.because)) if answer.because else ""
    full = {"title": clinic().say("again_full"), "payload": f"/{answer.intent}{case}"}
    dispatcher.utter_message(
        text="\n\n".join([*([advice] if advice else []), clinic().say("again"), link]),
        buttons=[full, *_question_buttons(dict(answer.next_questions))],
        json_message=custom,
    )


def _offer_after(
    dispatcher: CollectingDispatcher, tracker: Tracker, answers: list[Answer]
) -> dict[str, Any]:
    """Offer the MRI review where that is right; return the event that keeps the offer's state."""
    state = offers.after_answer(
        tracker.get_slot("mri_offer"),
        fits=any(answer.offer_mri_review for answer in answers),
        red_flag=bool(tracker.get_slot("red_flag")),
    )
    if state == offers.PENDING:
        _offer(dispatcher)
    return dict(SlotSet("mri_offer", state))


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
        intent, said = intent_of(tracker), _remember_said(tracker)
        if intent in {"request_mri_review", "request_callback", "request_more"}:
            dispatcher.utter_message(text=clinic().say("form_start_again"))
            return said
        if text_of(tracker) == _SOMETHING_ELSE and not in_form(tracker):
            _say_unknown(dispatcher, tracker)
            return then_listen(tracker)
        buttons: list[dict[str, str]] = []
        if _may_lead(tracker) and intent not in {"thank", "goodbye"}:
            with reading() as session:
                buttons = _question_buttons(articles.question_titles(session, clinic().starters))
        note = _unanswered() if intent == "out_of_scope" and not in_form(tracker) else {}
        dispatcher.utter_message(text=clinic().say(intent), buttons=buttons, json_message=note)
        return [*said, *then_listen(tracker)]


class ActionAskToRephrase(Action):
    """Shows the closest section or the likeliest questions; says "I do not know" the next time."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_ask_to_rephrase"

    @guarded
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        """Look for the closest section; ask, or admit that there is no answer."""
        if in_form(tracker):
            dispatcher.utter_message(text=clinic().say("fallback_plain"))
            return []
        ranked = [each["name"] for each in tracker.latest_message.get("intent_ranking") or []]
        lately = tracker.get_slot("answered") or []
        with reading() as session:
            nearest = next(iter(articles.nearest(session, text_of(tracker), limit=1)), None)
            closest = _closest(session, nearest, lately)
            shown = nearest.section_id if nearest and closest else None
            titles = articles.question_titles(session, ranked, besides=shown)
        likely = _question_buttons(dict(list(titles.items())[:3]))
        # Where no rule knows what comes next, Rasa would ask for this action again and again.
        kept = [*_remember_said(tracker), *then_listen(tracker)]
        if closest is not None:
            _say_closest(dispatcher, tracker, closest, likely, _unanswered(nearest))
            return [SlotSet("answered", articles.with_answer(lately, closest)), *kept]
        if _asked_just_before(tracker):
            _say_unknown(dispatcher, tracker, _unanswered(nearest))
        else:
            _ask(dispatcher, likely, _unanswered(nearest))
        return kept


def _closest(session: Session, nearest: Hit | None, lately: list[dict[str, Any]]) -> Answer | None:
    """Return the section to show, if one comes near enough and was not shown lately."""
    if nearest is None or not nearest.is_clear:
        return None
    answer = articles.answer_of(session, nearest.section_id, "nlu_fallback")
    return None if answer is None or articles.was_answered(lately, answer) else answer


def _say_closest(
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
    answer: Answer,
    likely: list[dict[str, str]],
    note: dict[str, Any],
) -> None:
    footnotes = clinic().footnotes_of(answer.body)
    custom = answer.custom(footnotes)
    custom.update(type="closest", notice=clinic().say("closest"), **note)
    custom["advice"] = safety.information_line(text_of(tracker))
    text = answer.text(settings().public_url, footnotes, custom["advice"])
    dispatcher.utter_message(
        text="\n\n".join([custom["notice"], text]),
        buttons=[*likely, _something_else()],
        json_message=custom,
    )


def _ask(
    dispatcher: CollectingDispatcher, likely: list[dict[str, str]], note: dict[str, Any]
) -> None:
    if likely:
        buttons = [*likely, _something_else()]
        dispatcher.utter_message(text=clinic().say("fallback"), buttons=buttons, json_message=note)
    else:
        dispatcher.utter_message(text=clinic().say("fallback_plain"), json_message=note)


def _something_else() -> dict[str, str]:
    return {"title": clinic().say("something_else"), "payload": _SOMETHING_ELSE}


def _say_unknown(
    dispatcher: CollectingDispatcher, tracker: Tracker, note: dict[str, Any] | None = None
) -> None:
    """Say honestly that there is no answer, and how to reach a person."""
    call = {"title": clinic().say("request_human_button"), "payload": "/request_callback"}
    dispatcher.utter_message(
        text=clinic().say("unknown"),
        buttons=[call] if _may_lead(tracker) else [],
        json_message=note or {},
    )


def _asked_just_before(tracker: Tracker) -> bool:
    """Return whether the message before was not understood either."""
    messages = 0
    for event in reversed(tracker.events):
        messages += event.get("event") == "user"
        if messages == 2:
            return False
        if messages == 1 and event.get("name") == "action_ask_to_rephrase":
            return True
    return False
