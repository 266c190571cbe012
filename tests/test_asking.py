"""`spinebot ask` against the real web process, with and without what lies behind it."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from spinebot import asking
from spinebot.clinic import clinic
from spinebot.errors import SpinebotError
from spinebot.language.messages import MAX_CHARACTERS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The web process's port in the settings; nobody listens there yet, nor on Rasa's."""
    port = free_port()
    monkeypatch.setenv("SPINEBOT_WEB_PORT", str(port))
    monkeypatch.setenv("SPINEBOT_RASA_PORT", str(free_port()))
    return port


@pytest.fixture
def web(port: int, sqlite_database: Path) -> Iterator[None]:
    """The real web process, without Rasa behind it."""
    config = uvicorn.Config(
        "spinebot.web.app:create_app", factory=True, port=port, log_level="critical"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield
    server.should_exit = True
    thread.join()


@contextmanager
def stranger(port: int, status: int, body: bytes) -> Iterator[None]:
    """Another program on the assistant's port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_without_an_assistant_it_says_how_to_start_one(port: int) -> None:
    with pytest.raises(SpinebotError, match="does not run: start it with `make run`"):
        list(asking.ask("hello"))


@pytest.mark.usefixtures("web")
def test_an_emergency_is_answered_even_without_rasa() -> None:
    replies = list(asking.ask("I can't pee since this morning and I am numb between my legs"))
    assert any("emergency room" in reply for reply in replies)


@pytest.mark.usefixtures("web")
def test_without_rasa_the_visitor_is_told_of_the_trouble() -> None:
    assert list(asking.ask("is heat or ice better?")) == [clinic().say("trouble")]


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize("question", ["", "   ", "\x00"])
def test_an_empty_question_is_refused_in_words(question: str) -> None:
    with pytest.raises(SpinebotError, match=r"type it in a few words|could not be read"):
        list(asking.ask(question))


@pytest.mark.usefixtures("web")
def test_a_very_long_question_is_answered_somehow() -> None:
    assert list(asking.ask("x" * (MAX_CHARACTERS + 1)))


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"hello"), (200, b"[]"), (200, b"{}"), (404, b"{}"), (500, b"")]
)
def test_another_program_on_the_port_is_told_apart(port: int, status: int, body: bytes) -> None:
    with stranger(port, status, body), pytest.raises(SpinebotError, match="not the assistant"):
        list(asking.ask("hello"))
