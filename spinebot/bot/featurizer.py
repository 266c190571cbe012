"""Rasa dense featurizer: a message's vectors from the sentence encoder."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import DENSE_FEATURIZABLE_ATTRIBUTES, TOKENS_NAMES
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import (
    FEATURE_TYPE_SENTENCE,
    FEATURE_TYPE_SEQUENCE,
    TEXT,
)
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from spinebot.bot.spelling import words_of
from spinebot.language.encoder import encoder_fingerprint, load_encoder


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoderFeaturizer(DenseFeaturizer, GraphComponent):
    """Adds the encoder's three views of the sentence, side by side (1152 float32 numbers).

    Rasa wants features of the sequence too: every token gets the sentence's.
    """

    def __init__(self, config: Dict[str, Any], name: str) -> None:
        """Load the encoder now, so that the first visitor does not wait for it."""
        super().__init__(name, config)
        self._encoder = load_encoder()

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEncoderFeaturizer:
        """Create the component."""
        return cls(config, execution_context.node_name)

    @staticmethod
    def required_components() -> List[type]:
        """Rasa's order of things: tokens first."""
        return [Tokenizer]

    @staticmethod
    def required_packages() -> List[str]:
        """The packages whose version may change the vectors."""
        return ["onnxruntime", "tokenizers"]

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """There is nothing to set."""

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> str:
        """Other weights are other features: Rasa must not take vectors from its cache."""
        return encoder_fingerprint()

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add features to the training examples."""
        self._add_all(training_data.training_examples, self._encoder.encode_kept)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Add features to messages; all their texts are encoded in one go."""
        self._add_all(messages, self._encoder.encode_views)
        return messages

    def _add_all(self, messages: List[Message], encode: Callable[[List[str]], np.ndarray]) -> None:
        for attribute in DENSE_FEATURIZABLE_ATTRIBUTES:
            having = [m for m in messages if m.get(TOKENS_NAMES[attribute])]
            if not having:
                continue
            vectors = encode([_words(message, attribute) for message in having])
            for message, vector in zip(having, vectors, strict=True):
                self._add(message, attribute, vector)

    def _add(self, message: Message, attribute: str, vector: np.ndarray) -> None:
        sentence = vector.reshape(1, -1)
        # One row in memory, seen as many.
        sequence = np.broadcast_to(
            sentence, (len(message.get(TOKENS_NAMES[attribute])), sentence.shape[1])
        )
        for kind, values in ((FEATURE_TYPE_SEQUENCE, sequence), (FEATURE_TYPE_SENTENCE, sentence)):
            message.add_features(Features(values, kind, attribute, self._identifier))


def _words(message: Message, attribute: str) -> str:
    return words_of(message) if attribute == TEXT else str(message.get(attribute))
