"""What a message means after the ones before it, and whether it asks two things.

Stands around Rasa's own reading of a message (``spinebot.bot.patches`` puts it there), for every
channel alike: a message that leans on the last answer is read a second time behind the name of
that answer's question, and one that may be two questions is read in two parts.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Tuple

from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.shared.core.events import ActionExecuted
from rasa.shared.core.trackers import DialogueStateTracker

from spinebot.bot.gates import FINDINGS
from spinebot.language import followups
from spinebot.language.intent_names import is_question
from spinebot.language.intents import name_as_words

MORE = "request_more"
ALSO_ASKED = "also_asked"
# Asked about the bot and the clinic: nothing follows up on them, and they follow up on nothing.
_NOT_A_TOPIC = {"ask_bot_identity", "ask_clinic_hours", "ask_chat_privacy"}
# Chosen on one half of 120 sample messages; the other half was right in 21 of 22 follow-ups,
# and in 22 of 30 messages with one or two questions.
SURE_ALONE = 0.8
SURE_ENOUGH = 0.05
SAME_AGAIN = 0.3
BOTH_SURE = 0.45
MOST_CUTS = 4

Parsed = Dict[str, Any]
_read = MessageProcessor.parse_message


async def parse_message(
    self: MessageProcessor,
    message: UserMessage,
    tracker: Optional[DialogueStateTracker] = None,
    only_output_properties: bool = True,
) -> Parsed:
    """Return what Rasa understands of a message, and of it together with the talk so far."""
    parsed: Parsed = await _read(self, message, tracker, only_output_properties)
    text = message.text or ""
    if tracker is None or text.startswith("/") or parsed.get(FINDINGS) or tracker.active_loop:
        return parsed
    topic = _topic(tracker)
    if topic and followups.asks_for_more(text):
        return _with_intent(parsed, MORE, 1.0)
    if topic and followups.is_follow_up(text) and not _is_sure(parsed):
        return await _after(self, parsed, topic, text)
    return await _cut(self, parsed, text)


def _topic(tracker: DialogueStateTracker) -> Optional[str]:
    """Return the intent that the bot answered last, if that was what it did last."""
    done = [
        event.action_name
        for event in reversed(tracker.events)
        if isinstance(event, ActionExecuted) and event.action_name != "action_listen"
    ]
    answered = tracker.get_slot("answered") or []
    if not answered or not done or done[0] not in followups.ANSWERS:
        return None
    intent = str(answered[-1].get("intent"))
    return intent if _is_topic(intent) else None


def _is_topic(intent: str) -> bool:
    return is_question(intent) and intent not in _NOT_A_TOPIC


def _is_sure(parsed: Parsed) -> bool:
    """Return whether the message stands by itself: a clear question, or clearly none."""
    intent, confidence = parsed["intent"]["name"], parsed["intent"]["confidence"]
    return bool(confidence >= (SURE_ALONE if is_question(intent) else 0.5))


async def _after(self: MessageProcessor, parsed: Parsed, topic: str, text: str) -> Parsed:
    """Read the message behind the last question's name; what both readings like is meant."""
    behind = await _ranking(self, f"{name_as_words(topic)}, {text}")
    alone = {each["name"]: each["confidence"] for each in parsed.get("intent_ranking", [])}
    ranked = _both(alone, behind, topic)
    if not ranked or ranked[0][1] < SURE_ENOUGH:
        return parsed
    return _with_intent(parsed, *ranked[0])


def _both(alone: Dict[str, float], behind: Dict[str, float], topic: str) -> List[Tuple[str, float]]:
    """Return the questions by the geometric mean of two readings, the best first."""
    least = 0.001
    found = {
        intent: math.sqrt(max(alone.get(intent, 0.0), least) * max(behind.get(intent, 0.0), least))
        for intent in {*alone, *behind}
        if _is_topic(intent)
    }
    if topic in found:
        # Who asks on wants to know something else, or would have been given it already.
        found[topic] *= SAME_AGAIN
    return sorted(found.items(), key=lambda each: -each[1])


async def _cut(self: MessageProcessor, parsed: Parsed, text: str) -> Parsed:
    """Read the message in two parts, where both are clearly questions and different ones."""
    if not _is_topic(parsed["intent"]["name"]) and parsed["intent"]["name"] != "nlu_fallback":
        return parsed
    best: Optional[Tuple[float, str, str]] = None
    for first, second in followups.cuts(text)[:MOST_CUTS]:
        found = await _two(self, first, second)
        if found is not None and (best is None or found > best):
            best = found
    if best is None:
        return parsed
    whole = _with_intent(parsed, best[1], best[0])
    whole[ALSO_ASKED] = [best[2]]
    return whole


async def _two(self: MessageProcessor, first: str, second: str) -> Optional[Tuple[float, str, str]]:
    """Return how surely the parts are two questions, and which; None if they are not."""
    one, sure = _top(await _ranking(self, first))
    if not _is_topic(one) or sure < BOTH_SURE:
        return None
    ranking = await _ranking(self, second)
    if followups.refers_back(second):
        behind = await _ranking(self, f"{name_as_words(one)}, {second}")
        ranking = dict(_both(ranking, behind, one))
    other, also_sure = _top(ranking)
    if not _is_topic(other) or other == one or also_sure < BOTH_SURE:
        return None
    return min(sure, also_sure), one, other


async def _ranking(self: MessageProcessor, text: str) -> Dict[str, float]:
    parsed = await _read(self, UserMessage(text))
    return {each["name"]: each["confidence"] for each in parsed.get("intent_ranking", [])}


def _top(ranking: Dict[str, float]) -> Tuple[str, float]:
    return next(iter(ranking.items()), ("", 0.0))


def _with_intent(parsed: Parsed, intent: str, confidence: float) -> Parsed:
    """Return the reading with another intent; the ranking stays behind it."""
    chosen = {"name": intent, "confidence": confidence}
    others = [each for each in parsed.get("intent_ranking", []) if each["name"] != intent]
    return {**parsed, "intent": chosen, "intent_ranking": [chosen, *others]}
