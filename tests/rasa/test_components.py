"""What Rasa loads, tested in Rasa's own environment."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasa.core.actions.action import RemoteAction
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.utils.endpoints import EndpointConfig

from spinebot.bot import channel, patches, tracker_store
from spinebot.bot.entities import SpineTermExtractor
from spinebot.bot.featurizer import SentenceEncoderFeaturizer
from spinebot.bot.gates import MessageScreen
from spinebot.bot.intent_classifier import SentenceIntentClassifier, vectors_of
from spinebot.bot.tokenizer import SpacyTokenizer
from spinebot.language.encoder import VIEWS, WIDTH

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = ExecutionContext(GraphSchema({}), node_name="node")


def test_rasa_runs_on_the_python_it_needs() -> None:
    assert sys.version_info[:2] == (3, 10)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "spinebot/language").glob("*.py")), ids=lambda path: path.stem
)
def test_every_language_module_imports_here_too(path: Path) -> None:
    importlib.import_module(f"spinebot.language.{path.stem}")


def test_the_safety_rules_import_here_too() -> None:
    safety = importlib.import_module("spinebot.safety")
    assert safety.check("i can't pee and my crotch is numb")


def _message(text: str) -> Message:
    message = Message({TEXT: text})
    SpacyTokenizer(SpacyTokenizer.get_default_config()).process([message])
    return message


def test_tokens_point_into_the_text() -> None:
    tokens = _message("my L4-L5 can't wait").get("text_tokens")
    assert [token.text for token in tokens][:2] == ["my", "L4"]
    for token in tokens:
        assert "my L4-L5 can't wait"[token.start : token.end] == token.text


def test_entities_are_added_to_the_output() -> None:
    message = Message({TEXT: "slipped disk at l4/5"})
    SpineTermExtractor().process([message])
    found = {(each["entity"], each["value"]) for each in message.get(ENTITIES)}
    assert found == {("condition", "herniated disc"), ("level", "L4-L5")}
    assert ENTITIES in message.output_properties


def test_the_featurizer_gives_a_sentence_and_a_sequence() -> None:
    message = _message("heat or ice")
    SentenceEncoderFeaturizer({"alias": None}, "encoder").process([message])
    sequence, sentence = message.get_dense_features(TEXT)
    assert sentence.features.shape == (1, VIEWS * WIDTH)
    assert sequence.features.shape == (3, VIEWS * WIDTH)
    assert np.allclose(np.linalg.norm(vectors_of(message), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("component", [SentenceEncoderFeaturizer, SentenceIntentClassifier])
def test_other_weights_are_another_fingerprint(
    component: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = component.fingerprint_addon({})
    (tmp_path / "encoder.onnx").write_bytes(b"other")
    monkeypatch.setenv("SPINEBOT_ENCODER_DIR", str(tmp_path))
    assert component.fingerprint_addon({}) != before


@pytest.mark.parametrize(
    ("text", "intent"),
    [("???", "no_words"), ("x" * 2001, "too_long"), ("где болит", "other_language")],
)
def test_the_screen_overrules_and_keeps_the_ranking(text: str, intent: str) -> None:
    model_said = [{"name": "greet", "confidence": 0.9}]
    message = Message({TEXT: text, INTENT: model_said[0], INTENT_RANKING_KEY: model_said})
    MessageScreen().process([message])
    assert message.get(INTENT) == {"name": intent, "confidence": 1.0}
    assert message.get(INTENT_RANKING_KEY)[1:] == model_said


def test_the_screen_leaves_an_ordinary_question_alone() -> None:
    message = Message({TEXT: "heat or ice?", INTENT: {"name": "x", "confidence": 0.5}})
    MessageScreen().process([message])
    assert message.get(INTENT)["name"] == "x"


def test_what_the_patches_replace_is_still_there() -> None:
    """Rasa's own source: were it another version, the patches would have to be looked at."""
    source = Path(inspect.getsourcefile(RemoteAction) or "").read_text(encoding="utf-8")
    names = {n.name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)}
    assert {
        "_validate_action_result",
        "_action_call_format",
        "action_response_format_spec",
    } <= names


def test_a_bad_reply_of_the_action_server_is_still_refused() -> None:
    from jsonschema import ValidationError

    action = RemoteAction("an_action", EndpointConfig("http://localhost"))
    assert action._validate_action_result({"events": [], "responses": []})
    with pytest.raises(ValidationError):
        action._validate_action_result({"events": "none", "responses": []})


def test_every_event_type_is_found_as_before() -> None:
    from rasa.shared.utils.common import all_subclasses

    for cls in all_subclasses(Event):
        found = patches._resolve_by_type(cls.type_name)
        assert found is not None
        assert found.type_name == cls.type_name
    with pytest.raises(ValueError, match="Unknown event"):
        patches._resolve_by_type("nothing")


