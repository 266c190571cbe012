"""Where Rasa 3.6.21 must behave otherwise; applied when the channel loads.

Things that it does over and over are done once, and action calls suit a newer rasa-sdk.

Rasa Open Source ends with 3.6.21, so these cannot be overtaken; a test checks that what they
replace is still there. Figures: docs/decisions/0007-own-rasa-channel.md.
"""

from __future__ import annotations

import functools
import json
from typing import Any, Dict, Optional, Type

import jsonschema
import rasa.core.processor
from rasa.core.actions.action import RemoteAction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils.common import all_subclasses

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


_call_format = RemoteAction._action_call_format


def _action_call_format(
    self: RemoteAction, tracker: DialogueStateTracker, domain: Domain
) -> Dict[str, Any]:
    """Send an empty domain where Rasa sends none: the newer rasa-sdk refuses a call without one.

    Our actions read nothing from it; the whole domain would be written out at every call.
    """
    call: Dict[str, Any] = _call_format(self, tracker, domain)
    call.setdefault("domain", {})
    return call


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


def apply() -> None:
    """Put these versions in place."""
    rasa.core.processor.DaskGraphRunner = PlainGraphRunner
    rasa.core.processor.copy = _NoCopies
    RemoteAction._action_call_format = _action_call_format
    RemoteAction._validate_action_result = _validate_action_result
    Event.resolve_by_type = staticmethod(_resolve_by_type)
    RulePolicy._find_action_from_rules = _find_action_from_rules
    # Rules are kept as JSON text, and every rule was parsed anew for every state of every step.
    RulePolicy._rule_key_to_state = staticmethod(functools.lru_cache(maxsize=None)(json.loads))
