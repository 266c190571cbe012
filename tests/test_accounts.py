"""Accounts: invited by a link, locked after wrong passwords, signed out everywhere."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from spinebot import accounts
from spinebot.accounts import AccountError, SignInError
from spinebot.db import now, reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Account, Login, Role
from tests.conftest import forget_settings
from tests.console import PASSWORD, new_account


def sign_in(account: Account, password: str = PASSWORD, code: str = "") -> str:
    """Sign in as the web process does: a failure is committed too."""
    with writing() as session:
        try:
            return accounts.sign_in(session, account.email, password, code, "a browser")
        except SignInError as error:
            return f"refused: {error}"


def is_in(token: str) -> bool:
    with reading() as session:
        return accounts.signed_in(session, token) is not None


def change(account: Account, **columns: object) -> None:
    with writing() as session:
        session.execute(sa.update(Account).where(Account.id == account.id).values(**columns))


def test_a_link_sets_a_password_once(database: str) -> None:
    with writing() as session:
        account, secret = accounts.invite(session, "Ann@Clinic.Example", "Ann", Role.VIEWER)
    assert account.email == "ann@clinic.example"
    with writing() as session:
        accounts.set_password(session, accounts.invited(session, secret), PASSWORD)
    with reading() as session, pytest.raises(NotFoundError, match="used already"):
        accounts.invited(session, secret)
    assert is_in(sign_in(account))


def test_a_link_grows_old(sqlite_database: object) -> None:
    with writing() as session:
        _, secret = accounts.invite(session, "a@clinic.example", "Ann", Role.VIEWER)
        session.execute(sa.update(Account).values(invited_until=now() - timedelta(seconds=1)))
    with reading() as session, pytest.raises(NotFoundError):
        accounts.invited(session, secret)


@pytest.mark.parametrize(
    ("email", "name", "says"),
    [
        ("no address", "Ann", "no e-mail address"),
        ("a@clinic.example", " ", "Give a name"),
        ("ann-admin@clinic.example", "Ann", "an account for"),
    ],
)
def test_an_account_that_cannot_be_is_explained(
    sqlite_database: object, email: str, name: str, says: str
) -> None:
    new_account()
    with pytest.raises(AccountError, match=says), writing() as session:
        accounts.invite(session, email, name, Role.VIEWER)


def test_a_short_password_is_refused_and_the_old_one_stays(sqlite_database: object) -> None:
    account = new_account()
    with pytest.raises(AccountError, match="at least 12"), writing() as session:
        accounts.set_password(session, session.get_one(Account, account.id), "short")
    assert is_in(sign_in(account))


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("password1234", "very common"),
        ("Qwertyuiop12", "commonly used"),
        ("aaaaaaaaaaaaaaaa", "Repeats"),
        ("ann-admin@clinic.example", "easily guessed"),
        ("AnnSampleAnnSample", "easily guessed"),
        ("a" * 100_000, "Repeats"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(
    sqlite_database: object, password: str, says: str
) -> None:
    account = new_account()
    with pytest.raises(AccountError, match=says), writing() as session:
        accounts.set_password(session, session.get_one(Account, account.id), password)
    assert is_in(sign_in(account))


def test_the_password_is_not_kept(sqlite_database: object) -> None:
    account = new_account()
    assert account.password_hash is not None
    assert account.password_hash.startswith("$argon2id$")
    assert PASSWORD not in account.password_hash


def test_five_wrong_passwords_lock_the_account(database: str) -> None:
    account = new_account()
    for _ in range(5):
        assert "are wrong" in sign_in(account, "something else")
    assert sign_in(account).startswith("refused")
    change(account, locked_until=now() - timedelta(seconds=1))
    assert is_in(sign_in(account))


def test_a_right_password_forgets_the_wrong_ones(sqlite_database: object) -> None:
    account = new_account()
    for _ in range(3):
        for _ in range(4):
            sign_in(account, "something else")
        assert is_in(sign_in(account))


def test_who_is_unknown_hears_the_same_as_who_is_wrong(sqlite_database: object) -> None:
    account = new_account()
    nobody = Account(email="nobody@clinic.example")
    wrong = sign_in(account, "something else")
    assert sign_in(nobody) == wrong
    change(account, is_active=False)
    assert sign_in(account) == wrong
    change(account, is_active=True, locked_until=now() + timedelta(minutes=1))
    assert sign_in(account) == wrong


def test_who_is_unknown_is_refused_as_slowly_as_who_is_wrong(
    sqlite_database: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what takes the time, one hash: a clock would tell more of the machine."""
    account, check = new_account(), accounts._is_password
    hashed: list[str] = []

    def counted(password_hash: str, password: str) -> bool:
        hashed.append(password_hash)
        return check(password_hash, password)

    monkeypatch.setattr(accounts, "_is_password", counted)
    for state in ({}, {"is_active": False}, {"locked_until": now() + timedelta(minutes=1)}):
        change(account, **{"is_active": True, **state})
        assert sign_in(account, "something else").startswith("refused")
        assert len(hashed) == 1, state
        hashed.clear()
    sign_in(Account(email="nobody@clinic.example"))
    assert len(hashed) == 1


