"""What the widget asks of the web process beside the conversation itself, all without Rasa."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import joinedload
from starlette.testclient import TestClient

from spinebot import conversations
from spinebot.clinic import Opening, clinic
from spinebot.db import now, reading, writing
from spinebot.models import (
    Conversation,
    EventCount,
    Feedback,
    Finding,
    Handoff,
    Message,
    Unanswered,
)
from tests.conftest import web_process

KEY = "a key of its own"
DETAILS = {"key": KEY, "name": "Ann Sample", "phone": "202-555-0143", "consent": True}


@pytest.fixture
def client(stocked: Path, data_dir: Path) -> Iterator[TestClient]:
    """The web process, with all articles; Rasa is away."""
    shutil.copy(stocked, data_dir / "spinebot.db")
    with web_process() as found:
        yield found


@pytest.fixture
def token(client: TestClient) -> str:
    return str(client.post("/api/conversations", json={"language": "es"}).json()["token"])


def said(token: str, *texts: str) -> None:
    """Store messages and a reply to each, as turns do."""
    with writing() as session:
        conversation = conversations.find(session, token)
        for number, text in enumerate(texts):
            message, _ = conversations.say(session, conversation, text, f"key {number:04}")
            reply = {"text": "An answer.", "custom": {"type": "answer"}}
            conversations.reply(session, conversation, message, [reply], conversations.Understood())


def rows(table: Any) -> int:
    with reading() as session:
        return int(session.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


# Before the first word


def test_the_widget_speaks_two_languages(client: TestClient) -> None:
    english, spanish = (
        client.get("/api/widget", params={"language": language}).json() for language in ("en", "es")
    )
    assert english["greeting"].startswith("Hello")
    assert spanish["greeting"].startswith("Hola")
    assert clinic().phone in spanish["unreachable"]
    assert client.get("/api/widget", params={"language": "fr"}).json()["language"] == "en"


def test_the_first_questions_follow_the_pages_topic(client: TestClient) -> None:
    plain = client.get("/api/widget").json()["starters"]
    own = client.get("/api/widget", params={"topic": "muscle-spasm-self-care"}).json()["starters"]
    assert "Is heat or ice better?" in own
    assert own != plain
    assert client.get("/api/widget", params={"topic": "no such"}).json()["starters"] == plain


@pytest.mark.parametrize(
    ("moment", "is_open", "changes"),
    [
        ("2026-11-25T13:00", True, "2026-11-25T22:00"),  # Wednesday, 8 in the morning there
        ("2026-11-25T12:59", False, "2026-11-25T13:00"),
        ("2026-11-27T22:00", False, "2026-11-30T13:00"),  # Friday evening: Monday
        ("2026-03-08T12:00", False, "2026-03-09T12:00"),  # the clocks went forward at night
    ],
)
def test_hours_are_moments(moment: str, is_open: bool, changes: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=timezone.utc)
    found, change = clinic().opening.turns(at)
    assert found is is_open
    assert change is not None
    assert change.astimezone(timezone.utc).isoformat()[:16] == changes


def test_a_clinic_that_never_opens_says_no_moment() -> None:
    assert Opening(timezone="America/New_York").turns(now()) == (False, None)


# Home


def test_every_question_can_be_read_without_the_bot(client: TestClient) -> None:
    found = client.get("/api/topics").json()
    questions = [question for topic in found["topics"] for question in topic["questions"]]
    assert len(questions) > 60
    assert all(
        question["body"] and question["url"].startswith("/articles/") for question in questions
    )
    assert set(found["top"]) <= {question["title"] for question in questions}


def test_topics_are_sent_once(client: TestClient) -> None:
    tag = client.get("/api/topics").headers["etag"]
    assert client.get("/api/topics", headers={"If-None-Match": tag}).status_code == 304


def test_the_search_finds_sections(client: TestClient) -> None:
    found = client.get("/api/search", params={"q": "heat or ice for a spasm"}).json()
    assert found["emergency"] is None
    assert found["results"][0]["section_title"] == "Is heat or ice better for a spasm?"
    assert client.get("/api/search", params={"q": "zzz qqq"}).json()["results"] == []


def test_an_emergency_in_the_search_comes_before_all_results(client: TestClient) -> None:
    found = client.get("/api/search", params={"q": "i can't pee and my crotch is numb"}).json()
    assert found["results"] == []
    assert "emergency room now" in found["emergency"]["text"]
    assert found["emergency"]["calls"][0]["url"] == "tel:911"


def test_events_are_counted_by_day(client: TestClient) -> None:
    for _ in range(3):
        assert client.post("/api/events", json={"name": "opened"}).status_code == 204
    assert client.post("/api/events", json={"name": "my name is Ann"}).status_code == 422
    with reading() as session:
        [row] = session.scalars(sa.select(EventCount))
    assert (row.name, row.count, row.day) == ("opened", 3, now().date())


# The conversation


def test_the_token_is_ours_or_opens_nothing(client: TestClient, token: str) -> None:
    assert client.get(f"/api/conversations/{token}/messages").status_code == 200
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.split(".")[0],
        "x",
        "é.x",
        "a.",
    ]
    for other in forged:
        assert client.get(f"/api/conversations/{other}/messages").status_code == 404, other
    with reading() as session:
        assert session.scalars(sa.select(Conversation.language)).one() == "es"


def test_a_rating_is_kept_and_shown_again(client: TestClient, token: str) -> None:
    said(token, "heat or ice?")
    address = f"/api/conversations/{token}/feedback"
    for body in (
        {"number": 2, "helpful": True},
        {"number": 2, "helpful": False, "reason": "too_long"},
        {"helpful": True},
    ):
        assert client.post(address, json=body).status_code == 204
    assert client.post(address, json={"number": 1, "helpful": True}).status_code == 404
    assert (
        client.post(address, json={"number": 2, "helpful": True, "reason": "x"}).status_code == 422
    )
    shown = client.get(f"/api/conversations/{token}/messages").json()["messages"]
    assert [message["helpful"] for message in shown] == [None, False]
    with reading() as session:
        kept = {
            row.number: (row.helpful, row.reason) for row in session.scalars(sa.select(Feedback))
        }
    assert kept == {2: (False, "too_long"), 0: (True, None)}


def test_a_deleted_chat_is_gone_and_the_handoff_stays(client: TestClient, token: str) -> None:
    said(token, "heat or ice?", "i wet myself")
    client.post(f"/api/conversations/{token}/feedback", json={"number": 2, "helpful": True})
    assert client.post("/api/handoffs", json={**DETAILS, "token": token}).status_code == 201
    other = client.post("/api/conversations", json={}).json()["token"]
    said(other, "heat or ice?")
    assert client.delete(f"/api/conversations/{token}").status_code == 204
    assert client.get(f"/api/conversations/{token}/messages").status_code == 404
    assert client.delete(f"/api/conversations/{token}").status_code == 404
    assert (rows(Conversation), rows(Message)) == (1, 2)
    assert {rows(table) for table in (Feedback, Finding, Unanswered)} == {0}
    with reading() as session:
        assert session.scalars(sa.select(Handoff.conversation_id)).one() is None


# Details


def test_details_are_stored_once(client: TestClient) -> None:
    first = client.post("/api/handoffs", json={**DETAILS, "best_time": "mornings"})
    again = client.post("/api/handoffs", json=DETAILS)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    with reading() as session:
        kept = session.scalars(sa.select(Handoff).options(joinedload(Handoff.contact))).one()
    assert (kept.contact.name, kept.contact.phone, kept.contact.email) == (
        "Ann Sample",
        "+12025550143",
        None,
    )
    assert (kept.reference, kept.reason) == (first.json()["reference"], "callback")
    assert kept.consent_text == clinic().fill(clinic().consent.callback)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": " "}, {"name"}),
        ({"phone": ""}, {"phone"}),
        ({"phone": "12"}, {"phone"}),
        ({"phone": "ann@example.com"}, {"phone"}),
        ({"email": "ann at home"}, {"email"}),
        ({"consent": False}, {"consent"}),
        ({"name": "", "phone": "", "consent": False}, {"name", "phone", "consent"}),
    ],
)
def test_each_bad_field_is_named(
    client: TestClient, change: dict[str, Any], fields: set[str]
) -> None:
    answer = client.post("/api/handoffs", json={**DETAILS, **change})
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == fields
    assert rows(Handoff) == 0


def test_an_emergency_in_the_details_is_warned_of_and_marked(client: TestClient) -> None:
    body = {**DETAILS, "message": "I can't pee and my crotch is numb"}
    answer = client.post("/api/handoffs", json=body).json()
    assert "emergency room now" in answer["emergency"]["text"]
    with reading() as session:
        assert session.scalars(sa.select(Handoff.red_flag)).one() == "er_now"


def test_a_program_that_fills_in_everything_is_thanked(client: TestClient) -> None:
    answer = client.post("/api/handoffs", json={**DETAILS, "website": "https://spam.example"})
    assert answer.status_code == 201
    assert answer.json()["reference"].startswith("SB-")
    assert rows(Handoff) == 0


# Guards


def test_another_website_may_not_write(client: TestClient, token: str) -> None:
    for origin, status in (
        ("https://evil.example", 403),
        ("null", 403),
        ("http://testserver", 201),
    ):
        answer = client.post("/api/conversations", json={}, headers={"Origin": origin})
        assert answer.status_code == status, origin
    answer = client.delete(
        f"/api/conversations/{token}", headers={"Origin": "https://evil.example"}
    )
    assert answer.json()["error"]["code"] == "origin"


def test_too_much_is_said_calmly_and_an_emergency_gets_through(
    client: TestClient, token: str
) -> None:
    def say(number: int, text: str) -> Any:
        return client.post(
            f"/api/conversations/{token}/messages", json={"key": f"key {number:04}", "text": text}
        )

    answers = [say(number, "hello") for number in range(25)]
    assert [answer.status_code for answer in answers] == [202] * 20 + [429] * 5
    assert clinic().phone in answers[-1].json()["error"]["message"]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert say(100, "i can't pee and my crotch is numb").status_code == 202


def test_one_address_leaves_details_only_so_often(client: TestClient) -> None:
    statuses = [
        client.post("/api/handoffs", json={**DETAILS, "key": f"key {number:04}"}).status_code
        for number in range(11)
    ]
    assert statuses == [201] * 10 + [429]


# The files


def test_all_of_the_widget_is_small() -> None:
    """20 kB with gzip, as the web process sends it."""
    import gzip

    from spinebot.web.pages import SCRIPTS, script

    sizes = {name: len(gzip.compress(script(name).encode(), 9)) for name in SCRIPTS}
    assert sum(sizes.values()) <= 20_000, sizes


def test_what_is_sent_of_a_script_is_all_but_comments_and_what_joins_its_parts() -> None:
    from spinebot.web.pages import SCRIPTS, WIDGET, script

    for name, parts in SCRIPTS.items():
        sent = script(name).splitlines()
        assert sent
        kept = {
            re.sub("^export ", "", line.strip()) if part != parts[-1] else line.strip()
            for part in parts
            for line in (WIDGET / part).read_text("utf-8").splitlines()
        }
        assert set(sent) <= kept
        assert "* { box-sizing: border-box; }" in sent or name != "spine-chat.js"
    assert "import " not in script("panel.js")
    assert script("panel.js").count("export ") == 1


def test_the_panels_parts_import_what_they_use_of_each_other() -> None:
    """Joined they would work without; apart they are what an editor and a reader see."""
    from spinebot.web.pages import SCRIPTS, WIDGET

    texts = {part: (WIDGET / part).read_text("utf-8") for part in SCRIPTS["panel.js"]}
    top = r"^(?:export )?(?:async )?(?:const|class|function) (\w+)"
    homes = {name: part for part, text in texts.items() for name in re.findall(top, text, re.M)}
    assert len(homes) == sum(len(re.findall(top, text, re.M)) for text in texts.values())
    for place, (part, text) in enumerate(texts.items()):
        code = re.sub(r"/\*\*.*?\*/", "", text, flags=re.S)
        imported = {
            name: f"panel/{source}"
            for found, source in re.findall(r'^import \{ (.*) \} from "\./(.*)";', text, re.M)
            for name in found.split(", ")
        }
        assert set(imported.values()) <= set(list(texts)[:place]), f"{part} stands too early"
        for name in imported:
            used = re.findall(rf"(?<!\w)(?<!\w\.){name}\b", code)
            assert len(used) > 1, f"{part} does not use {name}"
        called = set(re.findall(r"(?<![\w:])(?<!\w\.)([A-Za-z]\w*)\(", code))
        missing = {n for n in called & set(homes) if homes[n] != part and n not in imported}
        assert not missing, f"{part} uses {missing}"
