"""Attacks on the web process as a whole: every page and form of the console, and what HTTP allows.

What single readers do with hostile texts stands in test_hostile.py.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from spinebot.db import reading
from spinebot.models import Role
from spinebot.web import console
from tests.conftest import web_process
from tests.console import PASSWORD, csrf, new_account, sign_in, talk

VALUES = (
    "",
    "0",
    "-1",
    "9" * 40,
    "1e999",
    "\x00",
    "' OR 1=1 --",
    "<script>window.owned=1</script>",
    "../../../../etc/passwd",
    "..\\..\\windows",
    "{{7*7}}${7*7}",
    "\r\nSet-Cookie: owned=1",
    "2026-13-45T99:99",
    "\U0001d4cd" * 400,
    "\ud7ff\u202e\ufeff",
)
PATHS = ("..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%0d%0aSet-Cookie:%20owned=1", "-1")
PATHS += ("99999999999999999999999", "%F0%9F%92%A3", "a" * 3000, "x';--", "%3Cscript%3E")


def routes() -> Iterator[tuple[str, APIRoute]]:
    for noun in console.NOUNS:
        for route in noun.router.routes:
            if isinstance(route, APIRoute):
                for method in route.methods:
                    yield method, route


# They end the login that the others need, or never end.
LEFT_OUT = {"POST /console/logout", "GET /console/conversations/{conversation_id}/events"}
# These start processes.
LEFT_OUT |= {"POST /console/models/train", "POST /console/trials/candidate"}
ROUTES = {f"{method} {route.path}": route for method, route in routes()}
PAGES = sorted(name for name in ROUTES if name.startswith("GET") and name not in LEFT_OUT)
FORMS = sorted(name for name in ROUTES if name.startswith("POST") and name not in LEFT_OUT)


@pytest.fixture
def admin(stocked: Path, data_dir: Path, project: object) -> Iterator[TestClient]:
    shutil.copy(stocked, data_dir / "spinebot.db")
    with web_process() as found:
        talk("hello", "heat or ice?")
        yield sign_in(found, new_account(Role.ADMIN))


def filled(path: str, value: str) -> str:
    """Return a route's path with one value in all its places."""
    return "/".join(value if "{" in part else part for part in path.split("/"))


def test_a_path_is_filled_where_it_has_places() -> None:
    assert filled("/console/handoffs/{handoff_id}/close", "7") == "/console/handoffs/7/close"
    assert filled("/console", "7") == "/console"


def check(answer: Any) -> None:
    assert answer.status_code < 500, answer.text[:400]
    assert "root:" not in answer.text
    assert "owned" not in answer.headers.get("set-cookie", "")
    assert "<script>window.owned" not in answer.text


@pytest.mark.parametrize("name", PAGES)
def test_no_address_makes_the_console_fail(name: str, admin: TestClient) -> None:
    route = ROUTES[name]
    query = [field.alias for field in route.dependant.query_params]
    places = PATHS if "{" in route.path else ("",)
    for place in places:
        check(admin.get(filled(route.path, place), follow_redirects=False))
    for value in VALUES if query else ():
        words = "&".join(f"{name}={quote(value, errors='ignore')}" for name in query)
        check(admin.get(f"{filled(route.path, '1')}?{words}", follow_redirects=False))


@pytest.mark.parametrize("name", FORMS)
def test_no_form_makes_the_console_fail(name: str, admin: TestClient) -> None:
    route = ROUTES[name]
    names = [field.alias for field in route.dependant.body_params]
    token = csrf(admin)
    for value in VALUES:
        form = {**dict.fromkeys(names, value.encode(errors="ignore").decode()), "csrf": token}
        check(admin.post(filled(route.path, "1"), data=form, follow_redirects=False))
    for place in PATHS:
        check(admin.post(filled(route.path, place), data={"csrf": token}, follow_redirects=False))


def test_there_are_routes_to_try() -> None:
    assert len(PAGES) > 30
    assert len(FORMS) > 40
    assert set(ROUTES) >= LEFT_OUT


def test_a_login_that_somebody_brought_along_is_not_taken_over(sqlite_database: object) -> None:
    """Session fixation: signing in makes a new login, whatever cookie the browser has."""
    account = new_account()
    brought = {"Cookie": "spinebot_login=chosen-by-somebody-else"}
    with web_process() as client:
        done = client.post(
            "/console/login",
            data={"email": account.email, "password": PASSWORD},
            headers=brought,
            follow_redirects=False,
        )
        assert done.status_code == 303
        assert "spinebot_login=" in done.headers["set-cookie"]
        assert "chosen-by-somebody-else" not in done.headers["set-cookie"]
    with web_process() as other:
        seen = other.get("/console/account", headers=brought, follow_redirects=False)
        assert seen.status_code == 303


def test_a_compressed_body_is_not_unpacked(sqlite_database: object) -> None:
    bomb = gzip.compress(json.dumps({"page": "x" * 10_000_000}).encode())
    with web_process() as client:
        answer = client.post(
            "/api/conversations",
            content=bomb,
            headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
        )
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("folder", ["/articles", "/widget", "/static", "/api/conversations"])
def test_no_path_leads_out_of_a_folder(folder: str, sqlite_database: object) -> None:
    with web_process() as client:
        for place in PATHS:
            answer = client.get(f"{folder}/{place}", follow_redirects=False)
            check(answer)
            assert answer.status_code in {400, 404, 405}, place


def test_unknown_and_wrong_take_the_same_way(
    sqlite_database: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who measures how long a refusal takes learns nothing: each hashes once."""
    from spinebot import accounts

    account = new_account()
    hashed: list[str] = []
    verify = accounts._is_password
    monkeypatch.setattr(
        accounts, "_is_password", lambda known, typed: hashed.append(known) or verify(known, typed)
    )
    for email in (account.email, "nobody@clinic.example"):
        with reading() as session, pytest.raises(accounts.SignInError):
            accounts.sign_in(session, email, PASSWORD + "!", "", "")
    assert len(hashed) == 2
    assert {each[:10] for each in hashed} == {"$argon2id$"}
