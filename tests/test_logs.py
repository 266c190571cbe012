"""What the processes log: one line, the message it is about, and nothing that was typed."""

from __future__ import annotations

import contextvars
import json
import logging
import subprocess
import sys
import threading
from typing import Any

import pytest
from rasa_sdk.executor import CollectingDispatcher
from starlette.testclient import TestClient

from actions._edge import guarded
from spinebot import logs
from spinebot.errors import SettingsError
from spinebot.settings import read_settings
from spinebot.web import turns
from tests.conftest import ROOT
from tests.factories import tracker
from tests.system.assistant import wait_until

HEAD = """
import logging
from spinebot import logs
logs.set_up("web")
log = logging.getLogger("spinebot.x")
"""


def lines_of(monkeypatch: pytest.MonkeyPatch, kind: str, code: str) -> list[str]:
    """What a process of its own writes to standard error."""
    monkeypatch.setenv("SPINEBOT_LOG", kind)
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()


CODE = """
log.info("nobody wants to read this")
log.error("no words: %s", "two\\nlines")
with logs.about(4711):
    log.warning("it failed")
    try:
        raise ValueError("what was typed")
    except ValueError:
        log.exception("it failed again")
log.warning("and after it")
"""


def test_a_line_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third, last = lines_of(monkeypatch, "text", CODE)
    assert first.endswith("ERROR web: no words: two lines")
    assert second.endswith("WARNING web: message 4711: it failed")
    assert third.endswith("ERROR web: message 4711: it failed again (ValueError)")
    assert last.endswith("WARNING web: and after it")


def test_a_line_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [json.loads(line) for line in lines_of(monkeypatch, "json", CODE)]
    assert [each.get("message") for each in found] == [None, "4711", "4711", None]
    assert found[1].keys() == {"at", "level", "process", "logger", "says", "message"}
    assert found[2]["says"] == "it failed again (ValueError)"
    assert {each["process"] for each in found} == {"web"}


def test_another_format_is_refused() -> None:
    assert read_settings({"SPINEBOT_LOG": "json"}).log == "json"
    with pytest.raises(SettingsError, match="one of text, json"):
        read_settings({"SPINEBOT_LOG": "xml"})


def test_threads_that_a_turn_starts_know_the_message() -> None:
    found = []
    with logs.about(12):
        context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(lambda: found.append(logs._about.get())))
    thread.start()
    thread.join()
    assert (found, logs._about.get()) == (["12"], "")


class Heard(logging.Handler):
    """What was logged, with the message that it was about."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((logs._about.get(), record.getMessage()))


@pytest.fixture
def heard() -> Any:
    found = Heard()
    logging.getLogger().addHandler(found)
    yield found
    logging.getLogger().removeHandler(found)


def test_a_turn_that_fails_names_its_message(
    client: TestClient, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = client.post("/api/conversations", json={"page": "x"}).json()["token"]
    place = f"/api/conversations/{token}/messages"
    said = client.post(place, json={"key": "key 0001", "text": "heat or ice"})
    assert said.status_code == 202
    # Rasa is away here: the visitor is told so, and the log says why.
    wait_until(lambda: client.get(f"{place}?after=1").json()["messages"], 30)
    about = {message for message, said in heard.said if "turn failed" in said}
    assert about == {"1"}
    assert turns.logger.name == "spinebot.web.turns"


def test_an_action_that_fails_names_its_message(heard: Heard) -> None:
    class Broken:
        def name(self) -> str:
            return "action_broken"

        @guarded
        def run(self, *_: Any) -> Any:
            raise ValueError("what was typed")

    talk = tracker()
    talk.latest_message["message_id"] = "77"
    Broken().run(CollectingDispatcher(), talk, {})
    assert ("77", "action_broken failed: ValueError") in heard.said
    assert "typed" not in str(heard.said)
