"""Real conversations once more, by another model: where would visitors have got another answer?

Each message that a visitor typed lately is put, masked, to the live model and to the candidate, and
read as it stood: after the answer that the visitor had got, or in the middle of the form. Only
where the two differ somebody must look. What is kept are the messages' numbers and intents, never
their words.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import reviews
from spinebot.db import now
from spinebot.errors import NotFoundError
from spinebot.files import write_whole
from spinebot.language.followups import ANSWERS, FORM
from spinebot.language.intent_names import FALLBACK, is_question
from spinebot.models import Account, Article, Conversation, Message, Question, Section, Sender
from spinebot.training.evaluation import Said, understand

LAST = 200  # conversations
MOST = 3000  # messages
VERDICTS = ("accepted", "rejected")


@dataclass(frozen=True)
class Turn:
    """A message that the two models understand differently.

    before, after: the intents, two with a ``+`` where two things were asked; verdict: what a
    trainer thinks of the change, empty until then.
    """

    message_id: int
    before: str
    after: str
    verdict: str = ""
    by: str = ""


@dataclass(frozen=True)
class Replay:
    """What came of it: how many conversations and messages were played, and what differs."""

    candidate: str
    against: str
    made_at: datetime
    conversations: int
    messages: int
    turns: list[Turn]

    @property
    def open(self) -> list[Turn]:
        """Those that nobody has judged yet."""
        return [turn for turn in self.turns if not turn.verdict]


def run(session: Session, candidate: Path, against: Path, last: int = LAST) -> Replay:
    """Play the last conversations to both models, keep what differs, and return it.

    Raises:
        NotFoundError: there are no conversations.
        ReleaseError: a model cannot be asked.
    """
    messages = _messages(session, last)
    if not messages:
        raise NotFoundError("No visitor has typed anything yet: there is nothing to replay.")
    texts = list(dict.fromkeys(said for _, _, said in messages))
    before, after = (
        dict(zip(texts, map(_meant, understand(model, texts)), strict=True))
        for model in (against, candidate)
    )
    known = {turn.message_id: turn for turn in (_known(candidate) or [])}
    turns = [
        _judged(Turn(message_id, before[said], after[said]), known)
        for message_id, _, said in messages
        if before[said] != after[said]
    ]
    found = Replay(
        candidate=candidate.name,
        against=against.name,
        made_at=now(),
        conversations=len({conversation for _, conversation, _ in messages}),
        messages=len(messages),
        turns=turns,
    )
    _write(candidate, found)
    return found


def _meant(understood: dict[str, Any]) -> str:
    return "+".join([understood["intent"], *understood.get("also_asked", [])])


def _judged(turn: Turn, known: dict[int, Turn]) -> Turn:
    """Return the turn with the verdict that it had when it was the same."""
    old = known.get(turn.message_id)
    is_same = old is not None and (old.before, old.after) == (turn.before, turn.after)
    return old if old is not None and is_same else turn


def _messages(session: Session, last: int) -> list[tuple[int, int, Said]]:
    """Return (message, conversation, what was said) of what was typed, the newest first."""
    newest = (
        sa.select(Conversation.id)
        .where(Conversation.trial.is_(None), Conversation.last_number > 0)
        .order_by(Conversation.last_message_at.desc())
        .limit(last)
    )
    ids = list(session.scalars(newest))
    rows = session.execute(
        sa.select(
            Message.id,
            Message.conversation_id,
            Message.text,
            Message.intent,
            Message.actions,
            Message.payload,
        )
        .where(
            Message.conversation_id.in_(ids),
            Message.sender == Sender.VISITOR.value,
            Message.intent.is_not(None),
        )
        .order_by(Message.conversation_id, Message.number)
    )
    found = []
    for conversation, talk in itertools.groupby(rows, lambda row: row.conversation_id):
        done: str | None = None
        answered: str | None = None
        for row in talk:
            if row.payload is None:
                topic = answered if done in ANSWERS else None
                found.append((row.id, conversation, Said(row.text, topic, done == FORM)))
            done = row.actions[-1] if row.actions else None
            if done in ANSWERS and is_question(row.intent):
                answered = row.intent
    return sorted(found, reverse=True, key=lambda each: each[0])[:MOST]


def read(candidate: Path) -> Replay | None:
    """Return the replay of a model, or None if there was none."""
    try:
        content = json.loads(_file(candidate).read_text(encoding="utf-8"))
        content["turns"] = [Turn(**turn) for turn in content["turns"]]
        return Replay(**{**content, "made_at": datetime.fromisoformat(content["made_at"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def judge(
    session: Session, candidate: Path, message_ids: Sequence[int], verdict: str, account: Account
) -> int:
    """Accept or reject changes; return how many. What is rejected goes to the trainers' inbox.

    Raises:
        NotFoundError: there is no replay of this model.
    """
    found = read(candidate)
    if found is None or verdict not in VERDICTS:
        raise NotFoundError("There is nothing to judge.")
    wanted = set(message_ids)
    turns = [
        replace(turn, verdict=verdict, by=account.email) if turn.message_id in wanted else turn
        for turn in found.turns
    ]
    for turn in turns if verdict == "rejected" else ():
        message = session.get(Message, turn.message_id) if turn.message_id in wanted else None
        if message is not None and turn.before != FALLBACK:
            conversation = session.get_one(Conversation, message.conversation_id)
            meant = turn.before.split("+")[0]
            reviews.correct(session, conversation, message.number, meant, account.id)
    _write(candidate, replace(found, turns=turns))
    return sum(turn.message_id in wanted for turn in turns)


def shown(session: Session, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return the turns with words and answers; a message deleted since is left out."""
    ids = [turn.message_id for turn in turns]
    messages = {m.id: m for m in session.scalars(sa.select(Message).where(Message.id.in_(ids)))}
    titles = {
        intent: f"{title} ({article})"
        for intent, title, article in session.execute(
            sa.select(Question.intent, Question.title, Article.slug)
            .join(Section, Section.id == Question.section_id)
            .join(Article, Article.id == Section.article_id)
        )
    }
    titles[FALLBACK] = "asks again"
    return [
        {
            "turn": turn,
            "message": messages[turn.message_id],
            "before": _titled(turn.before, titles),
            "after": _titled(turn.after, titles),
        }
        for turn in turns
        if turn.message_id in messages
    ]


def _titled(meant: str, titles: dict[str, str]) -> str:
    return ", and ".join(titles.get(intent, intent) for intent in meant.split("+"))


def _known(candidate: Path) -> list[Turn] | None:
    found = read(candidate)
    return found.turns if found else None


def _file(model: Path) -> Path:
    return model.with_name(model.name.removesuffix(".tar.gz") + ".replay.json")


def _write(candidate: Path, found: Replay) -> None:
    content = {**asdict(found), "made_at": found.made_at.isoformat()}
    write_whole(_file(candidate), json.dumps(content))
