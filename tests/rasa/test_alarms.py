"""Rasa's component that finds emergencies: the rules and the detector, each against the other."""

from __future__ import annotations

import pytest
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from spinebot import safety
from spinebot.bot.alarms import RedFlagDetector
from spinebot.bot.featurizer import SentenceEncoderFeaturizer
from spinebot.bot.gates import FINDINGS
from spinebot.language.intent_names import EMERGENCY
from spinebot.safety import examples
from spinebot.safety.examples import RuleExamples
from tests.rasa.test_components import CONTEXT, _message

# A rule that is fooled by words, and a plain report.
FOOLED = "walking like a robot today after deadlifts, hamstrings sore"
REPORT = "I can't pee and my crotch is numb."


def _few() -> dict[str, RuleExamples]:
    """Return some of the real examples: enough to tell a report from a harmless message."""
    return {
        rule: RuleExamples(each.action, each.fires[:12], each.quiet[:12])
        for rule, each in examples.read().items()
    }


def _featurized(text: str, intent: str = "ask_heat_or_ice") -> Message:
    message = _message(text)
    message.set(INTENT, {"name": intent, "confidence": 0.9})
    SentenceEncoderFeaturizer({"alias": None}, "encoder").process([message])
    return message


def _training_message(text: str, intent: str) -> Message:
    message = _featurized(text)
    message.set(INTENT, intent)
    return message


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> RedFlagDetector:
    """A detector trained with a few examples, stored and loaded."""
    patch = pytest.MonkeyPatch()
    found = _few()
    patch.setattr("spinebot.bot.alarms.red_flag_examples.read", lambda: found)
    storage = LocalModelStorage.create(tmp_path_factory.mktemp("alarms"))
    resource, config = Resource("alarms"), RedFlagDetector.get_default_config()
    ordinary = [
        ("heat or ice", "ask_heat_or_ice"),
        ("hello", "greet"),
        ("sore hamstrings", "greet"),
    ]
    RedFlagDetector.create(config, storage, resource, CONTEXT).train(
        TrainingData([_training_message(*each) for each in ordinary])
    )
    patch.undo()
    return RedFlagDetector.load(config, storage, resource, CONTEXT)


def _judged(detector: RedFlagDetector, text: str) -> tuple[str, list[str]]:
    message = _featurized(text)
    detector.process([message])
    return message.get(INTENT)["name"], message.get(FINDINGS)


def test_a_report_is_an_emergency_whatever_the_model_said(detector: RedFlagDetector) -> None:
    intent, findings = _judged(detector, REPORT)
    assert intent == EMERGENCY
    assert findings[0] == "RF01"


def test_what_no_rule_knows_is_found_by_example(detector: RedFlagDetector) -> None:
    unknown = [text for each in _few().values() for text in each.fires if not safety.check(text)]
    assert unknown
    assert {_judged(detector, text)[0] for text in unknown} == {EMERGENCY}


def test_a_rule_that_is_fooled_by_words_does_not_count(detector: RedFlagDetector) -> None:
    assert safety.check(FOOLED)
    assert _judged(detector, FOOLED) == ("ask_heat_or_ice", [])


def test_a_short_report_does_not_drown_in_a_long_message(detector: RedFlagDetector) -> None:
    long = f"I like your articles. My dog is called Rex. {REPORT} We went to the lake. Bye now."
    assert _judged(detector, long)[0] == EMERGENCY


@pytest.mark.parametrize("text", ["heat or ice?", "???", ""])
def test_what_is_no_report_is_left_alone(detector: RedFlagDetector, text: str) -> None:
    assert _judged(detector, text) == ("ask_heat_or_ice", [])


def test_untrained_it_says_so() -> None:
    untrained = RedFlagDetector({}, None, Resource("alarms"))  # type: ignore[arg-type]
    with pytest.raises(InvalidConfigException, match="has not been trained"):
        untrained.process([Message({TEXT: "hello"})])
