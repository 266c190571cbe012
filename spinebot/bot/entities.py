"""Rasa entity extractor: the spine words of ``spinebot.language.spine_terms``."""

from __future__ import annotations

from typing import List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from spinebot.bot.components import Fixed
from spinebot.language.spine_terms import side_by_side, spine_terms


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class SpineTermExtractor(Fixed, EntityExtractorMixin):
    """Adds what a message says of its visitor as entities.

    Kinds: level, region, side, condition, symptom, medicine, duration, prior_surgery, tried, age.
    """

    @staticmethod
    def required_packages() -> List[str]:
        """The packages whose version changes what is found."""
        return ["spacy"]

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the entities of each message."""
        for message in messages:
            found = [
                {
                    "entity": term.kind,
                    "value": term.value,
                    "start": term.start,
                    "end": term.end,
                    "extractor": type(self).__name__,
                }
                for term in side_by_side(spine_terms(message.get(TEXT) or ""))
            ]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages
