"""``python -m bench.console``: how long the console's pages take with a large clinic's data.

The bar is 300 ms at the 95th percentile, with 100,000 conversations and 1,000,000 messages.
``--data`` names a data folder that is filled already (``spinebot demo --conversations 100000``).
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.testclient import TestClient

BAR = 0.3  # seconds
CONVERSATIONS = 100_000
ROUNDS = 20
PASSWORD = "a long password for the benchmark"


def paths(chance: random.Random, conversations: int) -> dict[str, str]:
    """Return the pages, each with values of its own this round."""
    some = chance.randrange(1, conversations)
    word = chance.choice(["spasm", "epidural", "surgery", "sciatica", "tingly", "zebra"])
    intent = chance.choice(["ask_heat_or_ice", "ask_disc_spasm_cause", "nlu_fallback"])
    return {
        "the list": "conversations",
        "the list, one word": f"conversations?q={word}",
        "the list, a common word": "conversations?q=pain",
        "the list, two words": f"conversations?q=back+{word}",
        "the list, an intent": f"conversations?intent={intent}",
        "the list, unsure": "conversations?unsure=0.3",
        "the list, red flags": "conversations?red_flag=yes",
        "the list, no handoff, helpful": "conversations?handoff=no&feedback=helpful",
        "the list, open and unanswered": "conversations?review=open&unanswered=yes",
        "the list, resolved": "conversations?resolved=yes",
        "the list, a page": "conversations?page=contact",
        "a conversation": f"conversations/{some}",
        "next unreviewed": "conversations/next",
        "the queue": "handoffs",
        "reports, 8 weeks": "reports",
        "the audit trail": "audit",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, measure, print the table; 1 if a page does not clear the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        # Set before anything of ours reads its settings.
        os.environ["SPINEBOT_DATA_DIR"] = str(options.data or folder)
        return _measure(options)


def _measure(options: argparse.Namespace) -> int:
    import sqlalchemy as sa
    from starlette.testclient import TestClient

    from spinebot import accounts, articles, demo
    from spinebot.db import reading, upgrade, writing
    from spinebot.models import Account, Conversation, Message, Role
    from spinebot.settings import ROOT
    from spinebot.web.app import create_app

    upgrade()
    if not options.data:
        with writing() as session:
            articles.load(session, articles.read_articles(ROOT / "knowledge"))
            account, _ = accounts.invite(session, "a@clinic.example", "Ann Sample", Role.ADMIN)
            print(f"{demo.fill(session, options.conversations, account):,} messages are stored")
    with writing() as session:
        account = session.scalars(sa.select(Account).order_by(Account.id).limit(1)).one()
        accounts.set_password(session, account, PASSWORD)
        email = account.email
    with reading() as session:
        conversations = session.scalar(sa.select(sa.func.count()).select_from(Conversation)) or 0
        messages = session.scalar(sa.select(sa.func.count()).select_from(Message)) or 0
    print(f"{conversations:,} conversations, {messages:,} messages, {options.rounds} rounds\n")
    with TestClient(create_app()) as client:
        client.post("/console/login", data={"email": email, "password": PASSWORD})
        return _print(_asked(client, options.rounds, conversations))


def _asked(client: TestClient, rounds: int, conversations: int) -> dict[str, list[float]]:
    """Ask for every page in each round; return page -> seconds, one a round."""
    chance, times = random.Random(1), dict[str, list[float]]()
    for number in range(rounds + 1):
        for name, path in paths(chance, conversations).items():
            began = time.perf_counter()
            answer = client.get(f"/console/{path}")
            took = time.perf_counter() - began
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            if number:  # the first round warms up
                times.setdefault(name, []).append(took)
    return times


def _print(times: dict[str, list[float]]) -> int:
    """Print the table; return 1 if a page does not clear the bar."""
    slow = 0
    print(f"| page | median | p95 | under {BAR * 1000:.0f} ms |\n| --- | ---: | ---: | --- |")
    for name, taken in times.items():
        taken.sort()
        p95 = taken[math.ceil(0.95 * len(taken)) - 1]
        slow += p95 > BAR
        middle = taken[len(taken) // 2] * 1000
        print(
            f"| {name} | {middle:.0f} ms | {p95 * 1000:.0f} ms | {'yes' if p95 <= BAR else 'NO'} |"
        )
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
