"""What the floor's Rasa loads: the REST channel, and the schema of action replies checked once.

Rasa imports it by the name in the floor's credentials.yml, in Rasa's own environment. Stock Rasa
checks the schema itself anew with every action's reply; without that, what is left of a turn is
what Rasa needs for it.
"""

from __future__ import annotations

import functools
from typing import Any

import jsonschema
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.rest import RestInput


@functools.cache
def _validator() -> Any:
    return jsonschema.Draft202012Validator(RemoteAction.action_response_format_spec())


def _validate_action_result(self: RemoteAction, result: dict[str, Any]) -> bool:
    _validator().validate(result)
    return True


RemoteAction._validate_action_result = _validate_action_result


class FloorRest(RestInput):  # type: ignore[misc]  # Rasa is not where mypy looks
    """The stock REST channel under its own name; loading it applies the change above."""
