"""The whole assistant on PostgreSQL, by setting one variable."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
import pytest

from tests.conftest import _create_database
from tests.system.assistant import Visitor, new_assistant

pytestmark = pytest.mark.postgres


def test_everything_is_kept_in_postgresql(
    postgres_server: str, model: Path, tmp_path: Path
) -> None:
    name = f"assistant_{uuid.uuid4().hex}"
    _create_database(postgres_server, name, "template1")
    url = postgres_server.format(name=name)
    assistant = new_assistant(tmp_path / "data", model, SPINEBOT_DATABASE_URL=url)
    assistant.start("actions", "rasa", "web")
    try:
        assistant.wait_until_ready()
        visitor = Visitor(assistant)
        assert visitor.say("heat or ice?")[0]["custom"]["section"] == "heat-or-ice"
        visitor.say("i want the mri review")
        for text in ("Ann Sample", "202-555-0143", "skip", "no", "neck"):
            visitor.say(text)
        visitor.press("I agree")
        reference = visitor.press("Yes, send it")[-1]["custom"]["reference"]
    finally:
        assistant.stop()
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM handoff WHERE reference = %s", [reference])
        assert row.fetchone() == (1,)
        events = connection.execute("SELECT count(*) FROM events").fetchone()
        assert events is not None
        assert events[0] > 10, "Rasa keeps its tracker there too"
    assert not list((tmp_path / "data").glob("*.db"))
