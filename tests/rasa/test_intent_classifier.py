"""Rasa's component around the intents' model: training, the ranking, and the fallback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from spinebot.bot.featurizer import SentenceEncoderFeaturizer
from spinebot.bot.intent_classifier import RANKED, SentenceIntentClassifier
from spinebot.language.intent_names import FALLBACK
from spinebot.language.thresholds import STEPS
from tests.rasa.test_components import CONTEXT, _message

HEAT_OR_GREET = (
    ("ask_heat_or_ice", "use a heating pad or ice"),
    ("ask_heat_or_ice", "warm or cold pack"),
    ("greet", "hello there"),
    ("greet", "hi good morning"),
)


def _featurized(text: str, intent: str = "") -> Message:
    message = _message(text)
    if intent:
        message.set(INTENT, intent)
    SentenceEncoderFeaturizer({"alias": None}, "encoder").process([message])
    return message


def _trained(
    folder: Path, most_lost: float = 0.03, examples: Any = HEAT_OR_GREET
) -> tuple[SentenceIntentClassifier, SentenceIntentClassifier]:
    """Return a classifier, and the same one stored and loaded."""
    folder.mkdir(exist_ok=True)
    storage, resource = LocalModelStorage.create(folder), Resource("classifier")
    config = {**SentenceIntentClassifier.get_default_config(), "most_lost": most_lost}
    classifier = SentenceIntentClassifier.create(config, storage, resource, CONTEXT)
    classifier.train(TrainingData([_featurized(text, intent) for intent, text in examples]))
    return classifier, SentenceIntentClassifier.load(config, storage, resource, CONTEXT)


def _ranking(classifier: SentenceIntentClassifier, text: str) -> list[dict[str, Any]]:
    message = _featurized(text)
    classifier.process([message])
    ranking = message.get(INTENT_RANKING_KEY)
    assert message.get(INTENT) == ranking[0]
    assert {INTENT, INTENT_RANKING_KEY} <= message.output_properties
    return list(ranking)


def test_a_loaded_classifier_says_what_the_trained_one_said(tmp_path: Path) -> None:
    trained, loaded = _trained(tmp_path)
    text = "should i put ice on it"
    assert _ranking(trained, text)[0]["name"] == "ask_heat_or_ice"
    assert _ranking(trained, text) == _ranking(loaded, text)


def test_a_foreign_message_gets_little_confidence(tmp_path: Path) -> None:
    classifier, _ = _trained(tmp_path)
    near = _ranking(classifier, "heat pad or cold pack")
    far = _ranking(classifier, "the capital of mongolia")
    assert near[0]["confidence"] > 0.4
    surest = max(each["confidence"] for each in far if each["name"] != FALLBACK)
    assert surest < 0.6 * near[0]["confidence"]


def test_below_the_threshold_the_fallback_stands_before_the_ranking(tmp_path: Path) -> None:
    # The threshold is the highest there is where all right answers may be lost.
    strict, loaded = _trained(tmp_path / "strict", most_lost=1.0)
    text = "the capital of mongolia"
    first, *behind = _ranking(strict, text)
    assert first == {"name": FALLBACK, "confidence": STEPS[-1]}
    assert {each["name"] for each in behind} == {"ask_heat_or_ice", "greet"}
    assert behind == sorted(behind, key=lambda each: -each["confidence"])
    assert all(each["confidence"] < STEPS[-1] for each in behind)
    assert _ranking(loaded, text) == [first, *behind]


def test_above_the_threshold_there_is_no_fallback(tmp_path: Path) -> None:
    strict, _ = _trained(tmp_path, most_lost=1.0)
    first, *behind = _ranking(strict, "use a heating pad or ice")
    assert first["name"] == "ask_heat_or_ice"
    assert first["confidence"] >= STEPS[-1]
    assert FALLBACK not in {each["name"] for each in behind}


def test_the_ranking_is_cut_after_the_likeliest(tmp_path: Path) -> None:
    many = [(f"intent_{number}", f"example number {number}") for number in range(RANKED + 3)]
    classifier, _ = _trained(tmp_path, examples=many)
    shown = [each for each in _ranking(classifier, "a number") if each["name"] != FALLBACK]
    assert len(shown) == RANKED


def test_same_data_make_the_same_model(tmp_path: Path) -> None:
    for name in ("once", "again"):
        _trained(tmp_path / name)
    for file in ("intents.json", "threshold.json"):
        once, again = (next((tmp_path / n).rglob(file)).read_bytes() for n in ("once", "again"))
        assert once == again
    once, again = (np.load(next((tmp_path / n).rglob("intents.npz"))) for n in ("once", "again"))
    assert once.files == again.files
    assert all(np.array_equal(once[name], again[name]) for name in once.files)


def test_the_name_of_an_intent_is_learnt(tmp_path: Path) -> None:
    unhelpful = [("ask_back_brace", "zzz"), ("greet", "qqq")]
    classifier, _ = _trained(tmp_path, examples=unhelpful)
    shown = [e for e in _ranking(classifier, "back brace") if e["name"] != FALLBACK]
    assert shown[0]["name"] == "ask_back_brace"
    assert shown[0]["confidence"] > 0.7


def test_a_message_without_words_is_not_understood(tmp_path: Path) -> None:
    classifier, _ = _trained(tmp_path)
    message = Message({TEXT: ""})
    classifier.process([message])
    assert message.get(INTENT)["name"] == FALLBACK


def test_one_intent_alone_cannot_be_learnt(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigException, match="two intents"):
        _trained(tmp_path, examples=[("greet", "hello"), ("greet", "hi")])


def test_other_features_than_the_encoders_are_refused(tmp_path: Path) -> None:
    classifier, _ = _trained(tmp_path)
    message = _message("hello")
    foreign = Features(np.ones((1, 5), dtype=np.float32), FEATURE_TYPE_SENTENCE, TEXT, "foreign")
    message.add_features(foreign)
    with pytest.raises(InvalidConfigException, match="SentenceEncoderFeaturizer"):
        classifier.process([message])


def test_an_untrained_classifier_says_so(tmp_path: Path) -> None:
    storage = LocalModelStorage.create(tmp_path)
    classifier = SentenceIntentClassifier.create({}, storage, Resource("x"), CONTEXT)
    with pytest.raises(InvalidConfigException, match="not been trained"):
        classifier.process([_message("hello")])
