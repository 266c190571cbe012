"""Rasa component that mends typing errors for the components after it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict, List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from spinebot.bot.components import Learner
from spinebot.language import spelling
from spinebot.language.spelling import Speller
from spinebot.safety import examples as red_flag_examples

MENDED = "mended"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SpellingMender(Learner[Speller]):
    """Sets ``mended``: the text as it was probably meant. The text itself stays."""

    @staticmethod
    def read(directory: Path) -> Speller:
        """Return the words that were learnt."""
        return Speller.load(directory)

    @staticmethod
    def required_packages() -> List[str]:
        """The packages whose version may change what is mended."""
        return ["symspellpy"]

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> str:
        """Other examples or other code mend otherwise."""
        digest = hashlib.sha256(red_flag_examples.EXAMPLES.read_bytes())
        digest.update(Path(str(spelling.__file__)).read_bytes())
        return digest.hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the words of the training data and of the red flags' examples."""
        texts = [message.get(TEXT) for message in training_data.nlu_examples if message.get(TEXT)]
        for each in red_flag_examples.read().values():
            texts += [*each.fires, *each.quiet]
        return self.keep(Speller.of(texts))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the examples as they are written."""
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Mend each message's text."""
        for message in messages:
            if text := message.get(TEXT):
                message.set(MENDED, self.learnt.mend(text))
        return messages


def words_of(message: Message) -> str:
    """Return the text to understand: as it was meant, where typing errors were mended."""
    return str(message.get(MENDED) or message.get(TEXT) or "")