@pytest.mark.parametrize("text", ["/restart", " //restart", "/\n/restart"])
def test_typed_commands_become_text(text: str) -> None:
    assert channel._rasa_text({"text": text}) == "restart"


def test_a_button_becomes_a_command() -> None:
    assert channel._rasa_text({"intent": "affirm"}) == "/affirm"


async def _saved(store: tracker_store.WorkingMemory) -> DialogueStateTracker:
    tracker = await store.get_or_create_tracker("visitor")
    tracker.update(SlotSet("name", "x"))
    await store.save(tracker)
    return tracker


def test_the_tracker_store_keeps_and_uses_wal(tmp_path: Path) -> None:
    store = tracker_store.WorkingMemory(Domain.empty(), host=f"sqlite:///{tmp_path / 't.db'}")
    asyncio.run(_saved(store))
    assert asyncio.run(store.retrieve("visitor")) is not None
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


DOMAIN = Domain.from_yaml(
    "intents: [ask_x]\n"
    "slots:\n"
    "  one: {type: any, mappings: [{type: custom}]}\n"
    "  two: {type: any, mappings: [{type: custom}]}\n"
    "forms: {a_form: {required_slots: [one]}}\n"
    "actions: [action_x]\n"
)


def _event(kind: str, number: int) -> Event:
    """Return one of the events that leave something behind."""
    return {
        "one": SlotSet("one", number),
        "two": SlotSet("two", [number]),
        "unset": SlotSet("one", None),
        "open": ActiveLoop("a_form"),
        "close": ActiveLoop(None),
        "action": ActionExecuted("action_x"),
    }[kind]


@pytest.mark.parametrize("seed", range(12))
def test_a_long_conversation_is_loaded_short_and_means_the_same(seed: int) -> None:
    """Slots, form and the last messages are those of the whole conversation."""
    chance = random.Random(seed)
    kinds = ("one", "two", "unset", "open", "close", "action")
    turns = [chance.choices(kinds, k=chance.randrange(4)) for _ in range(1 + 3 * seed)]

    async def talk() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = tracker_store.WorkingMemory(DOMAIN, host=f"sqlite:///{folder}/t.db")
            whole = DialogueStateTracker.from_events("visitor", [], DOMAIN.slots)
            whole.update(SessionStarted())
            for number, happened in enumerate(turns):
                loaded = await store.get_or_create_tracker("visitor", append_action_listen=False)
                events = [
                    *([SessionStarted()] if number == 0 else []),
                    UserUttered(f"message {number}", {"name": "ask_x"}),
                    *(_event(kind, number) for kind in happened),
                ]
                for event in events:
                    loaded.update(event, DOMAIN)
                    if not isinstance(event, SessionStarted):
                        whole.update(event, DOMAIN)
                await store.save(loaded)
            again = await store.retrieve("visitor")
            assert again is not None
            assert again.current_slot_values() == whole.current_slot_values()
            assert again.active_loop_name == whole.active_loop_name
            said = [each.text for each in again.events if isinstance(each, UserUttered)]
            everything = [f"message {number}" for number in range(len(turns))]
            assert said == everything[-tracker_store.MESSAGES_KEPT :]
            with store.engine.connect() as connection:
                kept = connection.exec_driver_sql("SELECT count(*) FROM events").scalar()
            assert kept == 1 + sum(1 + len(happened) for happened in turns), (
                "nothing is stored twice"
            )

    asyncio.run(talk())


def test_an_action_gets_the_last_two_messages_and_all_slots() -> None:
    tracker = DialogueStateTracker.from_events("visitor", [], DOMAIN.slots)
    tracker.update(SlotSet("one", 1), DOMAIN)
    for number in range(5):
        tracker.update(UserUttered(f"message {number}", {"name": "ask_x"}), DOMAIN)
        tracker.update(ActionExecuted("action_x"), DOMAIN)
    call = patches._action_call_format(RemoteAction("action_x", None), tracker, DOMAIN)
    assert [each["event"] for each in call["tracker"]["events"]] == ["user", "action"] * 2
    assert call["tracker"]["latest_message"]["text"] == "message 4"
    assert call["tracker"]["slots"]["one"] == 1


def test_a_misspelt_store_is_noticed() -> None:
    right = EndpointConfig(type="spinebot.bot.tracker_store.WorkingMemory")
    assert tracker_store.endpoint_is_ours(right)
    assert not tracker_store.endpoint_is_ours(EndpointConfig(type="spinebot.WorkingMemory"))
    assert not tracker_store.endpoint_is_ours(None)
