"""The measurement itself: train, start, talk, ask the test set, weigh."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx

from bench.assistants import Assistant, procfile
from bench.data import Example
from bench.latency import (
    LONGEST_CONVERSATION,
    RestTarget,
    Timing,
    WebTarget,
    measure_alone,
    measure_crowd,
    middle,
)
from bench.processes import BenchError, Child, Children, heartbeat, say
from bench.understanding import Share, score, understand
from spinebot.settings import settings
from spinebot.training.models import put_live

START_PATIENCE_SECONDS = 180
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    questions: list[str]  # said in every round
    test_set: list[Example]
    question_intents: set[str]
    rounds: int
    visitors: int
    starts: int
    quick: bool


@dataclass
class Result:
    """What was measured of one target. Seconds, milliseconds, MiB."""

    training_seconds: float | None = None
    start_seconds: list[float] = field(default_factory=list)
    memory: float | None = None
    peak_memory: float | None = None
    timing: Timing = field(default_factory=Timing)
    understanding: dict[str, Share] = field(default_factory=dict)


def train(assistants: Sequence[Assistant], children: Children) -> dict[str, Result]:
    """Train each, one after the other, alone on the machine."""
    results = {}
    for assistant in assistants:
        say(f"training {assistant.name}, with an empty cache")
        seconds = assistant.train(children)
        say(f"  {assistant.name} was trained in {seconds:.1f} s")
        results[assistant.name] = Result(training_seconds=seconds)
    return results


def start(
    assistants: Sequence[Assistant], children: Children, plan: Plan, results: dict[str, Result]
) -> dict[str, Child]:
    """Start each ``plan.starts`` times, alone; return the processes of the last starts."""
    running: dict[str, Child] = {}
    for turn in range(plan.starts):
        for assistant in assistants:
            if assistant.name in running:
                children.end(running.pop(assistant.name))
        for assistant in assistants:
            child = assistant.serve(children)
            running[assistant.name] = child
            seconds = first_answer(assistant, child, plan.questions[0])
            say(f"  {assistant.name} answered {seconds:.1f} s after start {turn + 1}")
            results[assistant.name].start_seconds.append(seconds)
    return running


def first_answer(assistant: Assistant, child: Child, question: str) -> float:
    """Ask until there is a reply and return the seconds since the process was started.

    Raises:
        BenchError: the process ended, or took more than ``START_PATIENCE_SECONDS``.
    """
    attempt = 0
    with (
        heartbeat(f"starting {assistant.name}", child.log),
        httpx.Client(base_url=assistant.url, timeout=60, trust_env=False) as client,
    ):
        while child.seconds < START_PATIENCE_SECONDS:
            child.must_run()
            attempt += 1
            body = {"sender": f"start-{attempt}", "message": question}
            try:
                if client.post("/webhooks/rest/webhook", json=body).json():
                    return child.seconds
            except (httpx.HTTPError, ValueError):
                pass
            time.sleep(_POLL_SECONDS)
    raise BenchError(f"{assistant.name} did not answer within {START_PATIENCE_SECONDS} s")


def start_web(children: Children, port: int, assistant: Assistant) -> None:
    """Start the web process in front of the assistant's Rasa; wait until it can serve visitors."""
    # It counts itself ready only with a live model in the data directory.
    live = settings().models_dir / assistant.model.name
    live.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(assistant.model, live)
    put_live(live)
    child = procfile(children, "web")
    with heartbeat("starting the web process", child.log):
        wait_for(child, f"http://127.0.0.1:{port}/readyz")


def wait_for(child: Child, url: str) -> None:
    """Wait until ``url`` answers 200.

    Raises:
        BenchError: the process ended, or took more than ``START_PATIENCE_SECONDS``.
    """
    newest = "nothing"
    while child.seconds < START_PATIENCE_SECONDS:
        child.must_run()
        try:
            answer = httpx.get(url, timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            newest = type(error).__name__
        else:
            if answer.status_code == 200:
                return
            newest = answer.text[:200]
        time.sleep(_POLL_SECONDS)
    raise BenchError(
        f"{child.name} was not ready within {START_PATIENCE_SECONDS} s; its last words: {newest}"
    )


async def talk(
    assistants: Sequence[Assistant], web_port: int | None, plan: Plan, results: dict[str, Result]
) -> None:
    """Measure turns in rounds: in every round each target once alone and once with a crowd.

    The order of the targets moves by one place each round, so that none is always the first.
    """
    async with AsyncExitStack() as stack:
        targets: list[RestTarget | WebTarget] = [
            RestTarget(assistant.name, assistant.url) for assistant in assistants
        ]
        if web_port is not None:
            targets.append(WebTarget(f"http://127.0.0.1:{web_port}"))
        for target in targets:
            stack.push_async_callback(target.close)
            results.setdefault(target.name, Result())
            await target.converse(plan.questions[:LONGEST_CONVERSATION])  # to warm up
        for turn in range(plan.rounds):
            first = turn % len(targets)
            for target in [*targets[first:], *targets[:first]]:
                await _round(target, plan, results[target.name].timing, turn)


async def _round(target: RestTarget | WebTarget, plan: Plan, timing: Timing, turn: int) -> None:
    with heartbeat(f"talking to {target.name}"):
        await measure_alone(target, plan.questions, timing)
        await measure_crowd(target, plan.questions, plan.visitors, timing)
    say(
        f"  round {turn + 1} of {plan.rounds}, {target.name}: p50 {timing.p50[-1]:.1f} ms alone, "
        f"{timing.crowd_p50[-1]:.1f} ms and {timing.turns_per_second[-1]:.1f} turns/s "
        f"with {plan.visitors} visitors"
    )


def ask_test_set(assistants: Sequence[Assistant], plan: Plan, results: dict[str, Result]) -> None:
    """Put the test set to each."""
    for assistant in assistants:
        with heartbeat(
            f"asking {assistant.name} the {len(plan.test_set)} messages of the test set"
        ):
            seen = asyncio.run(understand(assistant, plan.test_set))
        found = score(plan.test_set, seen, plan.question_intents)
        results[assistant.name].understanding = found
        say(f"  {assistant.name} understood {found['accuracy'].percent:.1f} %")


def weigh(running: dict[str, Child], results: dict[str, Result]) -> None:
    """Read the memory of the processes after all that."""
    for name, child in running.items():
        child.must_run()
        results[name].memory = child.memory("VmRSS")
        results[name].peak_memory = child.memory("VmHWM")


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return median, lowest and highest."""
    return middle(values), min(values), max(values)
