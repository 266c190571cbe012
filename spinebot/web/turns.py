"""Turns: from a stored message to stored replies, each conversation's in order.

A turn belongs to no request: a visitor who closes the page cannot cancel it. Everything said is
in the database before anybody is told of it; a listener that was away reads what it missed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from anyio import to_thread
from sqlalchemy.orm import Session

from spinebot import conversations, emergencies, logs, safety
from spinebot.clinic import clinic
from spinebot.conversations import Understood
from spinebot.db import now, reading, writing
from spinebot.errors import SpinebotError
from spinebot.language.messages import MAX_CHARACTERS
from spinebot.models import Conversation, Message, Owner, Trial
from spinebot.safety import Action
from spinebot.safety import Finding as RedFlag
from spinebot.training import trials
from spinebot.web import metrics
from spinebot.web.pace import Pace
from spinebot.web.rasa import Rasa, RasaAwayError, RasaError, Turn
from spinebot.web.shared import Event, Shared

logger = logging.getLogger(__name__)

# A message older than this is not answered any more when the process comes back.
STILL_WAITING = timedelta(minutes=10)
# Longer than this no visitor waits to be warned; a turn of Rasa's takes some 30 milliseconds.
SECOND_OPINION_SECONDS = 3.0
# A message that waits so long may have been left behind by a process that died.
LEFT_BEHIND = timedelta(seconds=2)
# For an older message that another process has stored and is about to answer.
WAIT_SECONDS, MOST_WAITS = 0.05, 100
# Seconds before each further try of a turn: by then a supervisor has started what died, or another
# Rasa or action server takes over. A turn is done once, however often it is tried.
PATIENCE = (0.3, 0.7, 1.5, 2.5, 3.0)
AWAY = (RasaAwayError, sa.exc.OperationalError)
# What listeners are told: a name and what goes with it.
NEWS: Event = ("news", {})
GONE: Event = ("gone", {})
TYPING: Event = ("typing", {"on": True, "who": "bot"})


class Turns:
    """Runs the turns of this process and wakes those who listen to a conversation."""

    def __init__(self, rasa: Rasa, shared: Shared) -> None:
        """Nothing runs yet."""
        self._rasa, self._shared = rasa, shared
        # The newest turn of each conversation: the next one waits for it.
        self._newest: dict[int, asyncio.Task[None]] = {}
        self._listeners: dict[int, set[asyncio.Queue[Event]]] = defaultdict(set)
        self.pace = Pace()

    def begin(self, conversation_id: int, message_id: int) -> None:
        """Start the turn of a stored message."""
        before = self._newest.get(conversation_id)
        # What the task logs, and what it has threads do, is about this message.
        with logs.about(message_id):
            task = asyncio.create_task(self._after(before, conversation_id, message_id))
        self._newest[conversation_id] = task
        self.pace.begin()
        task.add_done_callback(lambda done: self._forget(conversation_id, done))

    def _forget(self, conversation_id: int, done: asyncio.Task[None]) -> None:
        self.pace.end()
        if self._newest.get(conversation_id) is done:
            del self._newest[conversation_id]

    def is_busy(self, conversation_id: int) -> bool:
        """Return whether a turn of this conversation is under way."""
        return conversation_id in self._newest

    async def forget(self, conversation_id: int) -> None:
        """Have Rasa forget a conversation that was deleted."""
        try:
            await self._rasa.forget(conversation_id)
        except RasaError as error:
            # What it remembers of a conversation it forgets by itself within a day or two.
            logger.warning("Rasa has not forgotten a deleted conversation yet: %s", error)

    async def resume(self) -> None:
        """Start the turns that an earlier process left unfinished."""
        for conversation_id, message_id in await to_thread.run_sync(_waiting):
            self.begin(conversation_id, message_id)

    @property
    def is_alone(self) -> bool:
        """Whether this is the only web process."""
        return self._shared.is_alone

    async def adopt(self) -> None:
        """Start the turns that another process has left behind: it may have died.

        One that still runs holds its conversation, and when it ends there is nothing left to do.
        """
        for conversation_id, message_id in await to_thread.run_sync(_waiting, LEFT_BEHIND):
            if not self.is_busy(conversation_id):
                self.begin(conversation_id, message_id)

    async def finished(self, conversation_id: int) -> None:
        """Wait for the turns of one conversation."""
        while (task := self._newest.get(conversation_id)) is not None:
            await asyncio.wait([task])

    async def finish(self) -> None:
        """Wait for the turns that run."""
        while self._newest:
            await asyncio.gather(*self._newest.values(), return_exceptions=True)

    @asynccontextmanager
    async def listening(self, conversation_id: int) -> AsyncIterator[asyncio.Queue[Event]]:
        """A queue of events: NEWS when there are messages to read, TYPING when a reply comes."""
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=100)
        self._listeners[conversation_id].add(queue)
        try:
            yield queue
        finally:
            self._listeners[conversation_id].discard(queue)
            if not self._listeners[conversation_id]:
                del self._listeners[conversation_id]

    def tell(self, conversation_id: int, what: Event) -> None:
        """Wake the listeners, of this process and of the others."""
        self.hear(conversation_id, what)
        self._shared.tell(conversation_id, what)

    def look(self) -> None:
        """Have every listener look into the database."""
        for conversation_id in list(self._listeners):
            self.hear(conversation_id, NEWS)

    def hear(self, conversation_id: int, what: Event) -> None:
        """Wake the listeners of this process. One whose queue is full has news to read already."""
        for queue in self._listeners.get(conversation_id, ()):
            if not queue.full():
                queue.put_nowait(what)

    async def _after(
        self, before: asyncio.Task[None] | None, conversation_id: int, message_id: int
    ) -> None:
        began = time.perf_counter()
        if before is not None:
            await asyncio.wait([before])
        self.tell(conversation_id, TYPING)
        try:
            await self._try(conversation_id, message_id)
        except Exception as error:  # the outermost edge of a turn
            # Our own errors' words never hold what was typed; others' might.
            reason = error if isinstance(error, SpinebotError) else type(error).__name__
            logger.error("the turn failed: %s", reason)
            await self._apologise(message_id)
        metrics.TURN_SECONDS.observe(time.perf_counter() - began)
        self.tell(conversation_id, NEWS)

    async def _try(self, conversation_id: int, message_id: int) -> None:
        """Run a turn; where something is away for the moment, again."""
        for wait in PATIENCE:
            try:
                await self._in_order(conversation_id, message_id)
                return
            except AWAY as error:
                logger.warning("the turn failed: %s; it is tried again", type(error).__name__)
                metrics.TRIED_AGAIN.inc()
            await asyncio.sleep(wait)
        await self._in_order(conversation_id, message_id)

    async def _in_order(self, conversation_id: int, message_id: int) -> None:
        """Run a turn when no process runs one of this conversation, and no older one waits."""
        for last in (*(False,) * MOST_WAITS, True):
            async with self._shared.turn(conversation_id):
                if (
                    last
                    or self._shared.is_alone
                    or not await to_thread.run_sync(_has_older_waiting, message_id)
                ):
                    await self._run(conversation_id, message_id)
                    return
            await asyncio.sleep(WAIT_SECONDS)

    async def _run(self, conversation_id: int, message_id: int) -> None:
        asked = await to_thread.run_sync(_check_safety, message_id)
        if asked is None:
            return
        # The visitor's other tabs see what was said. Not sooner: the check needs the time.
        self.tell(conversation_id, NEWS)
        if asked.suspected:
            turn = await self._second_opinion(asked)
            if turn is None:
                await to_thread.run_sync(_store_warning, message_id, asked.suspected)
                return
        else:
            turn = await self._rasa.turn(**asked.call)
        await to_thread.run_sync(_store, message_id, turn, asked.suspected)

    async def _second_opinion(self, asked: Asked) -> Turn | None:
        """Return Rasa's turn if its detector is sure that the rules are wrong, else None."""
        try:
            turn = await asyncio.wait_for(self._rasa.turn(**asked.call), SECOND_OPINION_SECONDS)
        except Exception as error:  # whatever ails Rasa: the warning must be said, and soon
            logger.warning("a red flag is warned of without Rasa: %s", type(error).__name__)
            return None
        return None if _seen_by_the_classifier(turn) else turn

    async def _apologise(self, message_id: int) -> None:
        try:
            await to_thread.run_sync(_store_apology, message_id)
        except Exception as error:
            # The database is away too. The message stays unanswered and `resume` will find it, or
            # `adopt` does; the widget's own banner tells the visitor.
            logger.error("there is no apology either: %s", type(error).__name__)


