"""Rasa's way to the action server, against a real one on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from spinebot.bot import action_server
from spinebot.bot.action_server import ActionServer

CALL = {"next_action": "action_greet", "tracker": {"sender_id": "v", "text": "grüß dich"}}
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Actions:
    """An action server that notes each call, and the connection that it came over."""

    def __init__(self, *, closes_after: int = 99, status: int = 200) -> None:
        """closes_after: it closes a connection without a word at the call after so many."""
        self.calls: list[dict[str, Any]] = []
        self.connections: list[tuple[Any, ...]] = []
        self.requests: list[web.Request] = []
        self._closes_after, self._status = closes_after, status

    async def answer(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        connection = request.transport.get_extra_info("peername")
        self.connections.append(connection)
        self.requests.append(request)
        if self.connections.count(connection) > self._closes_after:
            request.transport.close()
            return web.Response()
        self.calls.append(json.loads(await request.read()))
        reply = {"events": [], "responses": [{"text": "schön"}], "error": "no such action"}
        return web.json_response(reply, status=self._status)


@asynccontextmanager
async def serving(answer: Handler, **settings: Any) -> AsyncIterator[ActionServer]:
    app = web.Application()
    app.router.add_post("/webhook", answer)
    server = web.AppRunner(app, shutdown_timeout=0.1)
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    port = server.addresses[0][1]
    ours = ActionServer.of(EndpointConfig(f"http://127.0.0.1:{port}/webhook", **settings))
    try:
        yield ours
    finally:
        await ours._session().close()
        await server.cleanup()


def test_a_call_arrives_and_its_answer_comes_back() -> None:
    async def call() -> Any:
        async with serving(actions.answer) as ours:
            return await ours.request(json=CALL, method="post")

    actions = Actions()
    assert asyncio.run(call())["responses"] == [{"text": "schön"}]
    assert actions.calls == [CALL]


def test_calls_share_one_connection() -> None:
    async def call() -> None:
        async with serving(actions.answer) as ours:
            for _ in range(3):
                await ours.request(json=CALL)

    actions = Actions()
    asyncio.run(call())
    assert len(actions.connections) == 3
    assert len(set(actions.connections)) == 1


def test_rasas_own_endpoint_opens_a_connection_for_each_call() -> None:
    async def call() -> None:
        async with serving(actions.answer) as ours:
            for _ in range(3):
                await EndpointConfig(ours.url).request(json=CALL)

    actions = Actions()
    asyncio.run(call())
    assert len(set(actions.connections)) == 3


def test_a_call_is_made_again_when_the_other_side_closed_the_connection() -> None:
    async def call() -> list[Any]:
        async with serving(actions.answer) as ours:
            return [await ours.request(json=CALL) for _ in range(2)]

    actions = Actions(closes_after=1)
    assert all(each["responses"] for each in asyncio.run(call()))
    assert len(actions.calls) == 2
    first, closed, again = actions.connections
    assert first == closed != again


def test_a_server_that_keeps_closing_is_not_called_for_ever() -> None:
    async def call() -> None:
        async with serving(actions.answer) as ours:
            with pytest.raises(aiohttp.ClientError):
                await ours.request(json=CALL)

    actions = Actions(closes_after=0)
    asyncio.run(call())
    assert len(actions.connections) == 2


def test_a_refused_action_is_an_error_with_the_servers_words() -> None:
    async def call() -> None:
        async with serving(actions.answer) as ours:
            with pytest.raises(ClientResponseError) as caught:
                await ours.request(json=CALL)
        assert caught.value.status == 400
        # As Rasa reads it, to tell a refused action from a fault.
        assert json.loads(caught.value.text)["error"] == "no such action"

    actions = Actions(status=400)
    asyncio.run(call())
    assert len(actions.calls) == 1


def test_after_an_error_the_next_call_is_answered() -> None:
    async def call() -> Any:
        async with serving(actions.answer) as ours:
            with pytest.raises(ClientResponseError):
                await ours.request(json=CALL)
            actions._status = 200
            return await ours.request(json=CALL)

    actions = Actions(status=500)
    assert asyncio.run(call())["responses"]
    assert len(set(actions.connections)) == 1


def test_a_server_that_is_away_is_an_error() -> None:
    async def call() -> None:
        async with serving(Actions().answer) as ours:
            address = ours.url
        away = ActionServer(address)
        try:
            with pytest.raises(aiohttp.ClientConnectorError):
                await away.request(json=CALL)
        finally:
            await away._session().close()

    asyncio.run(call())


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.json_response({})

    async def call() -> None:
        async with serving(hang) as ours:
            with pytest.raises(asyncio.TimeoutError):
                await ours.request(json=CALL)

    monkeypatch.setattr(action_server, "TIMEOUT_SECONDS", 0.3)
    asyncio.run(asyncio.wait_for(call(), 4))


def test_token_headers_and_password_are_sent() -> None:
    async def call() -> None:
        settings = {
            "token": "secret",
            "headers": {"X-Clinic": "one"},
            "basic_auth": {"login": "ann", "password": "pw"},
        }
        async with serving(actions.answer, **settings) as ours:
            await ours.request(json=CALL)

    actions = Actions()
    asyncio.run(call())
    (request,) = actions.requests
    assert request.query["token"] == "secret"
    assert request.headers["X-Clinic"] == "one"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == aiohttp.BasicAuth("ann", "pw").encode()
