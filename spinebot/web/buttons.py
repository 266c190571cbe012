"""Buttons: what stands behind them is signed, so that a visitor can only press ours."""

from __future__ import annotations

import base64
import json
from typing import Any

from spinebot.errors import SpinebotError
from spinebot.keys import is_signature, signature


class ForgedButtonError(SpinebotError):
    """A button that this conversation was never shown."""


def sign(conversation_id: int, title: str, payload: str) -> str:
    """Return the token that stands behind a button of this conversation."""
    content = json.dumps([title, payload], separators=(",", ":")).encode()
    return f"{_text(content)}.{_text(signature('buttons', _bound(conversation_id, content)))}"


def verify(conversation_id: int, token: str) -> tuple[str, str]:
    """Return the button's title and payload.

    Raises:
        ForgedButtonError: we did not sign it for this conversation.
    """
    try:
        content, signed = (_bytes(part) for part in token.split("."))
        title, payload = json.loads(content)
    except ValueError:
        raise ForgedButtonError("That choice is no longer there. Please type it.") from None
    if len(signed) != 32 or not is_signature("buttons", _bound(conversation_id, content), signed):
        raise ForgedButtonError("That choice is no longer there. Please type it.")
    return str(title), str(payload)


def signed(conversation_id: int, buttons: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return the buttons as the widget gets them."""
    return [
        {
            "title": button["title"],
            "payload": sign(conversation_id, button["title"], button["payload"]),
        }
        for button in buttons
    ]


def _bound(conversation_id: int, content: bytes) -> bytes:
    return f"{conversation_id}:".encode() + content


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
