"""Puts messages to a trained model: ``python -m spinebot.bot.exam MODEL MESSAGES OUT``.

MESSAGES is a JSON list of texts; OUT gets a list with what the model understands of each by itself:
``{"intent", "confidence", "findings"}``. In Rasa's environment, without a server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any, Dict, List

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage

from spinebot.bot.gates import FINDINGS
from spinebot.bot.patches import apply


async def understand(model: Path, texts: List[str]) -> List[Dict[str, Any]]:
    """Return what ``model`` understands of each text."""
    apply()
    agent = Agent.load(str(model))
    found = []
    for text in texts:
        parsed = await agent.processor.parse_message(UserMessage(text))
        intent = parsed["intent"]
        found.append(
            {
                "intent": intent["name"],
                "confidence": intent["confidence"],
                FINDINGS: parsed.get(FINDINGS, []),
            }
        )
    return found


def main() -> None:
    """Read the messages, ask the model, write what it understood."""
    parser = argparse.ArgumentParser(description="Put messages to a trained model.")
    for name in ("model", "messages", "out"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    texts = json.loads(given.messages.read_text(encoding="utf-8"))
    found = asyncio.run(understand(given.model, texts))
    given.out.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
