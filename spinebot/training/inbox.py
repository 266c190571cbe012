"""The trainers' inbox: real messages, the most instructive first.

A message is here for a reason: a colleague corrected it, its red flag is in doubt, its answer did
not help, nothing was understood, two intents were close, or several visitors say the same and no
example is near. What becomes of it is decided in ``labels``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.language.intent_names import EMERGENCY, FALLBACK
from spinebot.models import (
    Conversation,
    Correction,
    Feedback,
    Finding,
    Message,
    Unanswered,
)
from spinebot.training import examples, labels, likeness
from spinebot.training.changes import project
from spinebot.training.examples import TRAINING

READ = 300  # messages for each reason, the newest
SUGGESTED = 9
AROUND = 3  # turns before and after
OUTSIDE = "out_of_scope"
# Below this confidence two intents may be close; the margin tells.
UNSURE, CLOSE = 0.5, 0.1
DOUBT = 0.15
FEWEST_ALIKE = 3  # messages that make a new cluster
FAR = 0.6  # mean cosine to the nearest example, below which a cluster is like nothing taught
ALIKE = 0.45  # cosine from which what a visitor said may be an example of a question

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


def _conditions() -> dict[str, sa.ColumnElement[bool]]:
    """Reason -> what holds for a message that is here for it."""
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
    return {
        "correction": corrected,
        "doubt": learnt_alarm,
        "unhelpful": unhelpful,
        "fallback": Message.intent == FALLBACK,
        "margin": sa.and_(Message.confidence < UNSURE, Message.intent != FALLBACK),
    }


def _items(session: Session, reader: int) -> Iterator[Item]:
    """Yield what is open, for each reason the newest."""
    reasons: dict[int, list[str]] = defaultdict(list)
    messages: dict[int, Message] = {}
    for name, condition in _conditions().items():
        query = (
            sa.select(Message)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(*labels.open_messages(), condition)
            .order_by(Message.id.desc())
            .limit(READ)
        )
        for message in session.scalars(query):
            messages[message.id] = message
            if name != "margin" or (which := _close(message)):
                reasons[message.id].append(name if name != "margin" else which)
    own = labels.labels_of(session, messages)
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
    near = likeness.nearest(texts, examples.read(root / TRAINING))
    for item, found in zip(items, near, strict=True):
        item.near = found
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


def unanswered_like(
    session: Session, about: Sequence[str], besides: Sequence[str], limit: int = 12
) -> list[str]:
    """Return what visitors said, nobody answered, and is like some sentences; the likest first.

    besides: sentences that are not wanted again.
    """
    if not about:
        return []
    query = sa.select(Unanswered.question).order_by(Unanswered.id.desc()).limit(READ)
    given = {examples.normal(text) for text in besides}
    asked = [
        text
        for text in dict.fromkeys(map(examples.clean, session.scalars(query)))
        if examples.normal(text) not in given
    ]
    if not asked:
        return []
    cosines = (likeness.vectors_of(asked) @ likeness.vectors_of(about).T).max(axis=1)
    best = (-cosines).argsort(kind="stable")[:limit]
    return [asked[place] for place in best if cosines[place] >= ALIKE]
