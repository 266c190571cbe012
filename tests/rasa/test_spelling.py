"""Typing errors are mended before a message is understood."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from spinebot.bot.spelling import MENDED, SpellingMender, words_of
from spinebot.language.spelling import Speller
from tests.rasa.test_components import CONTEXT

TAUGHT = (
    "does a herniated disc cause muscle spasms",
    "how long do muscle spasms last",
    "is the disc bulging or herniated",
    "can I drive with sciatica",
    "my back is stiff",
    "should I use ice or heat on my back",
)


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller.of(TAUGHT)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("how long do musle spams last?", "how long do muscle spasms last?"),
        ("my bakc is stif", "my back is stiff"),
        ("Siatica, and a herniatd disc!", "sciatica, and a herniated disc!"),
        # A word that exists, but not here: the words around it decide.
        ("teh disk or muscle spams?", "the disc or muscle spasms?"),
    ],
)
def test_one_wrong_letter_is_mended(speller: Speller, typed: str, meant: str) -> None:
    assert speller.mend(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        *TAUGHT,
        "Should I use Ice or Heat?",
        "I drank a glass of water in Paris",
        "L5-S1 42%",
        "привет, у меня болит спина",
        "xqzzvw",
        "?!",
        "",
    ],
)
def test_what_is_right_or_unknown_stays(speller: Speller, text: str) -> None:
    assert speller.mend(text) == text


def test_it_knows_nothing_and_still_mends_english() -> None:
    assert Speller.of([]).mend("where is the hopsital") == "where is the hospital"


def test_what_was_stored_mends_alike(speller: Speller, tmp_path: Path) -> None:
    speller.save(tmp_path)
    assert Speller.load(tmp_path) == speller


def test_the_component_keeps_the_text_and_its_examples(tmp_path: Path) -> None:
    storage, resource = LocalModelStorage.create(tmp_path), Resource("spelling")
    component = SpellingMender.create({}, storage, resource, CONTEXT)
    with pytest.raises(InvalidConfigException, match="not been trained"):
        component.process([Message({TEXT: "hello"})])
    examples = TrainingData([Message({TEXT: text, "intent": "ask"}) for text in TAUGHT])
    component.train(examples)
    assert component.process_training_data(examples) is examples
    assert all(MENDED not in each.data for each in examples.training_examples)
    message = Message({TEXT: "musle spams"})
    SpellingMender.load({}, storage, resource, CONTEXT).process([message])
    assert (message.get(TEXT), words_of(message)) == ("musle spams", "muscle spasms")
