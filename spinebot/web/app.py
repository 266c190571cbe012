"""Puts the web process together: routes, headers, errors, the start and the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spinebot import safety
from spinebot.clinic import clinic
from spinebot.errors import NotFoundError
from spinebot.handoffs import FaultyDetailsError
from spinebot.settings import settings
from spinebot.web import chat, clinic_api, console, details, guards, home, metrics, pages
from spinebot.web.buttons import ForgedButtonError
from spinebot.web.chores import adopt, chores
from spinebot.web.console.auth import (
    ForbiddenError,
    NotSignedInError,
    SecondFactorNeededError,
    forbidden,
    problem_page,
    to_second_factor,
    to_sign_in,
)
from spinebot.web.rasa import Rasa
from spinebot.web.shared import Shared
from spinebot.web.turns import Turns

logger = logging.getLogger(__name__)

# A message of LONGEST_TEXT characters fits, whatever its alphabet; nothing larger is read.
LONGEST_BODY = 400_000
# Files of training data that trainers send.
LONGEST_FILE, FILES = 4_000_000, "/console/intents/import"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Rules with a fault must stop the start, not the first visitor's message.
    await to_thread.run_sync(safety.check, "warm up")
    app.state.rasa = Rasa(settings())
    shared = Shared(settings().redis_url)
    app.state.turns = turns = Turns(app.state.rasa, shared)
    running = [
        asyncio.create_task(chores(turns)),
        asyncio.create_task(adopt(turns)),
        asyncio.create_task(shared.listen(turns.hear, turns.look)),
    ]
    await turns.resume()
    yield
    for task in running:
        task.cancel()
    await turns.finish()
    await app.state.rasa.close()
    await shared.close()


def create_app() -> FastAPI:
    """Return the web process's application."""
    app = FastAPI(
        title="Spinebot",
        version="1",
        description="The contract between the chat widget and the web process.",
        lifespan=_lifespan,
        # The page that would show it loads scripts from another host.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.include_router(chat.router)
    app.include_router(home.router)
    app.include_router(details.router)
    app.include_router(clinic_api.router)
    app.include_router(metrics.router)
    app.include_router(pages.router)
    app.include_router(console.router)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(_Guard)
    # Last, so outermost: an error too must be readable on the clinic's site.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=clinic().sites,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Content-Type", "Last-Event-ID"],
        expose_headers=["Retry-After"],
    )
    _answer_errors(app)
    return app


def _answer_errors(app: FastAPI) -> None:
    """Have each kind of error answered in its own way."""
    app.add_exception_handler(NotSignedInError, to_sign_in)
    app.add_exception_handler(ForbiddenError, forbidden)
    app.add_exception_handler(SecondFactorNeededError, to_second_factor)
    app.add_exception_handler(NotFoundError, _not_found)
    app.add_exception_handler(ForgedButtonError, _gone)
    app.add_exception_handler(chat.EmptyMessageError, _empty)
    app.add_exception_handler(FaultyDetailsError, _faulty)
    app.add_exception_handler(guards.LaterError, _later)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(sa.exc.DataError, _not_storable)
    app.add_exception_handler(OverflowError, _not_storable)
    app.add_exception_handler(sa.exc.OperationalError, _database_away)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


class _Guard:
    """Refuses what may not come in, and puts the safety headers on what goes out.

    Plain ASGI: what Starlette offers for it starts two tasks for each request and copies each part
    of an answer from one to the other, event streams too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (refusal := _refusal(Request(scope))) is not None:
            await refusal(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


def _refusal(request: Request) -> Response | None:
    """Return what to say to a request that may not come in, or None."""
    if request.method in {"POST", "DELETE"} and not guards.is_allowed_origin(request):
        return _problem(403, "origin", "This website may not use this chat (`sites`, clinic.yml).")
    length = request.headers.get("content-length", "")
    if request.method == "POST" and not length.isdecimal():
        return _problem(411, "no_length", "Content-Length is missing.")
    longest = LONGEST_FILE if request.url.path.startswith(FILES) else LONGEST_BODY
    if request.method == "POST" and int(length) > longest:
        return _problem(413, "too_large", "That is too long to be sent in one message.")
    return None


def _problem(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _said(request: Request, status: int, code: str, message: str) -> Response:
    """Say what is wrong: to staff as a page, to everybody else as JSON."""
    if request.url.path.startswith("/console"):
        return problem_page(request, status, message)
    return _problem(status, code, message)


async def _not_found(request: Request, error: Exception) -> Response:
    return _said(request, 404, "not_found", str(error))


async def _gone(_request: Request, error: Exception) -> Response:
    return _problem(422, "forged_button", str(error))


async def _empty(_request: Request, _error: Exception) -> Response:
    return _problem(422, "empty", clinic().say("no_words"))


async def _faulty(_request: Request, error: Exception) -> Response:
    assert isinstance(error, FaultyDetailsError)
    problem = {"code": "fields", "message": str(error), "fields": error.fields}
    return JSONResponse({"error": problem}, status_code=422)


async def _later(request: Request, error: Exception) -> Response:
    assert isinstance(error, guards.LaterError)
    response = _said(request, 429, error.code, str(error))
    response.headers["Retry-After"] = str(error.wait)
    return response


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(
        f"{'.'.join(str(place) for place in fault['loc'])}: {fault['msg']}"
        for fault in error.errors()[:5]
    )
    return _said(request, 422, "unreadable", f"This could not be read: {faults}")


async def _not_storable(request: Request, _error: Exception) -> Response:
    """What a database refuses as a value: a zero byte, a number that is too large."""
    return _said(request, 422, "unreadable", "Something in it cannot be stored.")


async def _database_away(request: Request, error: Exception) -> Response:
    logger.error("the database is away: %s", type(error).__name__)
    return _said(request, 503, "database", clinic().say("trouble"))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _said(request, error.status_code, "http", str(error.detail))


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("unexpected: %s", type(error).__name__)
    return _said(request, 500, "unexpected", clinic().say("trouble"))
