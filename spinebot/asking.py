"""Asks the running assistant a question over HTTP, as a visitor's widget does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx

from spinebot.errors import SpinebotError
from spinebot.settings import settings

PATIENCE_SECONDS = 30


def ask(question: str) -> Iterator[str]:
    """Return the replies' texts, each with its buttons' titles.

    Raises:
        SpinebotError: the assistant does not run, or did not answer.
    """
    address = f"{settings().web_url}/api"
    try:
        with httpx.Client(base_url=address, timeout=10, trust_env=False) as client:
            yield from _ask(client, question)
    except httpx.ConnectError:
        raise SpinebotError("The assistant does not run: start it with `make run`.") from None
    except httpx.HTTPError as error:
        kind = type(error).__name__
        raise SpinebotError(f"The assistant did not answer properly ({kind}).") from error


def _ask(client: httpx.Client, question: str) -> Iterator[str]:
    token = _entry(client.post("/conversations", json={"page": "terminal"}), "token")
    way = f"/conversations/{token}/messages"
    number = _entry(client.post(way, json={"key": uuid4().hex, "text": question}), "number")
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if messages := _entry(client.get(way, params={"after": number}), "messages"):
            for message in messages:
                titles = "".join(f"\n  > {button['title']}" for button in message["buttons"])
                yield message["text"] + titles
            return
        time.sleep(0.1)
    raise SpinebotError(f"There was no reply within {PATIENCE_SECONDS} seconds.")


def _entry(response: httpx.Response, name: str) -> Any:
    """Return an entry of what the web process answered; where it refuses, its words are raised."""
    try:
        content = response.json()
        if response.is_success:
            return content[name]
        message = str(content["error"]["message"])
    except (ValueError, KeyError, TypeError):
        address = response.url.netloc.decode()
        raise SpinebotError(f"What answers at {address} is not the assistant.") from None
    raise SpinebotError(message)
