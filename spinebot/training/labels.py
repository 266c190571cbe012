"""What messages should be understood as, who says so, and the examples that come of it.

Intents of ``second_reader`` (release.yml) decide what happens in an emergency or about a treatment:
two people must label such a message alike without seeing one another's word, and a lead approves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import now
from spinebot.errors import SpinebotError
from spinebot.models import Account, Conversation, Correction, Decision, Label, Message, Sender
from spinebot.training import changes, examples, release
from spinebot.training.changes import project
from spinebot.training.examples import TESTS, TRAINING, Example

SINCE = timedelta(days=90)
SHOWN = 300
LEAST_KAPPA = 0.8  # below it the labellers should talk about the border first


class LabelError(SpinebotError):
    """A message cannot be labelled or approved like this."""


def open_messages() -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of messages that may teach and that nobody has decided on."""
    return (
        Message.sender == Sender.VISITOR.value,
        Message.payload.is_(None),
        Message.created_at >= now() - SINCE,
        Conversation.trial.is_(None),
        ~sa.exists().where(Decision.message_id == Message.id),
    )


def labels_of(session: Session, messages: Iterable[int]) -> dict[int, list[tuple[int, str, str]]]:
    """Return message -> who labelled it as what, in order: (account, name, intent)."""
    found: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    rows = session.execute(
        sa.select(Label.message_id, Label.account_id, Account.name, Label.intent)
        .join(Account, Account.id == Label.account_id)
        .where(Label.message_id.in_(list(messages)))
        .order_by(Label.id)
    )
    for message, account, name, intent in rows:
        found[message].append((account, name, intent))
    return found


@dataclass
class Outcome:
    """What became of a labelling: how many are examples now, left out, waiting; and why not."""

    added: int = 0
    left_out: int = 0
    waiting: int = 0
    refused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """For whoever pressed the button."""
        parts = [
            f"{count} {words}"
            for count, words in (
                (self.added, "added to the training data"),
                (self.left_out, "left out"),
                (self.waiting, "waiting for a second reader or a lead"),
            )
            if count
        ]
        return ". ".join([", ".join(parts) or "Nothing was done", *self.refused])


def label(
    session: Session,
    message_ids: Sequence[int],
    intent: str,
    account: Account,
    *,
    text: str = "",
    may_teach: bool = True,
    root: Path | None = None,
) -> Outcome:
    """Say what messages should be understood as; empty: they should teach nothing.

    text: the example in the trainer's own words, where it is one message; may_teach: whether the
    account may change the training data; else its labels wait for a trainer.

    Raises:
        LabelError: there is no such intent.
    """
    root = root or project()
    known = {each.intent for each in examples.read(root / TRAINING)}
    if intent and intent not in known:
        raise LabelError(f"There is no intent {intent!r}; make it first.")
    messages = _get(session, message_ids)
    _say(session, messages, intent, account)
    outcome = Outcome()
    ready = []
    labels, second_reader = labels_of(session, [m.id for m in messages]), release.second_reader()
    for message in messages:
        said = {word for _, _, word in labels[message.id]}
        if said & second_reader or not may_teach:
            outcome.waiting += 1
        else:
            ready.append(message)
    texts = {message.id: examples.clean(text or message.text) for message in ready}
    _decide(session, ready, intent, account, texts, outcome, root)
    return outcome


def _say(session: Session, messages: Sequence[Message], intent: str, account: Account) -> None:
    """Keep what the account says of each message, in place of what it said before."""
    for message in messages:
        found = session.scalar(
            sa.select(Label).where(Label.message_id == message.id, Label.account_id == account.id)
        )
        if found is None:
            session.add(Label(message_id=message.id, account_id=account.id, intent=intent))
        else:
            found.intent, found.at = intent, now()
    session.flush()


def waiting(session: Session) -> list[tuple[Message, list[tuple[int, str, str]]]]:
    """Return the messages that were labelled and wait for a second reader or a lead."""
    query = (
        sa.select(Message)
        .where(
            sa.exists().where(Label.message_id == Message.id),
            ~sa.exists().where(Decision.message_id == Message.id),
        )
        .order_by(Message.id.desc())
        .limit(SHOWN)
    )
    messages = list(session.scalars(query))
    labels = labels_of(session, [message.id for message in messages])
    return [(message, labels[message.id]) for message in messages]


def approve(
    session: Session,
    message_id: int,
    intent: str,
    account: Account,
    *,
    is_lead: bool,
    root: Path | None = None,
) -> Outcome:
    """Decide on a message that was labelled.

    Raises:
        LabelError: it needs a second reader first, or a lead.
    """
    [message] = _get(session, [message_id])
    said = labels_of(session, [message_id])[message_id]
    if release.second_reader() & {intent, *(word for _, _, word in said)}:
        if len(said) < 2:
            raise LabelError("A second reader has not labelled it yet.")
        if not is_lead:
            raise LabelError("It is about an emergency or a treatment: a lead decides.")
    outcome = Outcome()
    texts = {message.id: examples.clean(message.text)}
    _decide(session, [message], intent, account, texts, outcome, root or project())
    return outcome


