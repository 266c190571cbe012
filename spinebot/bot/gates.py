"""Overruling the model; and the Rasa classifier that finds what nobody could understand."""

from __future__ import annotations

from typing import List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from spinebot.bot.components import Fixed
from spinebot.language.messages import screen

FINDINGS = "findings"


def overrule(message: Message, intent: str) -> None:
    """Set the intent for certain; what the model thought stays in the ranking, behind it."""
    certain = {"name": intent, "confidence": 1.0}
    ranking = [each for each in message.get(INTENT_RANKING_KEY, []) if each["name"] != intent]
    message.set(INTENT, certain, add_to_output=True)
    message.set(INTENT_RANKING_KEY, [certain, *ranking], add_to_output=True)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class MessageScreen(Fixed, IntentClassifier):
    """Sets the intents of ``spinebot.language.messages.Screen``: no words, too long, ..."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Screen each message."""
        for message in messages:
            found = screen(message.get(TEXT) or "")
            if found is not None:
                overrule(message, found.value)
        return messages