def _waiting(longer_than: timedelta = timedelta()) -> list[tuple[int, int]]:
    with reading() as session:
        found = conversations.unanswered(session, STILL_WAITING, longer_than)
        return [(each.conversation_id, each.id) for each in found]


def _has_older_waiting(message_id: int) -> bool:
    """Return whether another process has yet to answer an older message of the conversation."""
    with reading() as session:
        return conversations.has_older_waiting(session, message_id, STILL_WAITING)


def _open(session: Session, message_id: int) -> tuple[Conversation, Message]:
    """Return a message and its conversation, which no other process changes meanwhile."""
    its_own = sa.select(Message.conversation_id).where(Message.id == message_id)
    found = session.scalars(
        sa.select(Conversation)
        .where(Conversation.id == its_own.scalar_subquery())
        .with_for_update()
    ).one()
    # Read when the conversation is ours: what another process did with it is seen.
    return found, session.get_one(Message, message_id)


@dataclass(frozen=True)
class Asked:
    """What to ask Rasa, and the red flags that the rules see in the message by itself."""

    call: dict[str, Any]
    suspected: list[RedFlag]


def _check_safety(message_id: int) -> Asked | None:
    """Look for red flags before all else; return what to ask Rasa, or None if all is said."""
    with writing() as session:
        conversation, message = _open(session, message_id)
        if message.answered_at is not None:
            return None
        if conversation.owner != Owner.BOT.value:
            # Staff answer. An emergency is still recognised: they may look away for a minute.
            if not message.payload and (found := safety.check(message.said)):
                _warn(session, conversation, message, found)
            message.answered_at = now()
            metrics.TURNS.labels("staff").inc()
            return None
        earlier = conversations.earlier_texts(session, message)
        found = [] if message.payload else safety.check(message.said, earlier)
        alone = safety.check(message.said) if found and earlier else found
        if {(each.rule, each.action) for each in found} <= {(e.rule, e.action) for e in alone}:
            call = {
                "message": message.id,
                "sender": conversation.sender,
                # One sign more than Rasa reads: it says that it is too long, and in no time.
                "text": message.said[: MAX_CHARACTERS + 1],
                "payload": message.payload,
                "memory": conversation.memory,
                "server": _server(conversation),
            }
            return Asked(call, found)
        # Signs of several messages: Rasa reads one message and could not judge them.
        _warn(session, conversation, message, found)
    return None