def _get(session: Session, message_ids: Sequence[int]) -> list[Message]:
    found = session.scalars(
        sa.select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id.in_(list(message_ids)), *open_messages())
        .order_by(Message.id)
    ).all()
    if not found:
        raise LabelError("These messages are dealt with already, or no longer there.")
    return list(found)


def _decide(
    session: Session,
    messages: Sequence[Message],
    intent: str,
    account: Account,
    texts: dict[int, str],
    outcome: Outcome,
    root: Path,
) -> None:
    """Write decisions, and with them the examples: one change for all of them."""
    if not messages:
        return
    batch = uuid4().hex
    good = list(messages)
    change_id = None
    if intent:
        good = _fit(messages, texts, outcome, root)
        refused = {each.id for each in messages} - {each.id for each in good}
        # Its labels decide nothing: it stays in the inbox, for other words or another decision.
        session.execute(sa.delete(Label).where(Label.message_id.in_(refused)))
        if good:
            examples.add(intent, [texts[each.id] for each in good], account.email, root=root)
            change_id = changes.history()[0].id
            outcome.added += len(good)
    else:
        outcome.left_out += len(good)
    for message in good:
        session.add(
            Decision(
                message_id=message.id,
                intent=intent,
                text=texts[message.id],
                account_id=account.id,
                batch=batch,
                change_id=change_id,
            )
        )
        _end_corrections(session, message)


def _end_corrections(session: Session, message: Message) -> None:
    """What colleagues said of the message has been dealt with."""
    session.execute(
        sa.update(Correction)
        .where(
            Correction.conversation_id == message.conversation_id,
            Correction.number == message.number,
            Correction.done_at.is_(None),
        )
        .values(done_at=now())
    )


def _fit(
    messages: Sequence[Message], texts: dict[int, str], outcome: Outcome, root: Path
) -> list[Message]:
    """Return the messages that may be examples; why the others may not goes to the outcome."""
    known: list[Example] = examples.read(root / TRAINING)
    tests = examples.read(root / TESTS)
    good: list[Message] = []
    for message in messages:
        others = [texts[each.id] for each in good]
        if wrong := examples.fault(texts[message.id], known, tests, others):
            outcome.refused.append(wrong)
        else:
            good.append(message)
    return good


def last_batch(session: Session, account_id: int) -> list[Decision]:
    """Return what an account decided last, with one press of a button."""
    newest = session.scalar(
        sa.select(Decision.batch)
        .where(Decision.account_id == account_id)
        .order_by(Decision.at.desc(), Decision.message_id.desc())
        .limit(1)
    )
    query = sa.select(Decision).where(Decision.batch == newest).order_by(Decision.message_id)
    return list(session.scalars(query)) if newest else []


def undo(session: Session, batch: str, who: str, *, root: Path | None = None) -> int:
    """Take decisions back, and the examples that came of them; return how many.

    Raises:
        LabelError: there are none.
        ChangeError: the examples were changed since.
    """
    found = list(session.scalars(sa.select(Decision).where(Decision.batch == batch)))
    if not found:
        raise LabelError("It is taken back already.")
    if found[0].change_id is not None:
        changes.undo(found[0].change_id, who, root=root or project())
    for decision in found:
        session.execute(sa.delete(Label).where(Label.message_id == decision.message_id))
        message = session.get_one(Message, decision.message_id)
        session.execute(
            sa.update(Correction)
            .where(
                Correction.conversation_id == message.conversation_id,
                Correction.number == message.number,
            )
            .values(done_at=None)
        )
        session.delete(decision)
    return len(found)


@dataclass(frozen=True)
class Agreement:
    """How far two labellers agree on an intent: Cohen's kappa over what both have labelled.

    kappa: 1 they always agree, 0 as by chance; None where nothing can be said.
    """

    intent: str
    messages: int
    both: int
    one: int
    kappa: float | None


def agreement(session: Session) -> list[Agreement]:
    """Return the agreement for every intent that a second reader must see (Cohen 1960).

    Of each message the first two labels count, whoever gave them.
    """
    pairs: dict[int, list[str]] = defaultdict(list)
    rows = session.execute(sa.select(Label.message_id, Label.intent).order_by(Label.id))
    for message, intent in rows:
        pairs[message].append(intent)
    both = [(said[0], said[1]) for said in pairs.values() if len(said) >= 2]
    named = {word for pair in both for word in pair} & release.second_reader()
    return [_agreement(intent, both) for intent in sorted(named)]


def _agreement(intent: str, pairs: Sequence[tuple[str, str]]) -> Agreement:
    first = [a == intent for a, _ in pairs]
    second = [b == intent for _, b in pairs]
    return Agreement(
        intent=intent,
        messages=len(pairs),
        both=sum(a and b for a, b in zip(first, second, strict=True)),
        one=sum(a != b for a, b in zip(first, second, strict=True)),
        kappa=kappa(first, second),
    )


def kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Return Cohen's kappa of two labellers' yes and no; None where both always say the same."""
    count = len(first)
    if not count:
        return None
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    yes, other = sum(first) / count, sum(second) / count
    chance = yes * other + (1 - yes) * (1 - other)
    return None if chance == 1 else (agreed - chance) / (1 - chance)
