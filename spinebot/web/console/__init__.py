"""The console of staff: pages and forms under ``/console``, one file a noun."""

from __future__ import annotations

from fastapi import APIRouter

from spinebot.web.console import (
    accounts,
    articles,
    changes,
    conversations,
    coverage,
    handoffs,
    inbox,
    intents,
    models,
    outgoing,
    privacy,
    reports,
    takeover,
    tokens,
    trials,
)

router = APIRouter()
NOUNS = (
    *(accounts, takeover, conversations, handoffs, inbox, models, outgoing, reports),
    *(coverage, privacy, tokens, intents, changes, articles, trials),
)
for _noun in NOUNS:
    router.include_router(_noun.router)
