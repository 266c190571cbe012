"""The whole assistant as its own processes, on free ports and in a data directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import ROOT

PATIENCE = 120  # seconds; a loaded machine takes its time to import TensorFlow
COMMANDS = {
    "actions": "{app} -m rasa_sdk --actions actions --port $SPINEBOT_ACTIONS_PORT --quiet",
    "rasa": "{app} -m spinebot serve-rasa",
    "web": "{app} -m spinebot serve",
}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return what ``is_so`` returns as soon as that is true; fail after ``patience`` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not so within {patience} seconds: {is_so}")


@dataclass
class Assistant:
    """The processes and their environment."""

    environment: dict[str, str]
    # The folder that they run in: a copy of the project where a test changes it.
    root: Path = ROOT
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        return Path(self.environment["SPINEBOT_DATA_DIR"])

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SPINEBOT_WEB_PORT']}"

    @property
    def rasa_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['SPINEBOT_RASA_PORT']}"

    def start(self, *names: str) -> None:
        for name in names:
            pythons = {env: f".venv/{env}/bin/python" for env in ("app", "rasa")}
            command = COMMANDS[name].format(**pythons)
            log = (self.data_dir / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                f"exec {command}",
                shell=True,
                cwd=self.root,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def send(self, name: str, what: signal.Signals) -> None:
        """Signal a part with all its processes: the action server has a worker of its own."""
        os.killpg(self.processes[name].pid, what)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        self.send(name, how)
        self.processes.pop(name).wait(timeout=30)

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name, signal.SIGTERM)

    def missing(self) -> list[str]:
        try:
            answer = httpx.get(f"{self.web_url}/readyz", timeout=5, trust_env=False)
            return list(answer.json()["missing"])
        except httpx.HTTPError:
            return ["web"]

    def wait_until_ready(self) -> None:
        wait_until(lambda: not self.missing())

    def python(self, code: str) -> str:
        """Run code of ours beside the assistant, on its data, and return what it prints."""
        done = subprocess.run(
            [str(ROOT / ".venv/app/bin/python"), "-c", code],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return rows of the assistant's own database."""
        connection = sqlite3.connect(self.data_dir / "spinebot.db")
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Hold the write lock, as a writer that hangs would."""
        connection = sqlite3.connect(self.data_dir / "spinebot.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()


class Visitor:
    """A visitor, over HTTP."""

    def __init__(self, assistant: Assistant, page: str = "test") -> None:
        self.client = httpx.Client(base_url=f"{assistant.web_url}/api", timeout=60, trust_env=False)
        self.token = self.client.post("/conversations", json={"page": page}).json()["token"]
        self.buttons: dict[str, str] = {}

    def post(self, **body: Any) -> httpx.Response:
        """Send a message; while too many write at once, again with the same key, as widgets do."""
        body.setdefault("key", uuid4().hex)
        while True:
            answer = self.client.post(f"/conversations/{self.token}/messages", json=body)
            if answer.status_code != 429 or answer.json()["error"]["code"] != "busy":
                return answer
            time.sleep(0.5)

    def messages(self, after: int = 0) -> list[dict[str, Any]]:
        found = self.client.get(f"/conversations/{self.token}/messages", params={"after": after})
        return list(found.json()["messages"])

    def say(self, text: str) -> list[dict[str, Any]]:
        """Type ``text``, wait, and return the replies."""
        return self._replies(self.post(text=text))

    def press(self, title: str) -> list[dict[str, Any]]:
        """Press the newest button with this title and return the replies."""
        return self._replies(self.post(button=self.buttons[title]))

    def _replies(self, response: httpx.Response) -> list[dict[str, Any]]:
        assert response.status_code == 202, response.text
        number = response.json()["number"]
        replies = wait_until(lambda: self.messages(after=number), 60)
        for reply in replies:
            self.buttons.update({b["title"]: b["payload"] for b in reply["buttons"]})
        return list(replies)

    def events(self, after: int, count: int, **headers: str) -> list[dict[str, Any]]:
        """Return the next ``count`` message events of the stream."""
        found: list[dict[str, Any]] = []
        address = f"/conversations/{self.token}/events"
        with self.client.stream("GET", address, params={"after": after}, headers=headers) as stream:
            name = ""
            for line in stream.iter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:") and name == "message":
                    found.append(json.loads(line[5:]))
                    if len(found) == count:
                        break
        return found


def new_assistant(directory: Path, model: Path, root: Path = ROOT, **settings: str) -> Assistant:
    """Return an assistant that is not started: free ports, tables and articles loaded."""
    models = directory / "models"
    models.mkdir(parents=True)
    shutil.copy(model, models / model.name)
    (models / "live").write_text(model.name, encoding="utf-8")
    from spinebot.training import rasa_process

    ports = {f"SPINEBOT_{name}_PORT": str(free_port()) for name in ("WEB", "RASA", "ACTIONS")}
    own = {
        **ports,
        "SPINEBOT_DATA_DIR": str(directory),
        "SPINEBOT_MODEL": str(models / model.name),
        "SPINEBOT_RASA_TIMEOUT": "20",
        # All visitors of the tests have one address.
        "SPINEBOT_LIMIT_ADDRESS": "100000/minute",
        "SPINEBOT_LIMIT_CONVERSATIONS": "100000/hour",
        "SPINEBOT_LIMIT_HANDOFFS": "100000/hour",
        **settings,
    }
    script = (
        "import json; from spinebot.training.rasa_process import environment;"
        "print(json.dumps(environment()))"
    )
    subprocess.run(
        [".venv/app/bin/python", "-m", "spinebot", "articles", "load"],
        cwd=root,
        env={**os.environ, **own},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert rasa_process.RASA_PYTHON.is_file()
    environment = subprocess.run(
        [".venv/app/bin/python", "-c", script],
        cwd=root,
        env={**os.environ, **own},
        check=True,
        capture_output=True,
        text=True,
    )
    return Assistant({**json.loads(environment.stdout), **own}, root)


def checkout(folder: Path) -> Path:
    """Return a checkout of the project as it is now, to be changed; the environments are shared."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@clinic.example"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    return folder
