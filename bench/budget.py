"""What a turn spends its time on: ``.venv/app/bin/python -m bench.budget``.

Starts an action server of its own, and in Rasa's environment one process that holds conversations
with the live model through the channel's own function; every part of a turn is timed there. What is
measured is the process's time by the clock, in milliseconds a turn, median and mean of all turns.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TURNS_A_CONVERSATION = 10
# The parts of a turn, each within the one above it by its indentation.
PARTS = (
    ("turn", "the whole turn, as the channel sees it"),
    ("load", "load the conversation"),
    ("understand", "understand the message"),
    ("  entities", "spaCy's words, and the entities"),
    ("  spelling", "mend typing errors"),
    ("  encoder", "sentence vectors"),
    ("  intents", "the intents"),
    ("  alarms", "the learnt alarm, and the screen"),
    ("slots", "slots from what was said (no call: none of ours are custom)"),
    ("predict", "what to do next, by memory and rules"),
    ("action", "the call of the action server"),
    ("save", "save the new events"),
)
COMPONENTS = {
    "SpacyTokenizer": "  entities",
    "SpineTermExtractor": "  entities",
    "SpellingMender": "  spelling",
    "SentenceEncoderFeaturizer": "  encoder",
    "SentenceIntentClassifier": "  intents",
    "MessageScreen": "  alarms",
    "RedFlagDetector": "  alarms",
}
Spent = dict[str, float]


def main() -> int:
    """Measure in Rasa's environment and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.budget", description=__doc__)
    parser.add_argument("--conversations", type=int, default=30)
    options = parser.parse_args()
    from spinebot.training.models import live_model

    model = live_model()
    if model is None:
        raise SystemExit("There is no model: run `make train`.")
    _print(_measured(str(model), options.conversations))
    return 0


def _measured(model: str, conversations: int) -> list[Spent]:
    """Return what each turn spent its time on."""
    from bench.assistants import procfile
    from bench.data import choose_questions, question_intents, read_examples
    from bench.measure import wait_for
    from bench.processes import Children, free_ports, say
    from spinebot.settings import settings
    from spinebot.training.rasa_process import RASA_PYTHON, environment

    known = question_intents(ROOT / "data/rules.yml")
    questions = choose_questions(read_examples(ROOT / "tests/nlu/test_nlu.yml"), known, 60)
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="spinebot-budget-") as folder:
        os.environ.update(
            SPINEBOT_DATA_DIR=folder,
            SPINEBOT_ACTIONS_PORT=str(port),
            SPINEBOT_SECRET_KEY=secrets.token_urlsafe(48),
        )
        os.environ.pop("SPINEBOT_DATABASE_URL", None)
        settings.cache_clear()
        env = environment()
        with Children(env, Path(folder) / "logs") as children:
            spinebot = str(Path(sys.executable).with_name("spinebot"))
            children.run("loading the articles", [spinebot, "articles", "load"], ROOT)
            wait_for(procfile(children, "actions"), f"http://127.0.0.1:{port}/health")
            say(f"{conversations} conversations of {TURNS_A_CONVERSATION} turns")
            asked = json.dumps([model, conversations, questions])
            done = subprocess.run(
                [str(RASA_PYTHON), "-m", "bench.budget", "--inside"],
                cwd=ROOT,
                env=env,
                input=asked,
                capture_output=True,
                text=True,
                check=False,
            )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return list(json.loads(done.stdout.splitlines()[-1]))


def _print(turns: list[Spent]) -> None:
    whole = statistics.median(each["turn"] for each in turns)
    print(f"\n{len(turns)} turns; milliseconds\n")
    print("| part | median | mean | share of the median turn |\n| --- | ---: | ---: | ---: |")
    for part, words in PARTS:
        taken = [each.get(part, 0.0) for each in turns]
        middle = statistics.median(taken)
        pad = "&nbsp;&nbsp;" if part.startswith(" ") else ""
        print(
            f"| {pad}{words} | {middle:.2f} | {statistics.mean(taken):.2f} | {middle / whole:.0%} |"
        )
    outer = [part for part, _ in PARTS if part != "turn" and not part.startswith(" ")]
    rest = [each["turn"] - sum(each.get(part, 0.0) for part in outer) for each in turns]
    middle = statistics.median(rest)
    print(
        f"| the rest: events, copies, locks | {middle:.2f} | {statistics.mean(rest):.2f} "
        f"| {middle / whole:.0%} |"
    )


# In Rasa's environment, from here on.


class Clock:
    """Adds up what the parts of the turn under way take."""

    def __init__(self) -> None:
        """Nothing is spent yet."""
        self.spent: dict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the block to a part."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spent[name] += (time.perf_counter() - began) * 1000

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts its time to a part."""

        @functools.wraps(call)
        def run(*arguments: Any, **more: Any) -> Any:
            with self.part(name):
                return call(*arguments, **more)

        @functools.wraps(call)
        async def wait(*arguments: Any, **more: Any) -> Any:
            with self.part(name):
                return await call(*arguments, **more)

        return wait if asyncio.iscoroutinefunction(call) else run

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Count a method's time to a part."""
        setattr(owner, method, self.timed(name, getattr(owner, method)))


def inside() -> None:
    """Hold the conversations in this process; print what each turn spent, as JSON."""
    from rasa.core.agent import load_agent
    from rasa.core.utils import AvailableEndpoints

    from spinebot.bot import channel
    from spinebot.bot.action_server import ActionServer
    from spinebot.bot.tracker_store import primary

    model, conversations, questions = json.loads(sys.stdin.read())
    endpoints = AvailableEndpoints.read_endpoints("endpoints.yml")
    assert endpoints.action is not None
    endpoints.action = ActionServer.of(endpoints.action)
    clock, turns = Clock(), []

    async def talk() -> None:
        agent = await load_agent(model_path=model, endpoints=endpoints)
        processor = agent.processor
        assert processor is not None
        _watch(clock, processor, primary(processor.tracker_store), endpoints.action)
        for number in range(conversations + 1):
            for place in range(TURNS_A_CONVERSATION):
                text = questions[(number * TURNS_A_CONVERSATION + place) % len(questions)]
                clock.spent.clear()
                body = {"sender": f"budget-{number}", "text": text}
                with clock.part("turn"):
                    await channel._turn(agent, body)
                if number:  # the first one warms up
                    turns.append(dict(clock.spent))

    asyncio.run(talk())
    print(json.dumps(turns))


def _watch(clock: Clock, processor: Any, store: Any, action: Any) -> None:
    """Have the clock time the parts of a turn."""
    clock.watch(store, "get_or_create_tracker", "load")
    clock.watch(store, "save", "save")
    clock.watch(processor, "parse_message", "understand")
    clock.watch(processor, "run_action_extract_slots", "slots")
    clock.watch(processor, "_predict_next_with_tracker", "predict")
    clock.watch(action, "_call", "action")
    for node in processor.graph_runner._instantiated_nodes.values():
        name = COMPONENTS.get(node._component_class.__name__)
        if name and node._fn_name == "process":
            node._fn = clock.timed(name, node._fn)


if __name__ == "__main__":
    if sys.argv[1:] == ["--inside"]:
        inside()
    else:
        sys.exit(main())
