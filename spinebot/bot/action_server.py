"""Rasa's way to the action server, over connections that stay open.

Rasa opens a new connection for every action and waits up to 300 seconds, longer than a lock lives.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Dict, Iterator, List, Optional

import aiohttp
import ujson
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

# An action reads or writes a few rows. The database gives a writer five seconds.
TIMEOUT_SECONDS = 15

_failed: ContextVar[Optional[List[str]]] = ContextVar("failed", default=None)


@contextmanager
def failures() -> Iterator[List[str]]:
    """Collect the kinds of errors that calls within this block end with.

    Rasa goes on without an action that failed, as if it had nothing to say, and nobody is told.
    """
    found: List[str] = []
    token = _failed.set(found)
    try:
        yield found
    finally:
        _failed.reset(token)


class ActionServer(EndpointConfig):
    """The ``action_endpoint`` of endpoints.yml, with one client session for all calls."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        """Take what EndpointConfig takes; the session is opened with the first call."""
        super().__init__(*arguments, **more)
        self._open: Optional[aiohttp.ClientSession] = None

    @classmethod
    def of(cls, endpoint: EndpointConfig) -> ActionServer:
        """Return the same endpoint with connections that stay open."""
        return cls(
            endpoint.url,
            endpoint.params,
            endpoint.headers,
            endpoint.basic_auth,
            endpoint.token,
            endpoint.token_name,
            endpoint.cafile,
            **endpoint.kwargs,
        )

    async def request(
        self,
        method: str = "post",
        subpath: Optional[str] = None,
        content_type: Optional[str] = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Optional[Any]:
        """Call the action server and return its JSON.

        Raises:
            ClientResponseError: it answered with an error.
            aiohttp.ClientError: it could not be reached.
        """
        if method != "post" or subpath or compress or self.cafile:
            return await super().request(method, subpath, content_type, compress, **kwargs)
        body = ujson.dumps(kwargs["json"]).encode()
        try:
            return await self._call(body)
        except Exception as error:
            is_refusal = isinstance(error, ClientResponseError) and error.status == 400
            found = _failed.get()
            if found is not None and not is_refusal:
                found.append(type(error).__name__)
            raise

    async def _call(self, body: bytes) -> Any:
        try:
            return await self._post(body)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # A connection that was kept open and that the other side had closed by now. Actions
            # bear being called twice: answers only read, a handoff has a key of its own.
            return await self._post(body)

    async def _post(self, body: bytes) -> Any:
        headers: Dict[str, str] = {**self.headers, "Content-Type": "application/json"}
        params = self.combine_parameters({})
        async with self._session().post(
            self.url, data=body, headers=headers, params=params
        ) as reply:
            content = await reply.read()
            if reply.status >= 400:
                raise ClientResponseError(reply.status, reply.reason, content)
            return ujson.loads(content)

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None or self._open.closed:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            auth = aiohttp.BasicAuth(**self.basic_auth) if self.basic_auth else None
            self._open = aiohttp.ClientSession(auth=auth, timeout=timeout)
        return self._open
