"""Trying a model out: with the widget, by guests with a link, or beside the live model.

A tester's conversation is one like any other, with ``trial`` set: it counts in no statistics,
teaches nothing, and no request of it reaches staff. A candidate is a second model that the serving
process keeps running for as long as somebody tries it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import conversations
from spinebot.db import now
from spinebot.errors import NotFoundError, SpinebotError
from spinebot.files import write_whole
from spinebot.keys import fingerprint
from spinebot.models import Account, Conversation, Message, Sender, Trial, TrialLink
from spinebot.training import models

LONGEST = 30  # days that a link may live
PAGE = "/try/"


class TrialError(SpinebotError):
    """Something cannot be tried out like this."""


def new_link(
    session: Session, name: str, trial: str, days: int, account_id: int
) -> tuple[TrialLink, str]:
    """Make a link for a guest; return it with its secret, which is shown once.

    Raises:
        TrialError: the name is missing, or the days are too many or too few.
    """
    name = " ".join(name.split())[:60]
    if not name:
        raise TrialError("Say who the link is for.")
    if trial not in {each.value for each in Trial} or not 1 <= days <= LONGEST:
        raise TrialError(f"Choose a model, and 1 to {LONGEST} days.")
    secret = secrets.token_urlsafe(24)
    link = TrialLink(
        name=name,
        token_hash=fingerprint(secret),
        trial=trial,
        account_id=account_id,
        expires_at=now() + timedelta(days=days),
    )
    session.add(link)
    session.flush()
    return link, secret


def links(session: Session) -> list[tuple[TrialLink, str]]:
    """Return the links that are still good, with who made them, the newest first."""
    rows = session.execute(
        sa.select(TrialLink, Account.name)
        .join(Account, Account.id == TrialLink.account_id)
        .where(TrialLink.expires_at > now())
        .order_by(TrialLink.id.desc())
    )
    return [(link, name) for link, name in rows]


def end_link(session: Session, link_id: int) -> None:
    """Let a link lead nowhere from now on; what was said with it stays."""
    session.execute(sa.update(TrialLink).where(TrialLink.id == link_id).values(expires_at=now()))


def link(session: Session, secret: str) -> TrialLink:
    """Return the link of a secret.

    Raises:
        NotFoundError: there is none, or it has ended.
    """
    found = session.scalar(
        sa.select(TrialLink).where(
            TrialLink.token_hash == fingerprint(secret), TrialLink.expires_at > now()
        )
    )
    if found is None:
        raise NotFoundError("This link has ended. Ask for a new one.")
    return found


def begin(session: Session, conversation: Conversation) -> None:
    """Make a conversation a tester's if it was begun on the page of a link."""
    address = urlsplit(conversation.page)
    if not address.path.startswith(PAGE):
        return
    try:
        found = link(session, address.path.removeprefix(PAGE).strip("/"))
    except NotFoundError:
        return
    conversation.trial = found.trial
    # The secret must not stand in the list of conversations.
    conversation.page = f"{PAGE}{found.name}"


def start(session: Session, trial: Trial) -> Conversation:
    """Begin a tester's conversation of staff."""
    conversation, _ = conversations.start(session, "/console/trials")
    conversation.trial = trial.value
    return conversation


def of(session: Session, conversation_id: int) -> Conversation:
    """Return a tester's conversation.

    Raises:
        NotFoundError: there is none, or it is a visitor's.
    """
    found = session.get(Conversation, conversation_id)
    if found is None or found.trial is None:
        raise NotFoundError("There is no such trial.")
    return found


@dataclass(frozen=True)
class Exchange:
    """What a tester said, and what two models replied; is_different: they did not say the same."""

    said: str
    live: Sequence[Message]
    candidate: Sequence[Message]
    intents: tuple[str, str]

    @property
    def is_different(self) -> bool:
        """Whether the two said something else, or understood something else."""
        texts = [[each.text for each in side] for side in (self.live, self.candidate)]
        return texts[0] != texts[1] or self.intents[0] != self.intents[1]


def side_by_side(session: Session, live: Conversation, candidate: Conversation) -> list[Exchange]:
    """Return two conversations in which the same was said, beside one another."""
    turns = [_turns(session, each) for each in (live, candidate)]
    return [
        Exchange(
            said.text, replies, others, (said.intent or "unanswered", also.intent or "unanswered")
        )
        for (said, replies), (also, others) in zip(*turns, strict=False)
    ]


def _turns(session: Session, conversation: Conversation) -> list[tuple[Message, list[Message]]]:
    found: list[tuple[Message, list[Message]]] = []
    for message in conversations.messages_after(session, conversation.id, 0):
        if message.sender == Sender.VISITOR.value:
            found.append((message, []))
        elif found and message.sender == Sender.BOT.value:
            found[-1][1].append(message)
    return found


# The candidate: a pointer beside that of the live model, followed by the serving process.

IDLE_SECONDS = 3600.0


def candidate() -> str | None:
    """Return the name of the model that is to be tried out, or None.

    One that nobody has used for an hour is one no more: it would take memory for nothing.
    """
    pointer = _pointer()
    try:
        if time.time() - pointer.stat().st_mtime > IDLE_SECONDS:
            pointer.unlink(missing_ok=True)
            return None
        return pointer.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def choose(name: str | None) -> None:
    """Let the serving process run a model beside the live one; None: no more."""
    pointer = _pointer()
    if name is None:
        pointer.unlink(missing_ok=True)
        return
    write_whole(pointer, name)


def candidate_port() -> int | None:
    """Return the port on which the candidate answers; None while it does not. It is in use now."""
    served = models.served()
    name, port = served.get("candidate"), served.get("candidate_port")
    if not name or not port or candidate() != name:
        return None
    _pointer().touch()
    return int(port)


def _pointer() -> Path:
    return models.serving_file().with_name("candidate")
