"""Rasa classifier that recognises reports of emergencies: by rules, and by likeness to examples.

Each judges what the other cannot: the rules find signs in any surroundings and are fooled by words,
the detector knows surroundings and has no word for a sign that it never saw
(docs/decisions/0013-rules-and-detector-together.md).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from spinebot import safety
from spinebot.bot.components import Learner
from spinebot.bot.gates import FINDINGS, overrule
from spinebot.bot.intent_classifier import sources_fingerprint, vectors_of
from spinebot.bot.spelling import words_of
from spinebot.language.detector import NONE, Detector, sentences, train_detector
from spinebot.language.encoder import load_encoder
from spinebot.language.intent_names import EMERGENCY, is_question
from spinebot.language.intents import Examples
from spinebot.language.messages import screen
from spinebot.safety import examples as red_flag_examples

# Of the ordinary questions those that come nearest to a report are kept: the others teach nothing.
ORDINARY = 1000


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class RedFlagDetector(Learner[Detector], IntentClassifier):
    """Sets ``report_emergency``, and in ``findings`` which red flags were met."""

    @staticmethod
    def read(directory: Path) -> Detector:
        """Return the trained detector."""
        return Detector.load(directory)

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """When the detector raises an alarm by itself, and when it overrules a rule.

        most_false, most_ordinary: the shares of harmless look-alikes and of ordinary messages that
        may raise an alarm; doubted_below: a rule does not count where the detector is less sure.
        """
        return {"most_false": 0.03, "most_ordinary": 0.005, "doubted_below": -0.35}

    @staticmethod
    def required_components() -> List[type]:
        """Features first."""
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[str]:
        """The packages whose version may change the detector."""
        return ["numpy", "scipy"]

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> str:
        """Other examples or other code are another detector."""
        examples = hashlib.sha256(red_flag_examples.EXAMPLES.read_bytes()).hexdigest()
        return f"{sources_fingerprint()} {examples}"

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the reports, their look-alikes, and the ordinary messages of the training data."""
        texts, labels = _red_flags()
        vectors = load_encoder().encode_kept(texts)
        ordinary, far = _ordinary(training_data, vectors[[label != NONE for label in labels]])
        examples = Examples.of(
            [*texts, *(message.get(TEXT) for message in ordinary)],
            np.stack([*vectors, *map(vectors_of, ordinary)]),
            [*labels, *([NONE] * len(ordinary))],
        )
        look_alikes = {text for text, label in zip(texts, labels, strict=True) if label == NONE}
        shares = (float(self._config["most_false"]), float(self._config["most_ordinary"]))
        return self.keep(train_detector(examples, look_alikes, *shares, far))

    def process(self, messages: List[Message]) -> List[Message]:
        """Check each message."""
        for message in messages:
            rules = self._found(message)
            if rules:
                overrule(message, EMERGENCY)
            message.set(FINDINGS, rules, add_to_output=True)
        return messages

    def _found(self, message: Message) -> List[str]:
        """Return the red flags of a message, the most urgent first."""
        text = message.get(TEXT) or ""
        met = [finding.rule for finding in safety.check(text)]
        # What the screen took out is no sentence: the detector would judge noise.
        is_sentence = screen(text) is None
        sureness, likeliest = _judge(self.learnt, message)
        if met and not (is_sentence and self._is_doubted(text, sureness)):
            return met
        if sureness >= self.learnt.threshold and is_sentence:
            return [likeliest]
        return []

    def _is_doubted(self, text: str, sureness: float) -> bool:
        """Return whether the detector sees nothing of an emergency, in no part of the message.

        A report of a few words would drown in a long message, if that were judged as one.
        """
        doubted_below = float(self._config["doubted_below"])
        if sureness >= doubted_below:
            return False
        parts = sentences(text)
        if len(parts) < 2:
            return True
        vectors = load_encoder().encode_views(parts)
        return all(
            self.learnt.judge(vector, part)[0] < doubted_below
            for vector, part in zip(vectors, parts, strict=True)
        )


def _judge(detector: Detector, message: Message) -> Tuple[float, str]:
    """Return how sure the detector is, and of which red flag.

    A message is judged as it was written too: mending may take away the sign of a report.
    """
    found = [detector.judge(vectors_of(message), words_of(message))]
    text = message.get(TEXT) or ""
    if text != words_of(message):
        found.append(detector.judge(load_encoder().encode_views([text])[0], text))
    return max(found)


def _red_flags() -> Tuple[List[str], List[str]]:
    """Return the example messages and for each its rule, or ``NONE`` for a look-alike."""
    pairs = [
        (text, label)
        for rule, examples in red_flag_examples.read().items()
        for label, found in ((rule, examples.fires), (NONE, examples.quiet))
        for text in found
    ]
    return [text for text, _ in pairs], [label for _, label in pairs]


def _ordinary(training_data: TrainingData, reports: np.ndarray) -> Tuple[List[Message], List[str]]:
    """Return all small talk and the questions nearest to the reports; and the others' texts."""
    found = [
        message
        for message in training_data.intent_examples
        if message.get(TEXT) and message.get(INTENT) != EMERGENCY
    ]
    talk = [message for message in found if not is_question(message.get(INTENT))]
    questions = [message for message in found if is_question(message.get(INTENT))]
    if not questions:
        return talk, []
    vectors = np.stack([vectors_of(message)[0] for message in questions])
    nearness = (vectors @ reports[:, 0].T).max(axis=1)
    order = [questions[place] for place in np.argsort(-nearness, kind="stable")]
    return [*talk, *order[:ORDINARY]], [message.get(TEXT) for message in order[ORDINARY:]]