def _server(conversation: Conversation) -> str:
    """Return the address of the candidate where a tester talks to it; else the live model's."""
    if conversation.trial != Trial.CANDIDATE.value:
        return ""
    port = trials.candidate_port()
    if port is None:
        raise RasaError("the candidate does not run")
    return f"http://127.0.0.1:{port}"


def _warn(
    session: Session, conversation: Conversation, message: Message, found: list[RedFlag]
) -> None:
    conversations.raise_flags(session, conversation, message, found)
    understood = Understood(intent="report_emergency", confidence=1.0, actions=["red_flags"])
    conversations.reply(session, conversation, message, [emergencies.reply(found)], understood)
    metrics.TURNS.labels("red_flag").inc()


def _store_warning(message_id: int, found: list[RedFlag]) -> None:
    with writing() as session:
        conversation, message = _open(session, message_id)
        if message.answered_at is None:
            _warn(session, conversation, message, found)


def _store(message_id: int, turn: Turn, suspected: list[RedFlag]) -> None:
    with writing() as session:
        conversation, message = _open(session, message_id)
        if message.answered_at is not None:
            # Another process held this one for dead, and was faster.
            return
        if conversation.owner != Owner.BOT.value and not _seen_by_the_classifier(turn):
            # Staff took over while Rasa was thinking: the bot holds its tongue.
            message.answered_at = now()
            metrics.TURNS.labels("staff").inc()
            return
        conversations.reply(session, conversation, message, turn.replies, turn.understood)
        conversations.remember(conversation, turn.memory, turn.requested)
        found = _seen_by_the_classifier(turn)
        metrics.TURNS.labels("red_flag" if found else "answered").inc()
        if turn.understood.intent == "nlu_fallback":
            metrics.UNSURE.inc()
        if found:
            # What a rule found tells staff more than that Rasa warned.
            by_rule = {each.rule: each for each in suspected}
            found = [by_rule.get(each.rule, each) for each in found]
            conversations.raise_flags(session, conversation, message, found)


def _seen_by_the_classifier(turn: Turn) -> list[RedFlag]:
    """Return the emergencies that Rasa warned of."""
    warned = [
        each["custom"]
        for each in turn.replies
        if (each.get("custom") or {}).get("type") == "emergency"
    ]
    return [
        safety.by_example(rule) or RedFlag(rule, "Classifier", Action(custom["action"]), (), False)
        for custom in warned
        for rule in custom["rules"] or ["classifier"]
    ]


def _store_apology(message_id: int) -> None:
    with writing() as session:
        conversation, message = _open(session, message_id)
        if message.answered_at is None:
            sorry = {"text": clinic().say("trouble"), "custom": {"type": "error"}}
            understood = Understood(actions=[conversations.APOLOGY])
            conversations.reply(session, conversation, message, [sorry], understood)
            conversations.begin_session_after_failures(session, conversation)
            metrics.TURNS.labels("apology").inc()
