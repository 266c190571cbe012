"""Asks the running assistant a question over HTTP, as a visitor's widget does."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
    address = f"http://127.0.0.1:{settings().web_port}/api"
    try:
        with httpx.Client(base_url=address, timeout=10, trust_env=False) as client:
            yield from _ask(client, question)
    except httpx.ConnectError:
        raise SpinebotError("The assistant does not run: start it with `make run`.") from None


def _ask(client: httpx.Client, question: str) -> Iterator[str]:
    token = client.post("/conversations", json={"page": "terminal"}).json()["token"]
    said = client.post(
        f"/conversations/{token}/messages", json={"key": uuid4().hex, "text": question}
    )
    if said.is_error:
        raise SpinebotError(said.json()["error"]["message"])
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = client.get(f"/conversations/{token}/messages", params={"after": 1}).json()
        if found["messages"]:
            for message in found["messages"]:
                titles = "".join(f"\n  > {button['title']}" for button in message["buttons"])
                yield message["text"] + titles
            return
        time.sleep(0.1)
    raise SpinebotError(f"There was no reply within {PATIENCE_SECONDS} seconds.")
