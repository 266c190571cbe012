"""What the names of intents tell: which are questions, and which are out of scope."""

from __future__ import annotations

from typing import Any

EMERGENCY = "report_emergency"
# In front of a ranking that was not sure enough: no intent, and never learnt.
FALLBACK = "nlu_fallback"
# Questions about the bot and the clinic: they have a wording of clinic.yml instead of an article.
FROM_CLINIC = frozenset({"ask_bot_identity", "ask_clinic_hours", "ask_chat_privacy"})


def is_question(intent: str) -> bool:
    """Return whether the intent is a question of visitors."""
    return intent.startswith("ask_")


def is_from_articles(intent: str) -> bool:
    """Return whether the intent is a question that an article answers."""
    return is_question(intent) and intent not in FROM_CLINIC


def is_outside(intent: str) -> bool:
    """Return whether the intent is out of scope, of whichever kind."""
    return intent.startswith("out_of_scope")


def name_of(entry: Any) -> str:
    """Return the name of an entry of ``intents`` in domain.yml: it may stand alone or have more."""
    return str(next(iter(entry)) if isinstance(entry, dict) else entry)
