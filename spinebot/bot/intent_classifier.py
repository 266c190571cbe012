"""Rasa intent classifier over the encoder's vectors and the message's letters."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

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

from spinebot.language.encoder import VIEWS, WIDTH, load_encoder
from spinebot.language.intents import Examples, IntentModel, name_as_words, train
from spinebot.language.thresholds import Curve, measure

FALLBACK = "nlu_fallback"
CURVE = "threshold.json"
RANKED = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SentenceIntentClassifier(IntentClassifier, GraphComponent):
    """Sets a message's intent, its confidence and the ranking; below the threshold, the fallback.

    The threshold is measured when the model is trained (``spinebot.language.thresholds``).
    """

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Optional[IntentModel] = None,
        threshold: float = 0.0,
    ) -> None:
        """Keep where to store the model; ``model`` is None until it is trained."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model = model
        self._threshold = threshold

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceIntentClassifier:
        """Create the component, untrained."""
        return cls(config, model_storage, resource)

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
            model = IntentModel.load(directory)
            curve = Curve.from_json(json.loads((directory / CURVE).read_text(encoding="utf-8")))
        return cls(config, model_storage, resource, model, curve.threshold)

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """most_lost: the share of right answers that may be asked again instead."""
        return {"most_lost": 0.03}

    @staticmethod
    def required_components() -> List[type]:
        """Features first."""
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[str]:
        """The packages whose version may change the model."""
        return ["numpy", "scipy"]

    def train(self, training_data: TrainingData) -> Resource:
        """Train on the examples that have an intent, and on the intents' names."""
        examples = [m for m in training_data.intent_examples if m.get(TEXT)]
        intents = sorted({example.get(INTENT) for example in examples})
        if len(intents) < 2:
            raise InvalidConfigException("data/nlu.yml: two intents with examples are the least")
        names = [name_as_words(intent) for intent in intents]
        vectors = [*map(vectors_of, examples), *load_encoder().encode_views(names)]
        learnt = Examples.of(
            [*(example.get(TEXT) for example in examples), *names],
            np.stack(vectors),
            [*(example.get(INTENT) for example in examples), *intents],
        )
        self._model = train(learnt)
        curve = measure(learnt, float(self._config["most_lost"]))
        self._threshold = curve.threshold
        with self._model_storage.write_to(self._resource) as directory:
            self._model.save(directory)
            (directory / CURVE).write_text(json.dumps(curve.as_json()), encoding="utf-8")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of each message."""
        if self._model is None:
            raise InvalidConfigException("The intent classifier has not been trained")
        for message in messages:
            found = self._model.rank(vectors_of(message), message.get(TEXT))[:RANKED]
            if found[0][1] < self._threshold:
                # As Rasa's own fallback does: in front, and what the model thought stays behind it.
                found.insert(0, (FALLBACK, self._threshold))
            ranking = [{"name": intent, "confidence": sure} for intent, sure in found]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages


def vectors_of(message: Message) -> np.ndarray:
    """Return the sentence's views (views, width); zeros for a message without words."""
    _, dense = message.get_dense_features(TEXT)
    if dense is None:
        return np.zeros((VIEWS, WIDTH), dtype=np.float32)
    if dense.features.shape[1] != VIEWS * WIDTH:
        raise InvalidConfigException(
            "config.yml: SentenceIntentClassifier needs a SentenceEncoderFeaturizer before it, "
            "and no other dense featurizer"
        )
    return np.asarray(dense.features[0].reshape(VIEWS, WIDTH))