def test_an_account_that_is_off_cannot_sign_in(sqlite_database: object) -> None:
    account = new_account()
    token = sign_in(account)
    change(account, is_active=False)
    assert not is_in(token)
    assert sign_in(account).startswith("refused")


def test_a_code_of_the_second_factor_counts_once(database: str) -> None:
    account, secret = new_account(), accounts.new_totp()
    code = pyotp.TOTP(secret).now()
    with writing() as session:
        accounts.set_totp(session, session.get_one(Account, account.id), secret, code)
    assert sign_in(account).startswith("refused")
    assert sign_in(account, code="000000").startswith("refused")
    assert is_in(sign_in(account, code=code))
    assert sign_in(account, code=code).startswith("refused")


def test_a_second_factor_that_does_not_work_is_not_switched_on(sqlite_database: object) -> None:
    account = new_account()
    with pytest.raises(AccountError, match="not the code"), writing() as session:
        accounts.set_totp(session, session.get_one(Account, account.id), accounts.new_totp(), "123")
    assert is_in(sign_in(account))


@pytest.mark.parametrize("secret", ["short", "0" * 32, "\U0001d4cd" * 32])
def test_a_second_factor_has_a_secret_of_ours(sqlite_database: object, secret: str) -> None:
    account = new_account()
    with pytest.raises(AccountError, match="not one of ours"), writing() as session:
        accounts.set_totp(session, session.get_one(Account, account.id), secret, "123456")


def test_a_code_in_other_digits_is_refused(sqlite_database: object) -> None:
    account, secret = new_account(), accounts.new_totp()
    with writing() as session:
        found = session.get_one(Account, account.id)
        accounts.set_totp(session, found, secret, pyotp.TOTP(secret).now())
    assert sign_in(account, code="\uff11\uff12\uff13\uff14\uff15\uff16").startswith("refused")


def test_a_required_second_factor_stays_on(
    sqlite_database: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINEBOT_SECOND_FACTOR", "administrators")
    forget_settings()
    account, secret = new_account(), accounts.new_totp()
    assert accounts.needs_second_factor(account.role)
    assert not accounts.needs_second_factor(Role.DESK.value)
    with writing() as session:
        present = session.get_one(Account, account.id)
        accounts.set_totp(session, present, secret, pyotp.TOTP(secret).now())
        with pytest.raises(AccountError, match="required"):
            accounts.set_totp(session, present, None, pyotp.TOTP(secret).now())
        assert present.totp_secret == secret


def test_signing_out_everywhere_ends_every_login(sqlite_database: object) -> None:
    account = new_account()
    tokens = [sign_in(account) for _ in range(3)]
    with writing() as session:
        accounts.sign_out_everywhere(session, session.get_one(Account, account.id))
    assert not any(map(is_in, tokens))


@pytest.mark.parametrize(
    ("created", "seen", "lasts"),
    [(13, 0, True), (15, 0, False), (1, 0.4, True), (1, 0.6, False)],
)
def test_a_login_ends_by_itself(
    sqlite_database: object, created: float, seen: float, lasts: bool
) -> None:
    token = sign_in(new_account())
    with writing() as session:
        session.execute(
            sa.update(Login).values(
                created_at=now() - timedelta(days=created), seen_at=now() - timedelta(days=seen)
            )
        )
    assert is_in(token) is lasts


def test_the_last_administrator_stays(sqlite_database: object) -> None:
    account = new_account()
    for role, is_active in ((Role.VIEWER, True), (Role.ADMIN, False)):
        with writing() as session:
            found = session.get_one(Account, account.id)
            with pytest.raises(AccountError, match="last administrator"):
                accounts.change(session, found, role=role, is_active=is_active)
            session.rollback()


def test_another_role_holds_at_once(sqlite_database: object) -> None:
    new_account()
    account = new_account(Role.DESK, "Bo Sample")
    token = sign_in(account)
    with writing() as session:
        found = session.get_one(Account, account.id)
        accounts.change(session, found, role=Role.VIEWER, is_active=True)
    assert not is_in(token)


# Another password


def other(account: Account, present: str, password: str, token: str) -> str:
    """Change the password as the web process does: a failure is committed too."""
    with writing() as session:
        login = accounts.signed_in(session, token)
        assert login is not None
        found = session.get_one(Account, account.id)
        try:
            accounts.change_password(session, found, present, password, login.id)
        except (SignInError, AccountError) as error:
            return str(error)
    return ""


def test_who_knows_the_password_sets_another_and_others_are_out(database: str) -> None:
    account = new_account()
    here, there = sign_in(account), sign_in(account)
    assert other(account, PASSWORD, "quite another password", here) == ""
    assert (is_in(here), is_in(there)) == (True, False)
    assert sign_in(account).startswith("refused")
    assert is_in(sign_in(account, "quite another password"))


def test_a_stolen_browser_cannot_guess_the_password(database: str) -> None:
    account = new_account()
    stolen = sign_in(account)
    assert "at least 12" in other(account, PASSWORD, "short", stolen)
    for _ in range(accounts.MOST_FAILURES):
        assert "wrong" in other(account, "not the password", "quite another password", stolen)
    assert not is_in(stolen)
    assert sign_in(account).startswith("refused")
