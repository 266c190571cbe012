"""The trainers' inbox: real messages, the most instructive first, and what becomes of them.

A message is here for a reason: a colleague corrected it, its red flag is in doubt, its answer did
not help, nothing was understood, two intents were close, or several visitors say the same and no
example is near. Messages that a trainer has decided on are gone. Intents of ``SECOND_READER``
decide what happens in an emergency or about a treatment: two people must label such a message
alike without seeing one another's word, and a lead approves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import now
from spinebot.errors import NotFoundError, SpinebotError
from spinebot.models import (
    Account,
    Conversation,
    Correction,
    Decision,
    Feedback,
    Finding,
    Label,
    Message,
    Sender,
)
from spinebot.training import changes, examples, likeness
from spinebot.training.changes import project
from spinebot.training.examples import TESTS, TRAINING, Example

SINCE = timedelta(days=90)
READ = 300  # messages for each reason, the newest
SUGGESTED = 9
AROUND = 3  # turns before and after
FALLBACK, EMERGENCY, OUTSIDE = "nlu_fallback", "report_emergency", "out_of_scope"
# Below this confidence two intents may be close; the margin tells.
UNSURE, CLOSE = 0.5, 0.1
DOUBT = 0.15
FEWEST_ALIKE = 3  # messages that make a new cluster
FAR = 0.6  # mean cosine to the nearest example, below which a cluster is like nothing taught
SECOND_READER = frozenset(
    {
        *(EMERGENCY, "ask_cauda_equina", "ask_when_to_seek_care", "ask_weakness_numbness"),
        *("ask_spasm_treatment", "ask_sciatica_treatment", "ask_stenosis_treatment"),
        *("ask_anti_inflammatory_pills", "ask_anti_inflammatory_risks", "ask_muscle_relaxants"),
        *("ask_opioids", "ask_acetaminophen", "ask_injections", "ask_injection_risks"),
        *("ask_need_surgery", "ask_surgery_risks", "ask_minimally_invasive", "ask_mri_safety"),
        *("ask_pregnancy_back_pain", "out_of_scope_dose", "out_of_scope_diagnosis"),
    }
)
LEAST_KAPPA = 0.8  # below it the labellers should talk about the border first

# Why a message is here, with what it is worth: the highest counts.
REASONS = {
    "correction": (6.0, "a colleague says what it should have been"),
    "doubt": (5.0, "red flag in doubt"),
    "unhelpful": (4.0, "the answer did not help"),
    "cluster": (3.5, "several say this, and no example is near"),
    "fallback": (3.0, "nothing was understood"),
    "margin": (2.0, "two intents were close"),
}
_USUAL = {"unhelpful", "fallback", "margin"}


class InboxError(SpinebotError):
    """A message cannot be labelled or approved like this."""


@dataclass
class Item:
    """A message of the inbox.

    reasons: names of ``REASONS``, the weightiest first; advice: what to do, and why; suggestions:
    intents, the likeliest first; labels: (account id, name, intent); cluster: how many messages
    say the same, this one among them.
    """

    message: Message
    reasons: list[str]
    ranking: list[tuple[str, float]]
    corrections: list[str] = field(default_factory=list)
    labels: list[tuple[int, str, str]] = field(default_factory=list)
    near: list[likeness.Neighbour] = field(default_factory=list)
    alike: list[int] = field(default_factory=list)
    around: list[Message] = field(default_factory=list)

    @property
    def value(self) -> float:
        """How much there is to learn from it."""
        worth = max(REASONS[reason][0] for reason in self.reasons) + min(len(self.alike), 20) / 100
        # There is little to learn from what is taught already, unless somebody doubts it.
        return worth - 2 if self.is_taught and self.reasons[0] in _USUAL else worth

    @property
    def is_taught(self) -> bool:
        """Whether an example says the same already."""
        return bool(self.near) and self.near[0].cosine >= likeness.TOO_ALIKE

    @property
    def why(self) -> str:
        """The reasons in words."""
        return "; ".join(REASONS[reason][1] for reason in self.reasons)

    @property
    def suggestions(self) -> list[str]:
        """Return intents it may belong to, nine at most."""
        ranked = [name for name, _ in self.ranking if name != FALLBACK]
        near = [each.intent for each in self.near]
        wanted = [*self.corrections, *ranked[:4], *near, *ranked[4:], OUTSIDE]
        return list(dict.fromkeys(wanted))[:SUGGESTED]

    @property
    def advice(self) -> str:
        """Return what to do with it, and why."""
        if self.is_taught:
            return (
                f"{self.near[0].text!r} of {self.near[0].intent} says the same already: leave it "
                "out, or move that example if it stands in the wrong place."
            )
        if "doubt" in self.reasons:
            return "Decide first whether it reports an emergency; a second reader must agree."
        if "cluster" in self.reasons:
            return (
                f"{len(self.alike)} messages say this and nothing like it is taught: label them "
                "together, or make a new intent of them."
            )
        if "fallback" in self.reasons:
            return "No intent fitted. Choose one if its answer fits; else leave it out of scope."
        if "margin" in self.reasons:
            first, second = self.ranking[0][0], self.ranking[1][0]
            return f"The model wavers between {first} and {second}: the border gains by a label."
        if "unhelpful" in self.reasons and self.ranking and self.ranking[0][1] >= UNSURE:
            return (
                "The model was sure. If the intent is right, the answer is at fault: edit the "
                "section instead; the model will hardly learn from it."
            )
        return "Choose what it should have been understood as."


def find(session: Session, reader: int, limit: int = 30, *, root: Path | None = None) -> list[Item]:
    """Return the messages that are open, the most instructive first.

    reader: the account that looks; what it has labelled and waits for others is left out.
    """
    items = {item.message.id: item for item in _items(session, reader)}
    found = list(items.values())
    _look_around(found, root or project())
    found.sort(key=lambda item: (-item.value, -item.message.id))
    shown = found[:limit]
    _add_context(session, shown)
    return shown


def open_count(session: Session) -> int:
    """Return how many messages nothing was understood of that nobody has decided on."""
    query = (
        sa.select(sa.func.count(Message.id))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(*_open(), Message.intent == FALLBACK)
    )
    return session.scalar(query) or 0


def _open() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Message.sender == Sender.VISITOR.value,
        Message.payload.is_(None),
        Message.created_at >= now() - SINCE,
        Conversation.trial.is_(None),
        ~sa.exists().where(Decision.message_id == Message.id),
    )


def _items(session: Session, reader: int) -> Iterator[Item]:
    """Yield what is open, for each reason the newest."""
    corrected = sa.exists().where(
        Correction.conversation_id == Message.conversation_id,
        Correction.number == Message.number,
        Correction.done_at.is_(None),
    )
    learnt_alarm = sa.exists().where(
        Finding.message_id == Message.id,
        sa.or_(Finding.rule == "classifier", sa.cast(Finding.evidence, sa.String) == "[]"),
    )
    reply = sa.orm.aliased(Message)
    unhelpful = (
        sa.exists()
        .where(
            Feedback.conversation_id == Message.conversation_id,
            Feedback.helpful.is_(False),
            reply.conversation_id == Message.conversation_id,
            reply.number == Feedback.number,
            reply.in_reply_to == Message.number,
        )
        .correlate(Message)
    )
    reasons: dict[int, list[str]] = defaultdict(list)
    messages: dict[int, Message] = {}
    for name, condition in (
        ("correction", corrected),
        ("doubt", learnt_alarm),
        ("unhelpful", unhelpful),
        ("fallback", Message.intent == FALLBACK),
        ("margin", sa.and_(Message.confidence < UNSURE, Message.intent != FALLBACK)),
    ):
        query = (
            sa.select(Message)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(*_open(), condition)
            .order_by(Message.id.desc())
            .limit(READ)
        )
        for message in session.scalars(query):
            messages[message.id] = message
            if name != "margin" or (which := _close(message)):
                reasons[message.id].append(name if name != "margin" else which)
    own = _labels(session, messages)
    corrections = _corrections(session, messages)
    for key, message in messages.items():
        said = own.get(key, [])
        waits = any(account == reader for account, _, _ in said) and len(said) < 2
        if reasons[key] and not waits:
            names = sorted(set(reasons[key]), key=lambda name: -REASONS[name][0])
            yield Item(message, names, _ranking(message), corrections.get(key, []), said)


def _ranking(message: Message) -> list[tuple[str, float]]:
    return [(each["name"], float(each["confidence"])) for each in message.ranking or []]


def _close(message: Message) -> str:
    """Return whether an unsure message wavers: with an emergency, with another intent, or not."""
    ranking = [each for each in _ranking(message) if each[0] != FALLBACK]
    if any(name == EMERGENCY and sure >= DOUBT for name, sure in ranking[1:4]):
        return "doubt"
    return "margin" if len(ranking) > 1 and ranking[0][1] - ranking[1][1] < CLOSE else ""


def _labels(session: Session, messages: Iterable[int]) -> dict[int, list[tuple[int, str, str]]]:
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


def _corrections(session: Session, messages: dict[int, Message]) -> dict[int, list[str]]:
    by_place = {(each.conversation_id, each.number): each.id for each in messages.values()}
    found: dict[int, list[str]] = defaultdict(list)
    for each in session.scalars(
        sa.select(Correction).where(Correction.done_at.is_(None)).order_by(Correction.id.desc())
    ):
        message = by_place.get((each.conversation_id or 0, each.number or 0))
        if message is not None:
            found[message].append(each.should_be)
    return found


def _look_around(items: Sequence[Item], root: Path) -> None:
    """Find what is near to each message: examples, and other messages."""
    if not items:
        return
    texts = [item.message.text for item in items]
    known = examples.read(root / TRAINING)
    vectors = likeness.vectors_of(texts)
    if known:
        cosines = vectors @ likeness.vectors_of_examples(known).T
        for item, row in zip(items, cosines, strict=True):
            best = (-row).argsort(kind="stable")[:3]
            item.near = [
                likeness.Neighbour(known[n].text, known[n].intent, float(row[n])) for n in best
            ]
    for places in likeness.clusters(texts):
        ids = [items[place].message.id for place in places]
        nearest = [items[place].near[0].cosine for place in places if items[place].near]
        is_new = len(ids) >= FEWEST_ALIKE and sum(nearest) < FAR * len(ids)
        for place in places:
            item = items[place]
            item.alike = ids
            if is_new and "fallback" in item.reasons:
                item.reasons.insert(0, "cluster")
                item.reasons.sort(key=lambda name: -REASONS[name][0])


def _add_context(session: Session, items: Sequence[Item]) -> None:
    """Read what was said around each message, for all with one query."""
    if not items:
        return
    near = [
        sa.and_(
            Message.conversation_id == item.message.conversation_id,
            Message.number.between(
                item.message.number - 2 * AROUND, item.message.number + 2 * AROUND
            ),
        )
        for item in items
    ]
    said: dict[int, list[Message]] = defaultdict(list)
    for message in session.scalars(sa.select(Message).where(sa.or_(*near)).order_by(Message.id)):
        said[message.conversation_id].append(message)
    for item in items:
        item.around = [
            each
            for each in said[item.message.conversation_id]
            if abs(each.number - item.message.number) <= 2 * AROUND
        ]


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
        InboxError: there is no such intent.
    """
    root = root or project()
    known = {each.intent for each in examples.read(root / TRAINING)}
    if intent and intent not in known:
        raise InboxError(f"There is no intent {intent!r}; make it first.")
    messages = _get(session, message_ids)
    for message in messages:
        found = session.scalar(
            sa.select(Label).where(Label.message_id == message.id, Label.account_id == account.id)
        )
        if found is None:
            session.add(Label(message_id=message.id, account_id=account.id, intent=intent))
        else:
            found.intent, found.at = intent, now()
    session.flush()
    outcome = Outcome()
    ready = []
    labels = _labels(session, [message.id for message in messages])
    for message in messages:
        said = {word for _, _, word in labels[message.id]}
        if _needs_two(said) or not may_teach:
            outcome.waiting += 1
        else:
            ready.append(message)
    texts = {message.id: examples.clean(text or message.text) for message in ready}
    _decide(session, ready, intent, account, texts, outcome, root)
    return outcome


