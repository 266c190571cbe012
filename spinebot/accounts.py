"""Accounts of staff: who may do what, signing in and out."""

from __future__ import annotations

import re
import secrets
import time
from datetime import datetime, timedelta
from enum import Enum

import pyotp
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session, joinedload
from zxcvbn import zxcvbn

from spinebot import outbox
from spinebot.clinic import clinic
from spinebot.db import now
from spinebot.errors import NotFoundError, SpinebotError
from spinebot.keys import fingerprint
from spinebot.models import Account, ApiToken, Login, Role
from spinebot.settings import settings

INVITED_FOR = timedelta(days=3)
IDLE_FOR = timedelta(hours=12)
SIGNED_IN_FOR = timedelta(days=14)
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
LEAST_PASSWORD = 12  # characters; NIST SP 800-63B asks for length and for no rules of composition
LEAST_GUESSES = 10**8  # until it is found (Wheeler 2016, "zxcvbn")
MOST_JUDGED = 72  # characters; judging takes ever longer, and nobody guesses what is longer
_TOTP_SECRET = re.compile(r"[A-Z2-7]{32}")  # as pyotp makes them
SEEN_EVERY = timedelta(minutes=5)

# argon2id with the library's parameters, which follow RFC 9106.
_hasher = PasswordHasher()
# Checked where there is no account, so that the time taken does not tell whether there is one.
_NOBODY = _hasher.hash(secrets.token_hex(16))
# Said whatever the reason is: it must not tell either.
_REFUSED = (
    "E-mail address, password or code are wrong. After five wrong tries an account is locked for a "
    "quarter of an hour; a new link from an administrator opens it at once."
)


class Right(str, Enum):
    """What an account may be allowed."""

    READ = "read conversations"
    REVIEW = "review, flag, tag and write notes"
    CORRECT = "say what a message should have been understood as"
    DESK = "work the handoff queue"
    TAKE_OVER = "take over a chat"
    REVEAL = "see contacts and unmasked text"
    REPORTS = "read reports"
    EXPORT = "export"
    TRAIN = "train and release models"
    APPROVE = "approve labels about emergencies and treatments"
    AUDIT = "read the audit trail"
    ERASE = "erase and export a person"
    ACCOUNTS = "manage accounts and tokens"


_EVERYBODY = {Right.READ, Right.REPORTS}
_REVIEWER = _EVERYBODY | {Right.REVIEW, Right.CORRECT, Right.EXPORT}
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset(_EVERYBODY),
    Role.REVIEWER: frozenset(_REVIEWER),
    Role.DESK: frozenset(_EVERYBODY | {Right.REVIEW, Right.DESK, Right.TAKE_OVER, Right.REVEAL}),
    Role.TRAINER: frozenset(_REVIEWER | {Right.TRAIN}),
    Role.ADMIN: frozenset(Right),
}


class SignInError(SpinebotError):
    """Somebody could not sign in; the message does not say which part was wrong."""


class AccountError(SpinebotError):
    """An account cannot be made or changed like this."""


def may(account: Account, right: Right) -> bool:
    """Return whether the account has the right."""
    return right in RIGHTS[Role(account.role)]


