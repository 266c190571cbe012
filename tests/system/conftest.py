"""A model that is really trained, and an assistant that really runs, once for all tests here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.conftest import ROOT
from tests.system.assistant import Assistant, Visitor, new_assistant
from tests.system.browsing import chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The live model if it was trained from the files as they are, else one trained now."""
    own = ROOT / "var"
    directory = tmp_path_factory.mktemp("training")
    code = (
        "from spinebot.training import models as m; live = m.live_model();"
        "print(live if live and m.is_current(live) else m.train())"
    )
    for data_dir in (own, directory):
        pointer = data_dir / "models" / "live"
        if data_dir == own and not pointer.is_file():
            continue
        environment = {**os.environ, "SPINEBOT_DATA_DIR": str(data_dir)}
        code_here = code.replace("m.train()", "''") if data_dir == own else code
        done = subprocess.run(
            [".venv/app/bin/python", "-c", code_here],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        found = done.stdout.strip().splitlines()[-1:] or [""]
        if found[0]:
            return Path(found[0])
    raise AssertionError("no model was trained")


@pytest.fixture(scope="session")
def running(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """An assistant that runs for the whole session. A test that kills a part restarts it."""
    assistant = new_assistant(tmp_path_factory.mktemp("assistant") / "data", model)
    assistant.start("actions", "rasa", "web")
    try:
        assistant.wait_until_ready()
        yield assistant
    finally:
        assistant.stop()


@pytest.fixture
def assistant(running: Assistant) -> Assistant:
    """The running assistant, whole again if the test before left a part dead."""
    dead = {"actions", "rasa", "web"} - set(running.processes)
    if dead:
        running.start(*dead)
    running.wait_until_ready()
    return running


@pytest.fixture
def visitor(assistant: Assistant) -> Visitor:
    """A visitor with a conversation of their own."""
    return Visitor(assistant)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the module. Not for longer: while it is open, an event loop runs here."""
    with chromium() as found:
        yield found
