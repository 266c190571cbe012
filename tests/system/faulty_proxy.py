"""A proxy between the browser and the web process that does what bad connections do.

Each visitor has a host name of their own (``p3.localhost``) and for it a schedule: what happens to
their next calls of the conversation, one after the other. When the schedule is used up, and for
everything else (pages, scripts), it only hands on.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from tests.system.assistant import wait_until

# What may happen to a call: it never arrives; it arrives and the answer is lost; it waits; it
# arrives twice; somebody on the way answers in the server's place; a stream ends after a moment.
FAULTS = ("drop", "lose", "delay", "double", "refuse", "cut")
DELAY_SECONDS = 0.15
STREAM_SECONDS = 0.2


class FaultyProxy:
    """An ASGI application that hands requests on to ``upstream``."""

    def __init__(self, upstream: str) -> None:
        """Begin without schedules."""
        self.schedules: dict[str, deque[str]] = {}
        self.client = httpx.AsyncClient(
            base_url=upstream,
            timeout=30,
            trust_env=False,
            limits=httpx.Limits(max_connections=None),
        )

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = b""
        while (part := await receive())["type"] == "http.request":
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        request = self.client.build_request(
            scope["method"],
            scope["path"],
            params=scope["query_string"].decode(),
            headers={**headers, "accept-encoding": "identity"},
            content=body,
        )
        fault = self._fault(headers["host"], scope["path"])
        if fault == "refuse":
            await self._answer(send, 503, b'{"error": {"code": "proxy", "message": "away"}}')
            return
        if fault == "drop":
            await self._break(send)
        if fault == "delay":
            await asyncio.sleep(DELAY_SECONDS)
        if scope["path"].endswith("/events"):
            await self._stream(request, receive, send, fault)
            return
        if fault == "double":
            await self.client.send(request)
        answer = await self.client.send(request)
        if fault in {"lose", "cut"}:
            await self._break(send)
        await self._answer(send, answer.status_code, answer.content, answer.headers)

    def _fault(self, host: str, path: str) -> str | None:
        schedule = self.schedules.get(host.split(":")[0])
        if not schedule or "/api/conversations" not in path:
            return None
        return schedule.popleft()

    async def _stream(
        self, request: httpx.Request, receive: Any, send: Any, fault: str | None
    ) -> None:
        answer = await self.client.send(request, stream=True)

        async def hand_on() -> None:
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})

        await self._start(send, answer.status_code, answer.headers)
        # Until the server ends it, the browser has gone, or the network cuts it.
        running = [asyncio.create_task(hand_on()), asyncio.create_task(receive())]
        try:
            await asyncio.wait(
                running,
                timeout=STREAM_SECONDS if fault in {"cut", "lose"} else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await answer.aclose()
        await send({"type": "http.response.body", "body": b""})

    async def _start(self, send: Any, status: int, headers: httpx.Headers | None = None) -> None:
        kept = [
            (name.encode(), value.encode())
            for name, value in (headers or {}).items()
            if name in {"content-type", "etag", "cache-control", "retry-after"}
        ]
        await send({"type": "http.response.start", "status": status, "headers": kept})

    async def _answer(
        self, send: Any, status: int, body: bytes, headers: httpx.Headers | None = None
    ) -> None:
        await self._start(send, status, headers)
        await send({"type": "http.response.body", "body": body})

    async def _break(self, send: Any) -> None:
        """Close the connection in the middle of an answer."""
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"1000")],
            }
        )
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionError("cut on purpose")


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[tuple[FaultyProxy, int]]:
    """Run a proxy in a thread; give it and its port."""
    proxy = FaultyProxy(upstream)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(proxy, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield proxy, listener.getsockname()[1]
    finally:
        server.force_exit = server.should_exit = True
        thread.join(10)
