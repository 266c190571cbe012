"""Rasa intent classifier over the encoder's vectors and the character n-grams before it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy import sparse

from spinebot.language.intents import IntentModel, train


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SentenceIntentClassifier(IntentClassifier, GraphComponent):
    """Sets a message's intent, its confidence and the whole ranking."""

    def __init__(
        self, model: Optional[IntentModel], model_storage: ModelStorage, resource: Resource
    ) -> None:
        """Keep where to store the model; ``model`` is None until it is trained."""
        self._model = model
        self._model_storage = model_storage
        self._resource = resource

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceIntentClassifier:
        """Create the component, untrained."""
        return cls(None, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SentenceIntentClassifier:
        """Create the component with its trained model. A model that cannot be read stops Rasa."""
        with model_storage.read_from(resource) as directory:
            return cls(IntentModel.load(directory), model_storage, resource)

    @staticmethod
    def required_components() -> List[type]:
        """Features first."""
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[str]:
        """The packages whose version may change the model."""
        return ["sklearn", "scipy"]

    def train(self, training_data: TrainingData) -> Resource:
        """Train on the examples that have an intent."""
        examples = [m for m in training_data.intent_examples if m.get(TEXT)]
        if len({example.get(INTENT) for example in examples}) < 2:
            raise InvalidConfigException("data/nlu.yml: two intents with examples are the least")
        vectors, ngrams = zip(*(_features(example) for example in examples), strict=True)
        labels = [example.get(INTENT) for example in examples]
        self._model = train(np.vstack(vectors), sparse.vstack(ngrams), labels)
        with self._model_storage.write_to(self._resource) as directory:
            self._model.save(directory)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of each message."""
        if self._model is None:
            raise InvalidConfigException("The intent classifier has not been trained")
        for message in messages:
            ranking = [
                {"name": intent, "confidence": confidence}
                for intent, confidence in self._model.rank(*_features(message))
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking[:10], add_to_output=True)
        return messages


def _features(message: Message) -> Tuple[np.ndarray, sparse.spmatrix]:
    """Return the sentence's vector (zeros without words) and its n-gram counts (one row)."""
    _, dense = message.get_dense_features(TEXT)
    _, ngrams = message.get_sparse_features(TEXT)
    if dense is None or ngrams is None:
        raise InvalidConfigException(
            "config.yml: SentenceIntentClassifier needs a CountVectorsFeaturizer and a "
            "SentenceEncoderFeaturizer before it"
        )
    return dense.features[0], sparse.csr_matrix(ngrams.features)
