"""Rasa classifiers that overrule the model, and the one that finds what nobody could understand."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from spinebot.language.messages import screen

EMERGENCY = "report_emergency"
FINDINGS = "findings"


class Gate(GraphComponent, IntentClassifier):
    """A classifier without training that sets the intent of some messages for certain."""

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Gate:
        """Create the component."""
        return cls()

    def overrule(self, message: Message, intent: str) -> None:
        """Set the intent; what the model thought stays in the ranking, behind it."""
        certain = {"name": intent, "confidence": 1.0}
        ranking = [each for each in message.get(INTENT_RANKING_KEY, []) if each["name"] != intent]
        message.set(INTENT, certain, add_to_output=True)
        message.set(INTENT_RANKING_KEY, [certain, *ranking], add_to_output=True)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class MessageScreen(Gate):
    """Sets the intents of ``spinebot.language.messages.Screen``: no words, too long, ..."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Screen each message."""
        for message in messages:
            found = screen(message.get(TEXT) or "")
            if found is not None:
                self.overrule(message, found.value)
        return messages
