"""What a conversation was answered lately, so that nobody gets the same wall of text twice.

The list is kept as the slot ``answered``: entries of section, wording and intent, newest last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spinebot.articles.answers import Answer

KEPT = 5

Entries = Sequence[dict[str, Any]]


def was_answered(entries: Entries, answer: Answer) -> bool:
    """Return whether this very wording was shown lately."""
    return any(
        (entry.get("section"), entry.get("revision")) == (answer.place, answer.revision)
        for entry in entries
    )


def with_answer(entries: Entries, answer: Answer) -> list[dict[str, Any]]:
    """Return the entries after ``answer`` was shown in full."""
    entry = {"section": answer.place, "revision": answer.revision, "intent": answer.intent}
    return [*without_answer(entries, answer), entry][-KEPT:]


def without_answer(entries: Entries, answer: Answer) -> list[dict[str, Any]]:
    """Return the entries without ``answer``: asked for once more, it is shown in full."""
    return [entry for entry in entries if entry.get("section") != answer.place]
