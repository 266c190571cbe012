"""Signing in and out, one's own account, and everybody's accounts."""

from __future__ import annotations

from typing import Annotated

import segno
import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from pyotp import TOTP

from spinebot import accounts, audit
from spinebot.accounts import AccountError, Right, SignInError
from spinebot.clinic import clinic
from spinebot.db import reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Account, AuditEntry, Login, Role
from spinebot.settings import settings
from spinebot.web import guards
from spinebot.web.console.auth import (
    COOKIE,
    HOME,
    AnyStaff,
    Staff,
    allow,
    is_own_page,
    page,
    safe_back,
    see,
    set_cookie,
)

router = APIRouter(prefix="/console", include_in_schema=False)
Text = Annotated[str, Form()]
ACCOUNTS = Annotated[Staff, allow(Right.ACCOUNTS)]
AUDIT = Annotated[Staff, allow(Right.AUDIT)]
ENTRIES_A_PAGE = 100


@router.get("")
@router.get("/")
def start() -> RedirectResponse:
    """The first page."""
    return see(HOME)


@router.get("/login")
def login(request: Request, back: str = HOME) -> Response:
    """The form for signing in."""
    return page(request, "login.html", None, back=safe_back(back), email="")


@router.post("/login")
async def sign_in(
    request: Request,
    email: Text = "",
    password: Text = "",
    code: Text = "",
    back: Text = HOME,
) -> Response:
    """Sign in."""
    fault = "Please try again from this page."
    if is_own_page(request):
        await guards.count("logins", guards.address(request))
        browser = request.headers.get("user-agent", "")
        token, fault = await to_thread.run_sync(_sign_in, email, password, code, browser)
        if token:
            response = see(safe_back(back))
            set_cookie(response, token)
            return response
    return page(request, "login.html", None, 422, back=safe_back(back), email=email, fault=fault)


def _sign_in(email: str, password: str, code: str, browser: str) -> tuple[str, str]:
    """Return the token, or what to say. A failure is counted, so it is committed too."""
    with writing() as session:
        try:
            token = accounts.sign_in(session, email, password, code, browser)
        except SignInError as error:
            audit.record(session, "somebody", "could not sign in")
            return "", str(error)
        audit.record(session, email.strip().lower(), "signed in")
        return token, ""


@router.post("/logout")
def sign_out(staff: AnyStaff, everywhere: Text = "") -> Response:
    """Sign out, of this browser or of all."""
    with writing() as session:
        if everywhere:
            accounts.sign_out_everywhere(session, session.get_one(Account, staff.id))
        else:
            accounts.sign_out(session, staff.login_id)
        audit.record(session, staff.email, "signed out everywhere" if everywhere else "signed out")
    response = see("/console/login")
    response.delete_cookie(COOKIE, path="/console")
    return response


@router.get("/welcome/{secret}")
def welcome(request: Request, secret: str) -> Response:
    """Where a link leads: choose a password."""
    try:
        with reading() as session:
            account = accounts.invited(session, secret)
    except NotFoundError as error:
        return page(request, "problem.html", None, 404, problem=str(error))
    return page(request, "welcome.html", None, account=account, least=accounts.LEAST_PASSWORD)


@router.post("/welcome/{secret}")
def choose_password(request: Request, secret: str, password: Text = "") -> Response:
    """Set the password that somebody chose."""
    if not is_own_page(request):
        return page(request, "problem.html", None, 403, problem="Please open the link again.")
    try:
        with writing() as session:
            account = accounts.invited(session, secret)
            accounts.set_password(session, account, password)
            audit.record(session, account.email, "set a password")
    except NotFoundError as error:
        return page(request, "problem.html", None, 404, problem=str(error))
    except AccountError as error:
        with reading() as session:
            account = accounts.invited(session, secret)
        return page(
            *(request, "welcome.html", None, 422),
            account=account,
            least=accounts.LEAST_PASSWORD,
            fault=str(error),
        )
    return see("/console/login", "Your password is set. Sign in with it.")


@router.get("/account")
def own_account(request: Request, staff: AnyStaff) -> Response:
    """One's own account: browsers, password, second factor."""
    return _own_account(request, staff)


def _own_account(request: Request, staff: Staff, status: int = 200, fault: str = "") -> Response:
    with reading() as session:
        account = session.get_one(Account, staff.id)
        logins = session.scalars(
            sa.select(Login).where(Login.account_id == staff.id).order_by(Login.seen_at.desc())
        ).all()
    secret = "" if account.totp_secret else accounts.new_totp()
    address = (
        TOTP(secret).provisioning_uri(name=staff.email, issuer_name=clinic().name) if secret else ""
    )
    return page(
        *(request, "account.html", staff, status),
        account=account,
        logins=logins,
        is_required=accounts.needs_second_factor(account.role),
        secret=secret,
        picture=Markup(_qr(address)) if secret else "",  # noqa: S704  drawn by segno
        fault=fault,
    )


