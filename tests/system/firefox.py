"""Debian's Firefox, driven over WebDriver BiDi (W3C), which it speaks by itself.

Playwright drives only a Firefox of its own make; this is the one that visitors have.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0


class Firefox:
    """A page of a running Firefox."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._call("session.new", capabilities={})
        tree = self._call("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._connection.recv(timeout=PATIENCE))
            if answer.get("id") != number:
                continue  # an event
            assert answer["type"] == "success", answer
            return dict(answer["result"])

    def visit(self, url: str) -> None:
        self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression gives: text, a number, true, false or None."""
        done = self._call(
            "script.evaluate",
            expression=expression,
            target={"context": self._context},
            awaitPromise=True,
        )
        assert done["type"] == "success", done
        return done["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression gives something true, and return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := self.evaluate(expression):
                return found
            time.sleep(0.1)
        raise AssertionError(f"never true in Firefox: {expression}")

    def type(self, keys: str) -> None:
        """Press keys; special ones by their code points (WebDriver).

        Without a screen the window is never in front: keys arrive, but a focused button, also on
        the plainest page, does not answer to them.
        """
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._call("input.performActions", context=self._context, actions=[source])

    def picture(self, path: Path) -> None:
        import base64

        shot = self._call("browsingContext.captureScreenshot", context=self._context)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def firefox() -> Iterator[Firefox]:
    """Start it with a profile of its own; skip where there is none."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("Firefox is not installed")
    with tempfile.TemporaryDirectory() as profile:
        process = subprocess.Popen(
            [
                *(program, "--headless", "--no-remote", "--profile", profile),
                *("--remote-debugging-port", "0", "--width", "1280", "--height", "800"),
            ],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"listening on (ws://\S+)", line):
                    break
            else:
                raise AssertionError("Firefox did not start")
            with connect(f"{found[1]}/session", max_size=None, proxy=None) as connection:
                yield Firefox(connection)
        finally:
            process.terminate()
            process.wait(timeout=30)
