"""Keeps Rasa's server running, and changes its model without a visitor noticing.

Rasa itself stands still while it loads a model. So it runs as a child behind a relay: when another
model is put live, a second child is started with it, examined, and only then gets the new
connections; what the first one has begun it ends. It stays for a while, so that going back takes no
time. A model that fails its examination does not go live: the pointer is set back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from spinebot import logs, releases
from spinebot.db import reading, writing
from spinebot.errors import SpinebotError
from spinebot.files import write_whole
from spinebot.settings import ROOT, settings
from spinebot.training import models, trials
from spinebot.training.rasa_process import RASA_PYTHON, environment

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.5
START_SECONDS = 180.0
AWAY_SECONDS = 60.0  # for which the action server may be away while a model is examined
STANDBY_SECONDS = 900.0
# A child that dies this often within a minute will die again.
MOST_DEATHS = 3
WARM_UPS = 20
EMERGENCY = "I can't pee and I am numb between my legs"


class ServingError(SpinebotError):
    """Rasa could not be started, or failed its examination."""


@dataclass
class Child:
    """A Rasa server of ours. open: connections that it has not ended."""

    model: Path
    port: int
    process: asyncio.subprocess.Process
    open: int = 0
    retired_at: float | None = None

    @property
    def is_dead(self) -> bool:
        """Whether the process has ended."""
        return self.process.returncode is not None


@dataclass
class Serving:
    """The relay and its children."""

    active: Child | None = None
    standby: Child | None = None
    # A model that testers talk to, on its own port: the relay knows nothing of it.
    candidate: Child | None = None
    deaths: list[float] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Serve until the process is told to end.

        Raises:
            ServingError: the first model does not start, or Rasa dies again and again.
        """
        model = _first_model()
        self.active = await self._start(model)
        pointer = models.live_model()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self.ended.set)
        server = await asyncio.start_server(self._relay, "127.0.0.1", settings().rasa_port)
        self._tell()
        # Put live while nobody served: it was not examined, it simply answers.
        await asyncio.to_thread(_note, model, "answers since the start", True, only_unknown=True)
        warming = asyncio.create_task(_warm_up(self.active))
        try:
            while not self.ended.is_set():
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.ended.wait(), POLL_SECONDS)
                if self.active.is_dead and not self.ended.is_set():
                    await self._revive()
                wanted = models.live_model()
                if wanted is not None and wanted != pointer:
                    pointer = await self._change(wanted, pointer)
                await self._end_standby()
                await self._follow_candidate()
        finally:
            warming.cancel()
            server.close()
            for child in (self.active, self.standby, self.candidate):
                await _end(child)

    async def _change(self, wanted: Path, before: Path | None) -> Path | None:
        """Let another model answer; return the pointer that is now in force."""
        assert self.active is not None
        began = time.monotonic()
        if self.standby and self.standby.model == wanted and not self.standby.is_dead:
            new = self.standby
        else:
            started: Child | None = None
            try:
                new = started = await self._start(wanted)
                await self._examine(started)
            except (ServingError, httpx.HTTPError) as error:
                await _end(started)
                if self.ended.is_set():
                    # We are told to end, and so is the new one: that says nothing about the model.
                    return before
                logger.error("%s is not served: %s", wanted.name, error)
                if before is not None:
                    models.put_live(before)
                _note(wanted, f"not served: {error}", False)
                return before
            await _end(self.standby)
        self.active.retired_at = time.monotonic()
        new.retired_at = None
        self.active, self.standby = new, self.active
        self._tell()
        took = time.monotonic() - began
        logger.warning("%s answers now, after %.1f s", wanted.name, took)
        _note(wanted, f"answers since {took:.1f} s after it was put live", True)
        return wanted

    async def _examine(self, child: Child) -> None:
        """Examine a child; that the action server is away for the moment is no fault of its."""
        deadline = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return await asyncio.to_thread(examine, child.port)
            except httpx.HTTPError:
                if child.is_dead or self.ended.is_set() or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(1)

    async def _start(self, model: Path) -> Child:
        port = _free_port()
        process = await asyncio.create_subprocess_exec(
            *(str(RASA_PYTHON), "-m", "spinebot.bot.serve", str(model), str(port)),
            cwd=ROOT,
            env={**environment(), "SPINEBOT_RASA_PORT": str(port)},
        )
        child = Child(model, port, process)
        deadline = time.monotonic() + START_SECONDS
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while time.monotonic() < deadline and not (child.is_dead or self.ended.is_set()):
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.get(f"http://127.0.0.1:{port}/webhooks/spinebot/")
                    if answer.status_code == 200:
                        return child
                    # Rasa listens when it has loaded; without a model it listens too, and waits.
                    break
                await asyncio.sleep(0.2)
        await _end(child)
        raise ServingError(f"Rasa did not start with {model.name}; its words are above")

    async def _revive(self) -> None:
        """Start the active model again: its process has died."""
        assert self.active is not None
        moment = time.monotonic()
        self.deaths = [each for each in self.deaths if each > moment - 60] + [moment]
        if len(self.deaths) > MOST_DEATHS:
            raise ServingError("Rasa dies again and again; its words are above")
        logger.error("Rasa died and is started again")
        self.active = await self._start(self.active.model)
        self._tell()

    async def _end_standby(self) -> None:
        child = self.standby
        if child is None or child.retired_at is None:
            return
        if child.is_dead or time.monotonic() - child.retired_at > STANDBY_SECONDS:
            self.standby = None
            await _end(child)
            self._tell()

    async def _follow_candidate(self) -> None:
        """Run the model that somebody wants to try out, and no other one."""
        wanted = trials.candidate()
        runs = self.candidate.model.name if self.candidate else None
        is_gone = self.candidate is not None and self.candidate.is_dead
        if wanted == runs and not is_gone:
            return
        child, self.candidate = self.candidate, None
        await _end(child)
        model = settings().models_dir / wanted if wanted and not is_gone else None
        if model is not None and model.is_file():
            try:
                self.candidate = await self._start(model)
            except ServingError as error:
                logger.error("%s cannot be tried out: %s", model.name, error)
        if self.candidate is None:
            trials.choose(None)
        self._tell()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand a connection on to the child that is active when it is made."""
        child = self.active
        assert child is not None
        try:
            from_rasa, to_rasa = await asyncio.open_connection("127.0.0.1", child.port)
        except OSError:
            # Refused, as a dead Rasa would: the web process knows what to do.
            writer.transport.abort()
            return
        child.open += 1
        try:
            await asyncio.gather(_pipe(reader, to_rasa), _pipe(from_rasa, writer))
        finally:
            child.open -= 1

    def _tell(self) -> None:
        """Write down which model answers, for whoever wants to know."""
        assert self.active is not None
        content = {
            "model": self.active.model.name,
            "standby": self.standby.model.name if self.standby else None,
            "candidate": self.candidate.model.name if self.candidate else None,
            "candidate_port": self.candidate.port if self.candidate else None,
        }
        write_whole(models.serving_file(), json.dumps(content))


async def _warm_up(child: Child) -> None:
    """Ask the first questions ourselves: they are slow, and no visitor should wait for them."""
    for _ in range(WARM_UPS):
        try:
            await asyncio.to_thread(examine, child.port)
            return
        except Exception:  # the action server or the database may not be there yet
            await asyncio.sleep(1)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        # One side is gone: so is the connection.
        pass
    finally:
        writer.close()


async def _end(child: Child | None) -> None:
    """End a child: first kindly."""
    if child is None or child.is_dead:
        return
    with contextlib.suppress(ProcessLookupError):
        child.process.terminate()
        try:
            await asyncio.wait_for(child.process.wait(), 20)
        except asyncio.TimeoutError:
            child.process.kill()
            await child.process.wait()


def _first_model() -> Path:
    named = os.environ.get("SPINEBOT_MODEL")
    model = Path(named) if named else models.live_model()
    if model is None or not model.is_file():
        raise ServingError("There is no model: run `make train`")
    return model


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _note(model: Path, what: str, is_served: bool, *, only_unknown: bool = False) -> None:
    """Write it into the history. The history must not stop the serving."""
    try:
        with writing() as session:
            releases.note(session, model.name, what, is_served, only_unknown=only_unknown)
    except Exception as error:  # the database may be away
        logger.error("the history of releases is not written: %s", type(error).__name__)


def examine(port: int) -> None:
    """Ask a Rasa that nobody else asks yet what every model must know.

    Raises:
        ServingError: a question of the articles gets no answer, or an emergency no warning.
    """
    with reading() as session:
        question = releases.any_question(session)
    sender = f"examination.{int(time.time())}"
    url = f"http://127.0.0.1:{port}/webhooks/spinebot/turn"
    with httpx.Client(trust_env=False, timeout=30) as client:
        for text, wanted in ((question, "answer"), (EMERGENCY, "emergency")):
            if text is None:
                continue
            answer = client.post(url, json={"sender": sender, "text": text, "memory": {}})
            answer.raise_for_status()
            kinds = {(reply.get("custom") or {}).get("type") for reply in answer.json()["replies"]}
            if wanted not in kinds:
                raise ServingError(f"{text!r} got no {wanted}")


def serve() -> None:
    """Run the relay until it is told to end."""
    logs.set_up("rasa")
    asyncio.run(Serving().run())
