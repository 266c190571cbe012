"""Where Rasa 3.6.21 must behave otherwise; applied when the channel loads.

Things that it does over and over are done once, and action calls suit a newer rasa-sdk.

Rasa Open Source ends with 3.6.21, so these cannot be overtaken; a test checks that what they
replace is still there. Figures: docs/decisions/0007-own-rasa-channel.md.
"""

from __future__ import annotations

import functools
import json
from typing import Any, Dict, List, Optional, Set, Type

import jsonschema
import rasa
import rasa.core.processor
from rasa.core.actions.action import RemoteAction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.core.processor import MessageProcessor
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.shared.utils.common import all_subclasses

from spinebot.bot import understanding
from spinebot.bot.graph_runner import PlainGraphRunner


@functools.cache
def _validator() -> jsonschema.protocols.Validator:
    return jsonschema.Draft202012Validator(RemoteAction.action_response_format_spec())


def _validate_action_result(self: RemoteAction, result: Dict[str, Any]) -> bool:
    """Check an action server's reply, with a schema that is itself checked once, not each time.

    A reply of the plain shape that rasa-sdk gives needs no walk through the schema.
    """
    if not _is_plain(result):
        _validator().validate(result)
    return True


def _is_plain(result: Dict[str, Any]) -> bool:
    events, responses = result.get("events"), result.get("responses")
    return (
        isinstance(events, list)
        and isinstance(responses, list)
        and all(isinstance(each, dict) and isinstance(each.get("event"), str) for each in events)
        and all(isinstance(each, dict) for each in responses)
    )


@functools.cache
def _event_types() -> Dict[str, Type[Event]]:
    return {cls.type_name: cls for cls in reversed(all_subclasses(Event))}


def _resolve_by_type(
    type_name: str, default: Optional[Type[Event]] = None
) -> Optional[Type[Event]]:
    """Find an event's class in a table, not by walking all subclasses for every event."""
    found = _event_types().get(type_name, default)
    if found is None and type_name != "topic":
        raise ValueError(f"Unknown event name '{type_name}'.")
    return found


# Actions look at this message and the one before: what was said earlier is in the slots.
MESSAGES_SENT = 2


def _action_call_format(
    self: RemoteAction, tracker: DialogueStateTracker, domain: Domain
) -> Dict[str, Any]:
    """Send the events of the last messages, where Rasa sends all that ever happened, at every call.

    And an empty domain: our actions read nothing from it, but the newer rasa-sdk refuses a call
    without one.
    """
    state = tracker.current_state(EventVerbosity.NONE)
    state["events"] = [event.as_dict() for event in _last_events(tracker)]
    return {
        "next_action": self._name,
        "sender_id": tracker.sender_id,
        "tracker": state,
        "version": rasa.__version__,
        "domain": {},
    }


def _last_events(tracker: DialogueStateTracker) -> List[Event]:
    found: List[Event] = []
    messages = 0
    for event in reversed(tracker.events):
        found.append(event)
        messages += isinstance(event, UserUttered)
        if messages == MESSAGES_SENT:
            break
    return found[::-1]


_find_action = RulePolicy._find_action_from_rules


def _find_action_from_rules(
    self: RulePolicy,
    tracker: DialogueStateTracker,
    domain: Domain,
    use_text_for_last_user_input: bool,
) -> Any:
    """Look the rules up by the message's text only where some rule has a text; ours have intents.

    Rasa looks twice after each message: by its text, then by its intent.
    """
    if use_text_for_last_user_input and not _has_text_rules(self):
        return None, None, False
    return _find_action(self, tracker, domain, use_text_for_last_user_input)


def _get_possible_keys(
    self: RulePolicy, lookup: Dict[str, str], states: List[Dict[str, Any]]
) -> Set[str]:
    """Look only at the rules whose last step fits the message's intent; Rasa tries every rule."""
    intent = states[-1].get("user", {}).get("intent") if states else None
    by_intent = _by_last_intent(self, lookup)
    possible = [*by_intent.get(None, ()), *(by_intent.get(intent, ()) if intent else ())]
    for turns_ago, state in enumerate(reversed(states)):
        possible = [key for key in possible if self._is_rule_applicable(key, turns_ago, state)]
    return set(possible)


def _by_last_intent(policy: RulePolicy, lookup: Dict[str, str]) -> Dict[Optional[str], List[str]]:
    """Return the rules by the intent that their last step asks for; None where it asks for none."""
    known = policy.__dict__.setdefault("spinebot_by_intent", {})
    if id(lookup) not in known:
        found: Dict[Optional[str], List[str]] = {}
        for key in lookup:
            last = json.loads(key)[-1:]
            intent = last[0].get("user", {}).get("intent") if last else None
            found.setdefault(intent, []).append(key)
        known[id(lookup)] = found
    rules: Dict[Optional[str], List[str]] = known[id(lookup)]
    return rules


def _has_text_rules(policy: RulePolicy) -> bool:
    found = getattr(policy, "spinebot_has_text_rules", None)
    if found is None:
        keys = policy.lookup.get("rules", {})
        found = any("text" in state.get("user", {}) for key in keys for state in json.loads(key))
        policy.spinebot_has_text_rules = found
    return bool(found)


class _NoCopies:
    """Stands where Rasa's processor looks for ``copy``: it copies only for debug lines."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        return value


def _trust_the_model(self: MessageProcessor, parse_data: Dict[str, Any]) -> None:
    """Rasa looks with each message for intents that the domain lacks; tests hold ours together."""


def apply() -> None:
    """Put these versions in place."""
    MessageProcessor._check_for_unseen_features = _trust_the_model
    MessageProcessor.parse_message = understanding.parse_message
    rasa.core.processor.DaskGraphRunner = PlainGraphRunner
    rasa.core.processor.copy = _NoCopies
    RemoteAction._action_call_format = _action_call_format
    RemoteAction._validate_action_result = _validate_action_result
    Event.resolve_by_type = staticmethod(_resolve_by_type)
    RulePolicy._find_action_from_rules = _find_action_from_rules
    RulePolicy._get_possible_keys = _get_possible_keys
    # Rules are kept as JSON text, and every rule was parsed anew for every state of every step.
    RulePolicy._rule_key_to_state = staticmethod(functools.lru_cache(maxsize=None)(json.loads))