def _needs_two(intents: Iterable[str]) -> bool:
    return bool(SECOND_READER & set(intents))


def waiting(session: Session) -> list[tuple[Message, list[tuple[int, str, str]]]]:
    """Return the messages that were labelled and wait for a second reader or a lead."""
    query = (
        sa.select(Message)
        .where(
            sa.exists().where(Label.message_id == Message.id),
            ~sa.exists().where(Decision.message_id == Message.id),
        )
        .order_by(Message.id.desc())
        .limit(READ)
    )
    messages = list(session.scalars(query))
    labels = _labels(session, [message.id for message in messages])
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
        InboxError: it needs a second reader first, or a lead.
    """
    [message] = _get(session, [message_id])
    said = _labels(session, [message_id])[message_id]
    if _needs_two([intent, *(word for _, _, word in said)]):
        if len(said) < 2:
            raise InboxError("A second reader has not labelled it yet.")
        if not is_lead:
            raise InboxError("It is about an emergency or a treatment: a lead decides.")
    outcome = Outcome()
    texts = {message.id: examples.clean(message.text)}
    _decide(session, [message], intent, account, texts, outcome, root or project())
    return outcome


def _get(session: Session, message_ids: Sequence[int]) -> list[Message]:
    found = session.scalars(
        sa.select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id.in_(list(message_ids)), *_open())
        .order_by(Message.id)
    ).all()
    if not found:
        raise NotFoundError("These messages are dealt with already, or no longer there.")
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
        NotFoundError: there are none.
        ChangeError: the examples were changed since.
    """
    found = list(session.scalars(sa.select(Decision).where(Decision.batch == batch)))
    if not found:
        raise NotFoundError("It is taken back already.")
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
    named = {word for pair in both for word in pair} & SECOND_READER
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
