"""What the processes say of themselves: a line an event, with the message that it is about.

The message's number in the database goes with a turn from the web process to Rasa and to the action
server, so that what each of them says of it can be found together. No line holds what was typed.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import datetime, timezone

FORMATS = ("text", "json")
VARIABLE = "SPINEBOT_LOG"

_about: contextvars.ContextVar[str] = contextvars.ContextVar("about", default="")


@contextlib.contextmanager
def about(message: object) -> Iterator[None]:
    """Let what is logged in this block, and in threads that it starts, name a message.

    message: its number; None or empty where there is none.
    """
    token = _about.set(str(message or ""))
    try:
        yield
    finally:
        _about.reset(token)


def set_up(process: str, *names: str) -> None:
    """Have loggers write to standard error as ``SPINEBOT_LOG`` says: text, or a JSON object a line.

    process: what this process is called; names: of the loggers, none for all there are.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(process, is_json=os.environ.get(VARIABLE) == "json"))
    for name in names or ("",):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.WARNING)
        logger.propagate = False


class _Lines(logging.Formatter):
    """One line for each record."""

    def __init__(self, process: str, *, is_json: bool) -> None:
        super().__init__()
        self._process, self._is_json = process, is_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, timezone.utc)
        said, message = " ".join(record.getMessage().split()), _about.get()
        if record.exc_info and record.exc_info[0] is not None:
            # Of an error its kind: its words and its trace may hold what was typed.
            said = f"{said} ({record.exc_info[0].__name__})"
        if not self._is_json:
            of = f" message {message}:" if message else ""
            return f"{at:%Y-%m-%d %H:%M:%S} {record.levelname} {self._process}:{of} {said}"
        line = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "says": said,
        }
        if message:
            line["message"] = message
        return json.dumps(line)
