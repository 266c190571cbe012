"""Puts messages to a trained model: ``python -m spinebot.bot.exam MODEL MESSAGES OUT``.

MESSAGES is a JSON list; OUT gets a list with what the model understands of each:
``{"intent", "confidence", "findings", "also_asked"}``. A text is read by itself; an object
``{"text", "topic", "in_form"}`` is read as in a talk: after an answer to the question ``topic`` (an
intent, or null), or in the middle of the form. In Rasa's environment, without a server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from spinebot.bot.gates import FINDINGS
from spinebot.bot.patches import apply
from spinebot.bot.understanding import ALSO_ASKED
from spinebot.language import followups

Message = Union[str, Dict[str, Any]]


async def understand(model: Path, messages: List[Message]) -> List[Dict[str, Any]]:
    """Return what ``model`` understands of each message."""
    apply()
    agent = Agent.load(str(model))
    found = []
    for message in messages:
        text, tracker = _put(message, agent.domain)
        parsed = await agent.processor.parse_message(UserMessage(text), tracker)
        intent = parsed["intent"]
        found.append(
            {
                "intent": intent["name"],
                "confidence": intent["confidence"],
                FINDINGS: parsed.get(FINDINGS, []),
                ALSO_ASKED: parsed.get(ALSO_ASKED, []),
            }
        )
    return found


def _put(message: Message, domain: Domain) -> Tuple[str, Optional[DialogueStateTracker]]:
    """Return a message's text, and the talk that it stands in; None where it stands alone."""
    if isinstance(message, str):
        return message, None
    tracker = DialogueStateTracker("exam", domain.slots)
    events: List[Event] = []
    if message["topic"]:
        events = [
            SlotSet("answered", [{"intent": message["topic"]}]),
            ActionExecuted("action_answer_question"),
            ActionExecuted("action_listen"),
        ]
    if message["in_form"]:
        events.append(ActiveLoop(followups.FORM))
    tracker.update_with_events(events, domain)
    return str(message["text"]), tracker


def main() -> None:
    """Read the messages, ask the model, write what it understood."""
    parser = argparse.ArgumentParser(description="Put messages to a trained model.")
    for name in ("model", "messages", "out"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    messages = json.loads(given.messages.read_text(encoding="utf-8"))
    found = asyncio.run(understand(given.model, messages))
    given.out.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
