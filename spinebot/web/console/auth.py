"""Who is signed in, what they may do, and that a form was sent from our own page."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from anyio import to_thread
from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from spinebot import accounts, audit
from spinebot.accounts import Right
from spinebot.db import now, reading, writing
from spinebot.errors import NotFoundError, SpinebotError
from spinebot.keys import signature
from spinebot.models import Account, Role
from spinebot.settings import settings
from spinebot.web.pages import templates

COOKIE = "spinebot_login"
HOME = "/console/conversations"


class NotSignedInError(SpinebotError):
    """Nobody is signed in. ``back``: where to go afterwards."""

    def __init__(self, back: str) -> None:
        """Say so."""
        super().__init__("Please sign in.")
        self.back = back


class ForbiddenError(SpinebotError):
    """Somebody is signed in and may not do this."""


class SecondFactorNeededError(SpinebotError):
    """Somebody is signed in and must have a second factor before anything else."""


@dataclass(frozen=True)
class Staff:
    """Who asks."""

    login_id: int
    id: int
    email: str
    name: str
    role: str
    needs_factor: bool  # and has none yet

    @property
    def csrf(self) -> str:
        """What every form of theirs carries: another site cannot know it."""
        return signature("forms", str(self.login_id).encode()).hex()

    @property
    def first_name(self) -> str:
        """What visitors are told."""
        return self.name.split()[0]

    def may(self, right: str) -> bool:
        """Return whether they have a right, by its name (for templates)."""
        return Right[right] in accounts.RIGHTS[Role(self.role)]


def allow(right: Right | None) -> Any:
    """A dependency: the member of staff who asks, if they have the right (None: any)."""

    async def check(request: Request) -> Staff:
        staff = await to_thread.run_sync(_staff, request)
        if right is not None and staff.needs_factor:
            raise SecondFactorNeededError("Switch on a second factor first: it is required here.")
        if right is not None and not staff.may(right.name):
            raise ForbiddenError(f"Your role ({staff.role}) does not allow to {right.value}.")
        if request.method not in {"GET", "HEAD"}:
            await _check_form(request, staff)
        return staff

    check.__doc__ = right.value if right else "be signed in"
    return Depends(check)


AnyStaff = Annotated[Staff, allow(None)]


def _staff(request: Request) -> Staff:
    token = request.cookies.get(COOKIE, "")
    with reading() as session:
        login = accounts.signed_in(session, token) if token else None
        if login is None:
            path = request.url.path if request.method == "GET" else HOME
            query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
            raise NotSignedInError(path + query)
        account = login.account
        lacks = account.totp_secret is None and accounts.needs_second_factor(account.role)
        staff = Staff(login.id, account.id, account.email, account.name, account.role, lacks)
        is_stale = login.seen_at + accounts.SEEN_EVERY < now()
    if is_stale:
        with writing() as session:
            accounts.seen(session, staff.login_id)
    return staff


def is_own_page(request: Request) -> bool:
    """Return whether a form was sent from a page of ours: sites that embed the chat are others."""
    origin = request.headers.get("origin")
    own = {request.headers.get("host", ""), urlsplit(settings().public_url).netloc}
    return origin is None or urlsplit(origin).netloc in own


async def _check_form(request: Request, staff: Staff) -> None:
    form = await request.form()
    sent = str(form.get("csrf") or request.headers.get("x-csrf") or "")
    if not is_own_page(request) or not hmac.compare_digest(sent.encode(), staff.csrf.encode()):
        raise ForbiddenError("This form is too old. Go back, reload the page and try again.")


def page(
    request: Request, template: str, staff: Staff | None, code: int = 200, /, **content: Any
) -> HTMLResponse:
    """Return a page of the console. What staff read is kept by no browser."""
    content.setdefault("done", "")
    content["done"] = content["done"] or _notice(request)
    response = templates.TemplateResponse(
        request,
        f"console/{template}",
        {"staff": staff, "path": request.url.path, **content},
        code,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def see(place: str, done: str = "") -> RedirectResponse:
    """Go to a page after a form; ``done`` says there what was done.

    It is signed: a link from elsewhere must not put words into the console's mouth.
    """
    if done:
        place, hash_sign, anchor = place.partition("#")
        place += ("&" if "?" in place else "?") + urlencode({"done": done, "by": _seal(done)})
        place += hash_sign + anchor
    return RedirectResponse(place, 303)


def act(
    staff: Staff,
    place: str,
    what: str,
    do: Callable[[Session, Account], str | None],
    about: str = "",
) -> RedirectResponse:
    """Do something for a form, in one transaction with its entry in the audit trail.

    do: returns what is to be said on the page ``place``. Where it cannot be done, the page says
    why, and nothing has changed; what is not there at all is a page of its own.
    """
    try:
        with writing() as session:
            done = do(session, session.get_one(Account, staff.id))
            audit.record(session, staff.email, what, about)
    except NotFoundError:
        raise
    except SpinebotError as error:
        return see(place, str(error))
    return see(place, done or "")


def _seal(text: str) -> str:
    return signature("notices", text.encode()).hex()[:24]


def _notice(request: Request) -> str:
    """Return what a form has sent along to be said, if it was ours."""
    done, by = request.query_params.get("done", ""), request.query_params.get("by", "")
    return done if hmac.compare_digest(by.encode(), _seal(done).encode()) else ""


def safe_back(text: str) -> str:
    """Return a place of the console that somebody named; the first page for any other."""
    is_ours = text.startswith("/console/") and "\\" not in text and "//" not in text
    return text if is_ours else HOME


def set_cookie(response: Response, token: str) -> None:
    """Give a browser its login."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(accounts.SIGNED_IN_FOR.total_seconds()),
        path="/console",
        secure=settings().public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


async def to_sign_in(request: Request, error: Exception) -> Response:
    """Answer who is not signed in."""
    assert isinstance(error, NotSignedInError)
    return RedirectResponse(f"/console/login?back={quote(error.back)}", 303)


async def to_second_factor(request: Request, error: Exception) -> Response:
    """Answer who must set up a second factor before anything else."""
    return see("/console/account", str(error))


async def forbidden(request: Request, error: Exception) -> Response:
    """Answer who may not do this."""
    return problem_page(request, 403, str(error))


def problem_page(request: Request, status: int, problem: str) -> Response:
    """Say on a page why something is not possible."""
    return page(request, "problem.html", None, status, problem=problem)