def _qr(text: str) -> str:
    code = segno.make(text, error="m")
    return str(code.svg_inline(scale=5, dark="#000", light="#fff", border=3))


@router.post("/account/totp")
def second_factor(
    request: Request, staff: AnyStaff, code: Text = "", secret: Text = ""
) -> Response:
    """Switch the second factor on (with a secret) or off."""
    try:
        with writing() as session:
            account = session.get_one(Account, staff.id)
            accounts.set_totp(session, account, secret or None, code)
            what = "switched the second factor " + ("on" if secret else "off")
            audit.record(session, staff.email, what)
    except AccountError as error:
        return _own_account(request, staff, 422, str(error))
    return see("/console/account", "Done: the second factor is " + ("on." if secret else "off."))


@router.post("/account/password")
def another_password(
    request: Request, staff: AnyStaff, present: Text = "", password: Text = ""
) -> Response:
    """Set another password. A wrong one is counted, so it is committed too."""
    fault = ""
    with writing() as session:
        account = session.get_one(Account, staff.id)
        try:
            accounts.change_password(session, account, present, password, staff.login_id)
            audit.record(session, staff.email, "changed the password")
        except SignInError as error:
            audit.record(session, staff.email, "could not change the password")
            fault = str(error)
        except AccountError as error:
            fault = str(error)
    if fault:
        return _own_account(request, staff, 422, fault)
    return see("/console/account", "Done: the new password holds, and other browsers are out.")


@router.get("/accounts")
def everybody(request: Request, staff: ACCOUNTS) -> Response:
    """All accounts."""
    return _everybody(request, staff)


def _everybody(request: Request, staff: Staff, status: int = 200, **more: str) -> Response:
    with reading() as session:
        found = session.scalars(
            sa.select(Account).order_by(Account.is_active.desc(), Account.name)
        ).all()
    rights = [(right, [role for role in Role if right in accounts.RIGHTS[role]]) for right in Right]
    return page(
        request,
        "accounts.html",
        staff,
        status,
        accounts=found,
        roles=list(Role),
        rights=rights,
        **more,
    )


@router.post("/accounts")
def invite(
    request: Request, staff: ACCOUNTS, email: Text = "", name: Text = "", role: Text = "viewer"
) -> Response:
    """Make an account; the link for its password is shown once."""
    try:
        with writing() as session:
            account, secret = accounts.invite(session, email, name, Role(role))
            audit.record(session, staff.email, "made an account", account.email, role)
    except (AccountError, ValueError) as error:
        return _everybody(request, staff, 422, fault=str(error))
    return _everybody(request, staff, link=link_of(secret), invited=account.email)


@router.post("/accounts/{account_id}")
def change(
    request: Request, staff: ACCOUNTS, account_id: int, role: Text = "", active: Text = ""
) -> Response:
    """Change a role, or switch an account on or off."""
    try:
        with writing() as session:
            account = _account(session.get(Account, account_id))
            accounts.change(session, account, role=Role(role), is_active=bool(active))
            state = role if active else "switched off"
            audit.record(session, staff.email, "changed an account", account.email, state)
    except (AccountError, ValueError) as error:
        return _everybody(request, staff, 422, fault=str(error))
    return see("/console/accounts", f"{account.name} is changed and signed out everywhere.")


@router.post("/accounts/{account_id}/link")
def link(request: Request, staff: ACCOUNTS, account_id: int) -> Response:
    """Make a new link, for somebody who has forgotten the password or lost the second factor."""
    with writing() as session:
        account = _account(session.get(Account, account_id))
        secret = accounts.new_link(session, account)
        account.totp_secret = None
        audit.record(session, staff.email, "made a new link", account.email)
    return _everybody(request, staff, link=link_of(secret), invited=account.email)


def _account(found: Account | None) -> Account:
    if found is None:
        raise NotFoundError("There is no such account.")
    return found


def link_of(secret: str) -> str:
    """Return the address of the page where a password is set."""
    return f"{settings().public_url}/console/welcome/{secret}"


@router.get("/audit")
def trail(
    request: Request, staff: AUDIT, who: str = "", what: str = "", about: str = "", before: int = 0
) -> Response:
    """The audit trail, the newest first."""
    query = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(ENTRIES_A_PAGE + 1)
    for column, wanted in (
        (AuditEntry.who, who),
        (AuditEntry.what, what),
        (AuditEntry.about, about),
    ):
        if wanted.strip():
            query = query.where(column.startswith(wanted.strip(), autoescape=True))
    if before:
        query = query.where(AuditEntry.id < before)
    with reading() as session:
        found = list(session.scalars(query))
    more = found[ENTRIES_A_PAGE - 1].id if len(found) > ENTRIES_A_PAGE else None
    filters = {"who": who, "what": what, "about": about}
    return page(
        request, "audit.html", staff, entries=found[:ENTRIES_A_PAGE], more=more, filters=filters
    )
