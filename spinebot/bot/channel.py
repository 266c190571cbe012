"""The channel between the web process and Rasa: one call a turn, answered with all that it did.

``POST /webhooks/spinebot/turn`` takes ``{"sender", "text"}`` for what was typed or
``{"sender", "intent"}`` for a button, with ``"memory"`` (slots that outlive Rasa's session) and
``"message"`` (what stands for the message; the same again is the same turn, done once), and
returns ``{"replies", "understood", "actions", "memory", "requested", "model"}``. A turn that
fails in any part is not kept, so that nothing is half said: it answers 503 if an action or the
database failed, which is worth another try, and else 500. ``POST /webhooks/spinebot/forget`` takes
``{"conversation"}`` and deletes what is remembered of it.
"""

from __future__ import annotations

import logging
from typing import Any, Awaitable, Callable, Dict, List, Optional

import sqlalchemy as sa
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from spinebot import logs
from spinebot.bot import patches
from spinebot.bot.action_server import failures
from spinebot.bot.gates import FINDINGS
from spinebot.bot.tracker_store import primary
from spinebot.language.messages import as_plain_text

logger = logging.getLogger(__name__)

# The slots that the web process keeps and hands in with every turn.
MEMORY = ("mri_offer", "red_flag", "answered", "said")

patches.apply()


class ActionFailedError(Exception):
    """An action could not be run: the action server is away, or failed."""


class Replies(CollectingOutputChannel):
    """Collects each reply whole: text, buttons and custom data belong together."""

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        """Keep one reply."""
        self.messages.append(_reply(message))


class SpinebotChannel(InputChannel):
    """Rasa's input channel for the web process."""

    @classmethod
    def name(cls) -> str:
        """The part of the address after /webhooks/."""
        return "spinebot"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("spinebot_channel")

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            agent: Optional[Agent] = request.app.ctx.agent
            ready = bool(agent and agent.is_ready())
            model = agent.processor.model_filename if agent and ready else None
            return response.json({"ready": ready, "model": model}, status=200 if ready else 503)

        @routes.route("/turn", methods=["POST"])
        async def turn(request: Request) -> HTTPResponse:
            with logs.about(request.json.get("message")):
                return await _answer(request)

        @routes.route("/forget", methods=["POST"])
        async def forget(request: Request) -> HTTPResponse:
            store = primary(request.app.ctx.agent.processor.tracker_store)
            store.forget_conversation(int(request.json["conversation"]))
            return response.json({})

        return routes


async def _answer(request: Request) -> HTTPResponse:
    try:
        return response.json(await _turn(request.app.ctx.agent, request.json))
    except (ActionFailedError, sa.exc.OperationalError) as error:
        # OperationalError's words hold what was to be stored: only its kind is logged.
        logger.error("A turn failed for the moment: %s", type(error).__name__)
        return response.json({"error": type(error).__name__}, status=503)
    except Exception as error:  # the outermost edge: nothing may leave as a traceback
        # The message may hold what a visitor wrote: only its kind is logged.
        logger.error("A turn failed: %s", type(error).__name__)
        return response.json({"error": type(error).__name__}, status=500)


async def _turn(agent: Agent, body: Dict[str, Any]) -> Dict[str, Any]:
    processor = agent.processor
    # Rasa's own way (Agent.handle_message) hides a failed save and returns no tracker.
    store = primary(processor.tracker_store)
    replies = Replies()
    async with agent.lock_store.lock(body["sender"]):
        tracker = await store.get_or_create_tracker(body["sender"], append_action_listen=False)
        if _is_done(tracker, body.get("message")):
            return _outcome(tracker, _replies_again(tracker), processor.model_filename)
        tracker.model_id = processor.model_metadata.model_id
        await processor._update_tracker_session(tracker, replies)
        _remember(tracker, body.get("memory") or {}, processor.domain)
        message = UserMessage(
            text=_rasa_text(body),
            output_channel=replies,
            sender_id=body["sender"],
            input_channel=SpinebotChannel.name(),
            message_id=body.get("message"),
        )
        with failures() as failed:
            await processor._handle_message_with_tracker(message, tracker)
            await processor.run_action_extract_slots(replies, tracker)
            await processor._run_prediction_loop(replies, tracker)
        if failed:
            raise ActionFailedError(", ".join(failed))
        await store.save(tracker)
    return _outcome(tracker, replies.messages, processor.model_filename)


def _is_done(tracker: DialogueStateTracker, message: Optional[str]) -> bool:
    """Return whether the last turn was this message's: its answer was lost on the way back."""
    said = tracker.latest_message
    return bool(message and said and said.message_id == message)


def _replies_again(tracker: DialogueStateTracker) -> List[Dict[str, Any]]:
    """Return the last turn's replies, as they were collected then."""
    found: List[Dict[str, Any]] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered):
            found.insert(0, _reply({"text": event.text, **(event.data or {})}))
    return found


def _reply(message: Dict[str, Any]) -> Dict[str, Any]:
    return {
        "text": message.get("text") or "",
        "buttons": message.get("buttons") or message.get("quick_replies") or [],
        "custom": message.get("custom") or None,
    }


def _rasa_text(body: Dict[str, Any]) -> str:
    """Return what Rasa reads: a command only for a button that we made ourselves."""
    if body.get("intent"):
        return f"/{body['intent']}"
    return as_plain_text(body["text"])


def _remember(tracker: DialogueStateTracker, memory: Dict[str, Any], domain: Any) -> None:
    for slot in MEMORY:
        if slot in memory and tracker.get_slot(slot) != memory[slot]:
            tracker.update(SlotSet(slot, memory[slot]), domain)


def _outcome(
    tracker: DialogueStateTracker, replies: List[Dict[str, Any]], model: str
) -> Dict[str, Any]:
    said = tracker.latest_message or UserUttered("")
    parsed = said.parse_data or {}
    return {
        "replies": replies,
        "understood": {
            "intent": said.intent.get("name"),
            "confidence": said.intent.get("confidence"),
            "ranking": parsed.get("intent_ranking", [])[:5],
            "entities": said.entities,
            FINDINGS: parsed.get(FINDINGS, []),
        },
        "actions": _actions_since(tracker, said),
        "memory": {slot: tracker.get_slot(slot) for slot in MEMORY},
        "requested": tracker.get_slot("requested_slot"),
        "model": model,
    }


def _actions_since(tracker: DialogueStateTracker, said: UserUttered) -> List[str]:
    names: List[str] = []
    for event in reversed(tracker.events):
        if event is said:
            break
        if isinstance(event, ActionExecuted) and event.action_name:
            names.insert(0, event.action_name)
    return [name for name in names if name != "action_listen"]
