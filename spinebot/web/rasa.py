"""The way to Rasa: one call a turn, and its answer checked."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from spinebot.conversations import Understood
from spinebot.errors import SpinebotError
from spinebot.settings import Settings


class RasaError(SpinebotError):
    """Rasa could not be reached, or did not answer as it should."""


class RasaAwayError(RasaError):
    """Rasa, or what it needs, is away at the moment: another try may succeed."""


@dataclass(frozen=True)
class Turn:
    """What came of one turn."""

    replies: list[dict[str, Any]]
    understood: Understood
    memory: dict[str, Any]
    requested: str | None


class Rasa:
    """Speaks to Rasa's server. Made where a loop runs, which it then belongs to."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is sent yet."""
        self._client = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                sock_connect=settings.rasa_timeout, sock_read=settings.rasa_timeout
            ),
            # A connection for each turn: the next one may go to another model.
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        )
        self._rasa_url, self._actions_url = settings.rasa_url, settings.actions_url

    async def turn(
        self,
        message: int,
        sender: str,
        text: str,
        payload: str | None,
        memory: dict[str, Any],
        server: str = "",
    ) -> Turn:
        """Give Rasa one message and return what it says and understood.

        message: its number in the database; asked for again, the turn is not done again.
        server: of a candidate that is tried out; empty for the live model's.

        Raises:
            RasaAwayError: it cannot be reached, or what it needs cannot.
            RasaError: it failed, took too long, or had nothing to say.
        """
        body: dict[str, Any] = {"message": str(message), "sender": sender, "memory": memory}
        if payload and payload.startswith("/"):
            body["intent"] = payload[1:]
        else:
            body["text"] = payload or text
        began = time.perf_counter()
        answer = await self._post(body, server=server)
        if not answer.get("replies"):
            # A dead action server looks like this: 200, and nothing to say.
            raise RasaError("Rasa had nothing to say")
        return _turn(answer, (time.perf_counter() - began) * 1000)

    async def forget(self, conversation_id: int) -> None:
        """Have Rasa delete what its working memory holds of a conversation.

        Raises:
            RasaError: it cannot be reached, or failed.
        """
        await self._post({"conversation": conversation_id}, "forget")

    async def _post(
        self, body: dict[str, Any], call: str = "turn", server: str = ""
    ) -> dict[str, Any]:
        try:
            url = f"{server or self._rasa_url}/webhooks/spinebot/{call}"
            async with self._client.post(url, json=body) as response:
                response.raise_for_status()
                return dict(await response.json(content_type=None))
        except (aiohttp.ClientError, ValueError, TypeError) as error:
            kind = RasaAwayError if _may_pass(error) else RasaError
            raise kind(f"Rasa failed: {_kind(error)}") from error

    async def missing(self) -> list[str]:
        """Return what is not ready: of Rasa, its model, and the action server."""
        checks = {
            "rasa": f"{self._rasa_url}/webhooks/spinebot/",
            "actions": f"{self._actions_url}/health",
        }
        ready = await asyncio.gather(*(self._answers(url) for url in checks.values()))
        return [name for name, is_ready in zip(checks, ready, strict=True) if not is_ready]

    async def _answers(self, url: str) -> bool:
        try:
            async with self._client.get(url, timeout=aiohttp.ClientTimeout(total=2)) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _may_pass(error: Exception) -> bool:
    """Return whether another try may succeed: something died, or is not there yet."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status in {502, 503, 504}
    if isinstance(error, aiohttp.SocketTimeoutError):
        # It is there and takes too long: it would once more.
        return False
    return isinstance(error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError))


def _kind(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"status {error.status}"
    return type(error).__name__


def _turn(answer: dict[str, Any], milliseconds: float) -> Turn:
    understood = answer.get("understood") or {}
    return Turn(
        replies=list(answer["replies"]),
        understood=Understood(
            intent=understood.get("intent"),
            confidence=understood.get("confidence"),
            ranking=understood.get("ranking") or [],
            entities=understood.get("entities") or [],
            actions=answer.get("actions") or [],
            model=answer.get("model"),
            milliseconds=milliseconds,
        ),
        memory=dict(answer.get("memory") or {}),
        requested=answer.get("requested"),
    )