def invite(session: Session, email: str, name: str, role: Role) -> tuple[Account, str]:
    """Make an account; return it with the secret of the link that sets its password.

    Raises:
        AccountError: the address or the name cannot be used, or there is such an account.
    """
    try:
        address = validate_email(email, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise AccountError(f"{email!r} is no e-mail address: {error}") from None
    if not name.strip():
        raise AccountError("Give a name: colleagues see it, visitors see the first word of it.")
    if session.scalar(sa.select(Account.id).where(Account.email == address)):
        raise AccountError(f"There is an account for {address} already.")
    account = Account(email=address, name=name.strip()[:80], role=role.value)
    session.add(account)
    return account, new_link(session, account)


def new_link(session: Session, account: Account) -> str:
    """Return the secret of a link that sets a password, once; an earlier link is no longer good."""
    secret = secrets.token_urlsafe(32)
    account.invite_hash, account.invited_until = fingerprint(secret), now() + INVITED_FOR
    session.flush()
    return secret


def invited(session: Session, secret: str) -> Account:
    """Return the account of a link that may still be used.

    Raises:
        NotFoundError: there is none.
    """
    found = session.scalar(sa.select(Account).where(Account.invite_hash == fingerprint(secret)))
    if found is None or not found.is_active or (found.invited_until or now()) <= now():
        raise NotFoundError("This link was used already, or is too old. Ask for a new one.")
    return found


def set_password(session: Session, account: Account, password: str) -> None:
    """Set the password; every browser is signed out and the link is used up.

    Raises:
        AccountError: the password is too short, or easily guessed.
    """
    had_one = account.password_hash is not None
    account.password_hash = _hashed(account, password)
    account.invite_hash = account.invited_until = None
    account.failures, account.locked_until = 0, None
    sign_out_everywhere(session, account)
    if had_one:
        outbox.tell_owner(session, account, "Your password was set anew")


def change_password(
    session: Session, account: Account, present: str, password: str, login_id: int
) -> None:
    """Set another password for who knows the present one; all other browsers are signed out.

    The session must be committed when this raises SignInError: it counts the failure, and after
    too many of them every browser is signed out, this one too.

    Raises:
        SignInError: the present password is wrong.
        AccountError: the new one is too short, or easily guessed.
    """
    if not _is_password(account.password_hash or _NOBODY, present):
        if _count_failure(account):
            sign_out_everywhere(session, account)
        raise SignInError("The present password is wrong.")
    account.password_hash = _hashed(account, password)
    account.failures = 0
    others = Login.account_id == account.id, Login.id != login_id
    session.execute(sa.delete(Login).where(*others))
    outbox.tell_owner(session, account, "Your password was changed")


def _hashed(account: Account, password: str) -> str:
    """Return a new password's hash.

    Raises:
        AccountError: it is too short, or easily guessed: common ones, rows of keys, the own name.
    """
    if len(password) < LEAST_PASSWORD:
        raise AccountError(f"A password has at least {LEAST_PASSWORD} characters.")
    about = f"{account.email} {account.name} {clinic().name} spinebot".lower()
    known = [account.email, *re.findall(r"\w+", about)]
    judged = zxcvbn(password[:MOST_JUDGED], user_inputs=known)
    if judged["guesses"] < LEAST_GUESSES:
        why = judged["feedback"]["warning"] or "It is too close to what others would try first."
        raise AccountError(f"That password is easily guessed. {why} Take several uncommon words.")
    return _hasher.hash(password)


def _count_failure(account: Account) -> bool:
    """Count a wrong password; return whether the account is locked with it."""
    account.failures += 1
    if account.failures < MOST_FAILURES:
        return False
    account.failures, account.locked_until = 0, now() + LOCKED_FOR
    return True


def sign_in(session: Session, email: str, password: str, code: str, browser: str) -> str:
    """Return the token of a new login.

    The session must be committed when this raises: it counts the failure.

    Raises:
        SignInError: address, password or code are wrong, or too often were.
    """
    account = session.scalar(
        sa.select(Account).where(Account.email == email.strip().lower()).with_for_update()
    )
    is_locked = account and account.locked_until and account.locked_until > now()
    if account is None or not account.is_active or not account.password_hash or is_locked:
        _is_password(_NOBODY, password)
        raise SignInError(_REFUSED)
    if not _is_password(account.password_hash, password) or not _is_code(account, code):
        _count_failure(account)
        raise SignInError(_REFUSED)
    account.failures, account.locked_until = 0, None
    if _hasher.check_needs_rehash(account.password_hash):
        account.password_hash = _hasher.hash(password)
    token = secrets.token_urlsafe(32)
    session.add(Login(token_hash=fingerprint(token), account_id=account.id, browser=browser[:200]))
    session.flush()
    return token


def signed_in(session: Session, token: str) -> Login | None:
    """Return the login behind a browser's cookie, with its account; None if it has ended."""
    found = session.scalar(
        sa.select(Login)
        .where(Login.token_hash == fingerprint(token))
        .options(joinedload(Login.account))
    )
    if found is None or not found.account.is_active or is_over(found, now()):
        return None
    return found


def is_over(login: Login, moment: datetime) -> bool:
    """Return whether a login has ended: nobody was there, or it is too old."""
    return login.seen_at + IDLE_FOR < moment or login.created_at + SIGNED_IN_FOR < moment


def seen(session: Session, login_id: int) -> None:
    """Keep that a login is in use. Written now and then only: it is asked with every page."""
    session.execute(sa.update(Login).where(Login.id == login_id).values(seen_at=now()))


def sign_out(session: Session, login_id: int) -> None:
    """End one login."""
    session.execute(sa.delete(Login).where(Login.id == login_id))


def sign_out_everywhere(session: Session, account: Account) -> None:
    """End all logins of an account."""
    session.execute(sa.delete(Login).where(Login.account_id == account.id))


def change(session: Session, account: Account, *, role: Role, is_active: bool) -> None:
    """Change what an account may do; it is signed out everywhere, so that this holds at once.

    Raises:
        AccountError: no administrator would be left.
    """
    account.role, account.is_active = role.value, is_active
    session.flush()
    left = session.scalar(
        sa.select(sa.func.count())
        .select_from(Account)
        .where(Account.role == Role.ADMIN.value, Account.is_active)
    )
    if not left:
        raise AccountError("This is the last administrator: make another one first.")
    sign_out_everywhere(session, account)


def new_totp() -> str:
    """Return a secret for a second factor (RFC 6238)."""
    return pyotp.random_base32()


def set_totp(session: Session, account: Account, secret: str | None, code: str) -> None:
    """Switch the second factor on, or with ``secret`` None off; the code proves that it works.

    Raises:
        AccountError: the code is not the one of this moment, or a second factor is required.
    """
    if secret is not None and not _TOTP_SECRET.fullmatch(secret):
        raise AccountError("This secret is not one of ours. Load the page anew and try again.")
    tried = secret or account.totp_secret
    if tried is None or _step(tried, code) is None:
        raise AccountError("That is not the code of this moment. Look at your app and try again.")
    if secret is None and needs_second_factor(account.role):
        raise AccountError("A second factor is required here: it cannot be switched off.")
    account.totp_secret, account.totp_step = secret, None
    state = "on" if secret else "off"
    outbox.tell_owner(session, account, f"Your second factor was switched {state}")


def needs_second_factor(role: str) -> bool:
    """Return whether an account of this role may do nothing before it has a second factor."""
    wanted = settings().second_factor
    return wanted == "everybody" or (wanted == "administrators" and role == Role.ADMIN.value)


def _is_code(account: Account, code: str) -> bool:
    if account.totp_secret is None:
        return True
    step = _step(account.totp_secret, code)
    if step is None or step <= (account.totp_step or 0):
        return False
    account.totp_step = step
    return True


def _step(secret: str, code: str) -> int | None:
    """Return the time step whose code this is; one step to either side, for slow clocks."""
    totp = pyotp.TOTP(secret)
    present = int(time.time()) // totp.interval
    for step in (present - 1, present, present + 1):
        # As bytes: texts with other than ASCII letters are not compared.
        if secrets.compare_digest(totp.generate_otp(step).encode(), code.replace(" ", "").encode()):
            return step
    return None


def _is_password(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def new_system(session: Session, name: str) -> str:
    """Let one of the clinic's own systems read; return its token, which is kept as a hash."""
    token = f"spinebot_{secrets.token_urlsafe(32)}"
    session.add(ApiToken(name=name.strip()[:80] or "a system", token_hash=fingerprint(token)))
    return token


def system_of(session: Session, token: str) -> ApiToken | None:
    """Return what is known of a system's token, if it is not revoked."""
    return session.scalar(
        sa.select(ApiToken).where(
            ApiToken.token_hash == fingerprint(token), ApiToken.revoked_at.is_(None)
        )
    )
