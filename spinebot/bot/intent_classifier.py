"""Rasa intent classifier over the encoder's vectors and the message's letters."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from spinebot.bot.components import Learner
from spinebot.bot.spelling import words_of
from spinebot.language import detector, intent_training, intents, landmarks, ngrams, thresholds
from spinebot.language.encoder import (
    VIEWS,
    WIDTH,
    encoder_fingerprint,
    is_held_out,
    load_encoder,
)
from spinebot.language.intent_names import FALLBACK
from spinebot.language.intent_training import Validated, train_and_validate
from spinebot.language.intents import Examples, IntentModel, name_as_words
from spinebot.language.thresholds import Curve, measure

CURVE = "threshold.json"
VALIDATION = "cross_validation.json"
SEEDS = (1, 2, 3)  # three ways to cut the folds: how far apart they are is the noise of a figure
RANKED = 10


@dataclass(frozen=True)
class Trained:
    """The model, and how sure it was of the examples that were left out.

    validation: how each example was understood in each cross-validation; nobody reads it while
    the model answers, so it is not loaded.
    """

    model: IntentModel
    curve: Curve
    validation: Optional[Dict[str, Any]] = None

    def save(self, directory: Path) -> None:
        """Write them."""
        self.model.save(directory)
        (directory / CURVE).write_text(json.dumps(self.curve.as_json()), encoding="utf-8")
        (directory / VALIDATION).write_text(json.dumps(self.validation), encoding="utf-8")


def _validation(learnt: Examples, found: Validated, names: List[str]) -> Dict[str, Any]:
    """Return, for each example, what it is and what each cross-validation took it for.

    unseen: the encoder was not tuned with it, so that the figure is not too good.
    """
    hints = set(names)
    tops = [confidences.argmax(axis=1) for confidences in found.folds]
    judged = found.left_out.places
    return {
        "seeds": list(SEEDS),
        "examples": [
            {
                "text": learnt.texts[place],
                "intent": learnt.intents[learnt.labels[place]],
                "seen_as": [learnt.intents[top[row]] for top in tops],
                "unseen": is_held_out(learnt.texts[place]),
            }
            for row, place in enumerate(judged)
            if learnt.texts[place] not in hints
        ],
    }


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SentenceIntentClassifier(Learner[Trained], IntentClassifier):
    """Sets a message's intent, its confidence and the ranking; below the threshold, the fallback.

    The threshold is measured when the model is trained (``spinebot.language.thresholds``).
    """

    @staticmethod
    def read(directory: Path) -> Trained:
        """Return the trained model and its curve."""
        curve = Curve.from_json(json.loads((directory / CURVE).read_text(encoding="utf-8")))
        return Trained(IntentModel.load(directory), curve)

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

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> str:
        """Other code or another encoder is another model: Rasa looks at this file alone."""
        return sources_fingerprint()

    def train(self, training_data: TrainingData) -> Resource:
        """Train on the examples that have an intent, and on the intents' names."""
        examples = [m for m in training_data.intent_examples if m.get(TEXT)]
        labels = sorted({example.get(INTENT) for example in examples})
        if len(labels) < 2:
            raise InvalidConfigException("data/nlu.yml: two intents with examples are the least")
        names = [name_as_words(intent) for intent in labels]
        vectors = [*map(vectors_of, examples), *load_encoder().encode_kept(names)]
        learnt = Examples.of(
            [*(example.get(TEXT) for example in examples), *names],
            np.stack(vectors),
            [*(example.get(INTENT) for example in examples), *labels],
        )
        found = train_and_validate(learnt, SEEDS)
        curve = measure(learnt, found.left_out, float(self._config["most_lost"]))
        return self.keep(Trained(found.left_out.model, curve, _validation(learnt, found, names)))

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the intent and the ranking of each message."""
        threshold = self.learnt.curve.threshold
        for message in messages:
            found = self.learnt.model.rank(vectors_of(message), words_of(message))[:RANKED]
            if found[0][1] < threshold:
                # As Rasa's own fallback does: in front, and what the model thought stays behind it.
                found.insert(0, (FALLBACK, threshold))
            ranking = [{"name": intent, "confidence": sure} for intent, sure in found]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages


def sources_fingerprint() -> str:
    """Return a hash of the code that makes and reads the models, and of the encoder."""
    digest = hashlib.sha256(encoder_fingerprint().encode())
    for module in (intents, intent_training, landmarks, ngrams, thresholds, detector):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


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
