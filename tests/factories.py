"""Makes what tests talk about: trackers as Rasa sends them, filled forms, loaded articles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rasa_sdk import Tracker

from spinebot import articles
from spinebot.db import engine, reading, writing
from tests.conftest import ROOT

FORM = "mri_review_form"
KEY = "a-form-key"
KNOWLEDGE = ROOT / "knowledge"
# The vectors of the project's articles, made once in a run.
_encoded: dict[tuple[str, str], bytes] = {}


def tracker(
    text: str = "",
    intent: str = "",
    *,
    form: bool = False,
    ranking: Iterable[str] = (),
    sender: str = "visitor",
    after: Iterable[str] = (),
    **slots: Any,
) -> Tracker:
    """Return a tracker whose last message is ``text``, understood as ``intent``.

    form: whether the form is open; after: the actions run since the message.
    """
    message = {
        "text": text,
        "intent": {"name": intent, "confidence": 0.9},
        "intent_ranking": [{"name": name, "confidence": 0.1} for name in ranking],
        "entities": [],
    }
    events = [{"event": "user", "text": text, "parse_data": message}]
    events += [{"event": "action", "name": name} for name in after]
    return Tracker.from_dict(
        {
            "sender_id": sender,
            "slots": slots,
            "latest_message": message,
            "events": events,
            "active_loop": {"name": FORM} if form else {},
        }
    )


def answers(**changes: Any) -> dict[str, Any]:
    """Return the slots of a whole MRI-review form."""
    return {
        "handoff_reason": "mri_review",
        "handoff_key": KEY,
        "name": "Ann Sample",
        "contact": "+12025550143",
        "best_time": "mornings",
        "recent_mri": "yes",
        "mri_date": "March 2026",
        "pain_area": "low back",
        "consent": "yes",
        "confirmed": "yes",
        **changes,
    }


def callback(**changes: Any) -> dict[str, Any]:
    """Return the slots of a whole form of somebody who wants to be called."""
    unasked = {"recent_mri": None, "mri_date": None, "pain_area": None}
    return answers(**{"handoff_reason": "callback", **unasked, **changes})


def at_once(call: Callable[[], Any], times: int = 8) -> list[Any]:
    """Run ``call`` in several threads at the same moment; return what each returned or raised."""
    start = threading.Barrier(times)
    outcomes: list[Any] = []

    def run() -> None:
        start.wait()
        try:
            outcomes.append(call())
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def queries_of(act: Callable[[], Any]) -> int:
    """Return how many statements ``act`` sends to the database."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    sa.event.listen(engine(), "before_cursor_execute", counted)
    try:
        act()
    finally:
        sa.event.remove(engine(), "before_cursor_execute", counted)
    return count


def load_articles(folder: Path = KNOWLEDGE) -> articles.Loaded:
    """Load articles into the settings' database."""
    files = articles.read_articles(folder)
    if folder == KNOWLEDGE and not _encoded:
        with reading() as session:
            _encoded.update(articles.make_vectors(session, files))
    with writing() as session:
        return articles.load(session, files, _encoded if folder == KNOWLEDGE else None)
