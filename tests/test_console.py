"""The console's pages: who may see them, what a form must carry, what each page says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from spinebot import conversations, handoffs, safety, takeover
from spinebot.accounts import Right
from spinebot.db import now, reading, writing
from spinebot.models import Account, AuditEntry, Conversation, Handoff, Message, Role
from spinebot.settings import settings
from spinebot.web import console, turns
from tests.console import PASSWORD, csrf, fresh, new_account, send, sign_in, talk
from tests.factories import answers


@pytest.fixture
def ann(client: TestClient) -> Account:
    """An administrator who is signed in."""
    account = new_account()
    sign_in(client, account)
    return account


# What each role may do, as docs/console.md has it. Written out: it must not follow the code.
MAY = {
    Role.VIEWER: {"READ", "REPORTS"},
    Role.REVIEWER: {"READ", "REPORTS", "REVIEW", "CORRECT", "EXPORT"},
    Role.DESK: {"READ", "REPORTS", "REVIEW", "DESK", "TAKE_OVER", "REVEAL"},
    Role.TRAINER: {"READ", "REPORTS", "REVIEW", "CORRECT", "EXPORT", "TRAIN"},
    Role.ADMIN: {right.name for right in Right},
}
OPEN = {"/console/login", "/console/welcome/{secret}", "/console", "/console/"}


def console_routes() -> list[tuple[str, str, Right | None]]:
    """Return method, path and right of every page and form of the console."""
    found = []
    for route in [route for noun in console.NOUNS for route in noun.router.routes]:
        assert isinstance(route, APIRoute)
        assert route.path.startswith("/console")
        if route.path in OPEN:
            continue
        words = {each.call.__doc__ for each in route.dependant.dependencies if each.call}
        rights = [right for right in Right if right.value in words]
        assert rights or "be signed in" in words, f"{route.path}: anybody may open it"
        found += [(method, route.path, rights[0] if rights else None) for method in route.methods]
    return found


ROUTES = console_routes()


def call(client: TestClient, method: str, path: str, **data: Any) -> Any:
    for name in ("conversation_id", "handoff_id", "account_id", "number", "filter_id", "token_id"):
        path = path.replace(f"{{{name}}}", "999999")
    path = path.replace("{item_id}", "999999").replace("{message_id}", "999999")
    data = data if method == "POST" else {}
    return client.request(method, path, data=data or None, follow_redirects=False)


def test_there_are_pages() -> None:
    assert len(ROUTES) > 25


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_the_table_says(client: TestClient, role: Role) -> None:
    sign_in(client, new_account(role))
    token = csrf(client)
    for method, path, right in ROUTES:
        if path.endswith("/events") or path == "/console/logout":
            continue
        may = right is None or right.name in MAY[role]
        if may and path == "/console/models/train":
            continue  # it would train, for minutes
        status = call(client, method, path, csrf=token).status_code
        assert (status != 403) is may, f"{role.value} {method} {path}: {status}"


@pytest.mark.parametrize(("method", "path", "right"), ROUTES)
def test_nobody_is_let_in_without_signing_in(
    client: TestClient, method: str, path: str, right: Right | None
) -> None:
    answer = call(client, method, path)
    assert (answer.status_code, answer.headers["location"][:14]) == (303, "/console/login")


def test_a_form_without_our_token_does_nothing(client: TestClient, ann: Account) -> None:
    conversation = talk("hello")
    path = f"/console/conversations/{conversation.id}/tags"
    for data in ({"name": "odd"}, {"name": "odd", "csrf": "0" * 64}):
        assert client.post(path, data=data).status_code == 403
    good = {"name": "odd", "csrf": csrf(client)}
    foreign = client.post(path, data=good, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    with reading() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM tag")) == 0


def test_the_token_of_another_is_no_good(client: TestClient, ann: Account) -> None:
    other = TestClient(client.app)
    sign_in(other, new_account(name="Bo Sample"))
    data = {"csrf": csrf(other), "name": "odd"}
    assert client.post("/console/conversations/1/tags", data=data).status_code == 403


def test_signing_in_leads_back_to_where_one_was(client: TestClient) -> None:
    account = new_account()
    answer = client.get("/console/handoffs?show=mine", follow_redirects=False)
    assert answer.headers["location"] == "/console/login?back=/console/handoffs%3Fshow%3Dmine"
    for back, goes in (
        ("/console/handoffs?show=mine", "/console/handoffs?show=mine"),
        ("https://evil.example", "/console/conversations"),
        ("//evil.example", "/console/conversations"),
        ("/console/\\evil.example", "/console/conversations"),
    ):
        data = {"email": account.email, "password": "a good long password", "back": back}
        done = client.post("/console/login", data=data, follow_redirects=False)
        assert done.headers["location"] == goes


def test_the_cookie_is_for_the_console_alone(client: TestClient) -> None:
    account = new_account()
    data = {"email": account.email, "password": "a good long password"}
    done = client.post("/console/login", data=data, follow_redirects=False)
    cookie = done.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/console"):
        assert part in cookie


def test_a_wrong_password_is_said_and_kept(client: TestClient) -> None:
    account = new_account()
    data = {"email": account.email, "password": "something else"}
    answer = client.post("/console/login", data=data)
    assert answer.status_code == 422
    assert "are wrong" in answer.text
    with reading() as session:
        assert session.scalars(sa.select(AuditEntry.what)).all() == ["could not sign in"]


def test_another_password_is_set_under_ones_own_name(client: TestClient) -> None:
    account = new_account()
    browser = sign_in(client, account)
    wrong = send(browser, "account/password", present="not this one", password="another long one")
    assert wrong.status_code == 422
    assert "The present password is wrong." in wrong.text
    right = send(browser, "account/password", present=PASSWORD, password="another long one")
    assert right.status_code == 303
    assert "the new password holds" in browser.get(right.headers["location"]).text
    with reading() as session:
        told = session.scalars(sa.select(AuditEntry.what).order_by(AuditEntry.id.desc())).all()
    assert told[:2] == ["changed the password", "could not change the password"]


def test_who_must_have_a_second_factor_can_do_nothing_before(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = sign_in(client, account := new_account(Role.DESK))
    monkeypatch.setenv("SPINEBOT_SECOND_FACTOR", "everybody")
    settings.cache_clear()
    led = browser.get("/console/conversations", follow_redirects=False)
    assert led.status_code == 303
    assert "Switch on a second factor first" in browser.get(led.headers["location"]).text
    secret = pyotp.random_base32()
    send(browser, "account/totp", secret=secret, code=pyotp.TOTP(secret).now())
    assert browser.get("/console/conversations", follow_redirects=False).status_code == 200
    with reading() as session:
        assert session.get_one(Account, account.id).totp_secret == secret
    own = browser.get("/console/account").text
    assert "It is required here" in own
    assert "Switch it off" not in own


def test_signing_out_is_for_good(client: TestClient, ann: Account) -> None:
    cookie = client.cookies["spinebot_login"]
    send(client, "logout")
    client.cookies.set("spinebot_login", cookie, path="/console")
    assert client.get("/console/account", follow_redirects=False).status_code == 303


def test_what_is_typed_is_masked_until_it_is_revealed(client: TestClient, ann: Account) -> None:
    conversation = talk("my name is Zed Sample, call 202 555 0143")
    path = f"/console/conversations/{conversation.id}"
    masked, revealed = client.get(path).text, client.get(f"{path}?reveal=1").text
    assert ("0143" in masked, "0143" in revealed) == (False, True)
    with reading() as session:
        entries = session.execute(sa.select(AuditEntry.what, AuditEntry.about)).all()
    about = f"conversation {conversation.id}"
    assert [tuple(entry) for entry in entries][-2:] == [("opened", about), ("revealed", about)]


def test_a_role_without_the_right_reveals_nothing(client: TestClient) -> None:
    sign_in(client, new_account(Role.REVIEWER))
    conversation = talk("my number is 202 555 0143")
    page = client.get(f"/console/conversations/{conversation.id}?reveal=1").text
    assert "0143" not in page


def new_handoff(conversation: Conversation) -> Handoff:
    with writing() as session:
        return handoffs.create(session, conversation.sender, answers(), "I agree to be called.")


def test_the_packet_is_on_one_page(client: TestClient, ann: Account) -> None:
    handoff = new_handoff(talk("my back hurts"))
    path = f"/console/handoffs/{handoff.id}"
    masked, revealed = client.get(path).text, client.get(f"{path}?reveal=1").text
    for text in ("Ann Sample</dd>", "+12025550143", "low back", "mornings"):
        assert text not in masked
        assert text in revealed
    for text in ("I agree to be called.", "my back hurts", handoff.reference):
        assert text in masked


def test_the_second_who_claims_is_told_who_has_it(client: TestClient, ann: Account) -> None:
    handoff = new_handoff(talk("hello"))
    other = TestClient(client.app)
    sign_in(other, new_account(Role.DESK, "Bo Sample"))
    send(client, f"handoffs/{handoff.id}/claim")
    answer = send(other, f"handoffs/{handoff.id}/claim")
    assert "Ann+Sample+has+this+handoff" in answer.headers["location"]


def test_a_whole_day_at_the_desk(client: TestClient, ann: Account) -> None:
    handoff = new_handoff(talk("hello"))
    path = f"handoffs/{handoff.id}"
    send(client, f"{path}/claim")
    send(client, f"{path}/attempts", way="phone", result="no answer", note="rang long")
    send(client, f"{path}/snooze", until="2099-01-01T10:00")
    assert "Nobody waits here" in client.get("/console/handoffs").text
    assert handoff.reference in client.get("/console/handoffs?show=snoozed").text
    send(client, f"{path}/snooze")
    send(client, f"{path}/finish", outcome="booked")
    page = client.get(f"/console/{path}?reveal=1").text
    assert "rang long" in page
    assert "done: booked" in page
    wrong = send(client, f"{path}/snooze", until="yesterday")
    assert "Choose+a+day" in wrong.headers["location"]


def test_staff_and_visitor_talk(client: TestClient, ann: Account) -> None:
    conversation = talk("hello")
    path = f"conversations/{conversation.id}"
    send(client, f"{path}/join")
    send(client, f"{path}/say", text="Hello, this is the clinic.", key="key one")
    assert "Give back to the bot" in client.get(f"/console/{path}").text
    send(client, f"{path}/leave")
    assert fresh(conversation).owner == "bot"
    with reading() as session:
        senders = session.scalars(sa.select(Message.sender).order_by(Message.id)).all()
    assert senders == ["visitor", "bot", "note", "staff", "note", "bot"]


def test_who_has_no_javascript_stays_in_the_chat_too(client: TestClient, ann: Account) -> None:
    sign_in(client, ann)
    conversation = talk("hello", "my back hurts")
    send(client, f"conversations/{conversation.id}/join")
    long_ago = now() - timedelta(minutes=2)
    with writing() as session:
        session.get_one(Conversation, conversation.id).staff_seen_at = long_ago
    page = client.get(f"/console/conversations/{conversation.id}/newest").text
    assert page.index("has joined") < page.index("my back hurts")
    with writing() as session:
        assert takeover.give_back_deserted(session) == []


def test_a_warning_of_an_emergency_stands_out(client: TestClient) -> None:
    conversation = talk("hello")
    sign_in(client, new_account())
    for path in ("", "/newest"):
        page = client.get(f"/console/conversations/{conversation.id}{path}").text
        assert "warning of an emergency" not in page
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        message, _ = conversations.say(session, found, "I cannot pee and am numb down there", "k2")
        turns._warn(session, found, message, safety.check(message.said))
    for path in ("", "/newest"):
        page = client.get(f"/console/conversations/{conversation.id}{path}").text
        assert page.count("warning of an emergency") == 1
        assert 'class="bot warning"' in page
    page = client.get(f"/console/conversations/{conversation.id}").text
    assert "red flag: Cauda equina (RF01), told to go to an emergency room now" in page


def test_a_request_says_what_its_visitor_was_told(client: TestClient, ann: Account) -> None:
    conversation = talk("hello")
    with writing() as session:
        handoff = handoffs.create(session, conversation.sender, answers(), "I agree.")
        handoff.red_flag = "call_988"
        session.flush()
        handoff_id = handoff.id
    page = client.get(f"/console/handoffs/{handoff_id}").text
    assert "In the message that was left: the visitor was told to call or text 988." in page
    with writing() as session:
        found = session.get_one(Conversation, conversation.id)
        message, _ = conversations.say(session, found, "I cannot pee and am numb down there", "k2")
        turns._warn(session, found, message, safety.check(message.said))
    page = client.get(f"/console/handoffs/{handoff_id}").text
    assert "Cauda equina (RF01): the visitor was told to go to an emergency room now." in page


def test_marks_go_on_to_the_next(client: TestClient, ann: Account) -> None:
    first, second = talk("one"), talk("two")
    answer = send(client, f"conversations/{second.id}/mark", state="reviewed", then="next")
    following = client.get(answer.headers["location"], follow_redirects=False)
    assert following.headers["location"] == f"/console/conversations/{first.id}?marked={second.id}"


def test_what_was_marked_a_moment_ago_can_be_taken_back(client: TestClient, ann: Account) -> None:
    first, second = talk("one"), talk("two")
    answer = send(client, f"conversations/{second.id}/mark", state="later", then="next")
    page = client.get(answer.headers["location"]).text
    assert f"Conversation {first.id}" in page
    assert f"Conversation {second.id}: put off for later." in page
    # The key belongs to what was marked, not to what is on the page.
    [form] = re.findall(r'action="([^"]+)"[^>]*>(?:(?!</form>).)*data-key="u"', page, re.DOTALL)
    assert form == f"/console/conversations/{second.id}/mark"
    send(client, form.removeprefix("/console/"), state="open")
    assert "Undo" not in client.get(f"/console/conversations/{first.id}?marked={second.id}").text
    assert client.get(f"/console/conversations/{first.id}?marked=999").status_code == 200


def test_filters_are_saved_for_the_team(client: TestClient, ann: Account) -> None:
    send(client, "conversations/filters", name="Emergencies", query="red_flag=yes")
    page = client.get("/console/conversations").text
    assert '<a class="button" href="?red_flag=yes">Emergencies</a>' in page


@pytest.mark.parametrize("path", ["conversations/999", "handoffs/999", "conversations/0"])
def test_what_is_not_there_is_said(client: TestClient, ann: Account, path: str) -> None:
    answer = client.get(f"/console/{path}")
    assert answer.status_code == 404
    assert "There is no such" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("query", ["unsure=many", "before=x", "review=perhaps", "since=yesterday"])
def test_an_address_that_cannot_be_read_is_explained(
    client: TestClient, ann: Account, query: str
) -> None:
    answer = client.get(f"/console/conversations?{query}")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"].startswith("text/html")


def test_what_visitors_wrote_is_only_text(client: TestClient, ann: Account) -> None:
    conversation = talk("<script>alert(1)</script> & <b>bold</b>")
    for path in ("conversations", f"conversations/{conversation.id}", "conversations?q=script"):
        page = client.get(f"/console/{path}").text
        assert "<script>alert" not in page
        assert "<b>bold" not in page


def test_an_invited_colleague_chooses_a_password(client: TestClient, ann: Account) -> None:
    made = send(client, "accounts", email="bo@clinic.example", name="Bo Sample", role="desk")
    link = made.text.split("/console/welcome/")[1].split("<")[0]
    other = TestClient(client.app)
    assert "Welcome, Bo" in other.get(f"/console/welcome/{link}").text
    short = other.post(f"/console/welcome/{link}", data={"password": "short"})
    assert (short.status_code, "at least 12" in short.text) == (422, True)
    other.post(f"/console/welcome/{link}", data={"password": "a good long password"})
    assert other.get(f"/console/welcome/{link}").status_code == 404
    data = {"email": "bo@clinic.example", "password": "a good long password"}
    assert "Conversations" in other.post("/console/login", data=data).text


def test_a_link_from_elsewhere_puts_no_words_into_our_mouth(
    client: TestClient, ann: Account
) -> None:
    page = client.get("/console/conversations?done=Call+me+at+once&by=0123").text
    assert "Call me at once" not in page
    answer = send(client, "conversations/filters", name="", query="")
    assert "Give the filters a name." in client.get(answer.headers["location"]).text


def test_a_long_queue_goes_on(client: TestClient, ann: Account) -> None:
    with writing() as session:
        for number in range(55):
            filled = answers(handoff_key=str(number))
            handoffs.create(session, "visitor", filled, "I agree.")
    assert "skip=50" in client.get("/console/handoffs").text
    assert client.get("/console/handoffs?skip=50").text.count("data-row") == 5


def test_the_audit_trail_holds_no_words_of_staff(client: TestClient, ann: Account) -> None:
    conversation = talk("hello")
    path = f"conversations/{conversation.id}"
    send(client, f"{path}/tags", name="zebra words")
    send(client, f"{path}/tags", remove="zebra words")
    send(client, f"{path}/notes", text="zebra words")
    client.get("/console/conversations/999999")
    with reading() as session:
        rows = session.execute(sa.select(AuditEntry.what, AuditEntry.about, AuditEntry.details))
        text = str(rows.all())
    assert "put a tag on" in text
    assert "zebra" not in text
    assert "999999" not in text


def test_a_correction_is_dealt_with_and_comes_back(client: TestClient, ann: Account) -> None:
    conversation = talk("warm or cold on a cramp, says the zebra")
    path = f"conversations/{conversation.id}/messages/1/correct"
    send(client, path, should_be="ask_heat_or_ice")
    assert "zebra" in client.get("/console/inbox").text
    with reading() as session:
        message = session.scalars(sa.select(Message.id).where(Message.number == 1)).one()
    done = send(client, "inbox/label", messages=message, intent="-")
    assert "1 left out" in client.get(done.headers["location"]).text
    page = client.get("/console/inbox").text
    assert "Nothing is open" in page
    batch = re.search(r'name="batch" value="(\w+)"', page)
    assert batch
    send(client, "inbox/undo", batch=batch[1])
    assert "zebra" in client.get("/console/inbox").text


def test_a_person_is_found_given_out_and_deleted(client: TestClient, ann: Account) -> None:
    conversation = talk("my number is 202 555 0143")
    with writing() as session:
        handoff = handoffs.create(session, conversation.sender, answers(), "I agree.")
    number = "(202) 555-0143"
    found = send(client, "privacy", contact=number).text
    assert handoff.reference in found
    file = send(client, "privacy/export", contact=number)
    assert file.headers["content-disposition"] == 'attachment; filename="person.json"'
    assert "my number is 202 555 0143" in file.text
    kept = send(client, "privacy/erase", contact=number)
    assert "tick that you are sure" in client.get(kept.headers["location"]).text
    gone = send(client, "privacy/erase", contact=number, sure="yes")
    assert "Everything of them is deleted." in client.get(gone.headers["location"]).text
    with reading() as session:
        assert session.get(Handoff, handoff.id) is None
        assert session.get(Conversation, conversation.id) is None
        did = session.scalars(sa.select(AuditEntry.what)).all()
    assert "exported" in did
    for form in ("privacy/export", "privacy/erase"):
        none = send(client, form, contact=number, sure="yes")
        assert "There is nothing of this person." in client.get(none.headers["location"]).text
    assert "There is nothing of this person." in send(client, "privacy", contact=number).text
