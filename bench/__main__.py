"""``python -m bench``: the assistant beside Rasa's defaults and beside the floor, in one run."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench import machine, measure, report, widget
from bench.assistants import NAMES, Assistant, copy_sources, prepare, procfile
from bench.data import choose_questions, question_intents, read_examples, thinned
from bench.processes import Children, free_ports, heartbeat, say
from spinebot.errors import SpinebotError
from spinebot.settings import ROOT, read_settings
from spinebot.training.rasa_process import environment

TEST_SET = ROOT / "tests/nlu/test_nlu.yml"
# More than this share of the cores in use before the start, and the figures are not to be trusted.
QUIET_LOAD = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON. A bar that is not cleared is no error."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, results_dir = time.monotonic(), read_settings().data_dir / "bench"
    found_on = machine.facts()
    say(machine.one_line(found_on))
    if found_on["load"] > QUIET_LOAD * found_on["cores"]:
        say("other programs are at work on this machine: times will be longer and uneven")
    with _work_folder(keep=options.keep) as work:
        plan = _plan(options)
        results, cost = _run(options.only, plan, work)
    found = report.figures(results)
    cleared = report.verdicts(found, quick=plan.quick)
    print(f"\n{report.table(found, cleared, plan.visitors)}\n")
    print(f"{machine.one_line(found_on)}; {_how(plan)}")
    if cost:
        print(cost.line())
    if plan.quick:
        print("A quick run: default was hardly trained, so its accuracy and training mean nothing.")
    minutes = (time.monotonic() - began) / 60
    content = report.as_json(results, found, cleared)
    content["widget"] = asdict(cost) if cost else None
    file = _write(results_dir, plan, found_on, content, minutes)
    print(f"Written to {file} after {minutes:.1f} minutes. {_closing(cleared)}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="to see that it works: few messages")
    parser.add_argument("--keep", action="store_true", help="keep models and logs, print where")
    parser.add_argument(
        "--only", type=_names, default=list(NAMES), help=f"some of {','.join(NAMES)}"
    )
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(NAMES):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return [name for name in NAMES if name in wanted]


def _plan(options: argparse.Namespace) -> measure.Plan:
    questions = question_intents(ROOT / "data/rules.yml")
    test_set = read_examples(TEST_SET)
    return measure.Plan(
        questions=choose_questions(test_set, questions, 20 if options.quick else 60),
        test_set=thinned(test_set, 5) if options.quick else test_set,
        question_intents=questions,
        rounds=2 if options.quick else 7,
        visitors=8,
        starts=1 if options.quick else 3,
        quick=options.quick,
    )


def _run(
    names: list[str], plan: measure.Plan, work: Path
) -> tuple[dict[str, measure.Result], widget.Cost | None]:
    """Do all that the plan asks for, with processes of our own, all of which end here."""
    ports = dict(zip(("web", "actions", *NAMES), free_ports(5), strict=True))
    _settings_of_our_own(work, ports)
    env = environment()
    sources = copy_sources(work)
    assistants = [prepare(n, sources, env, ports[n], quick=plan.quick) for n in names]
    with Children(env, work / "logs") as children:
        try:
            _load_articles(children)
            results = measure.train(assistants, children)
            cost = _serve_and_measure(assistants, ports, children, plan, results)
        except BaseException:
            say("stopping: ending every process that was started")
            raise
    return results, cost


def _serve_and_measure(
    assistants: list[Assistant],
    ports: dict[str, int],
    children: Children,
    plan: measure.Plan,
    results: dict[str, measure.Result],
) -> widget.Cost | None:
    actions = procfile(children, "actions")
    with heartbeat("starting the action server", actions.log):
        measure.wait_for(actions, f"http://127.0.0.1:{ports['actions']}/health")
    say("starting each until its first answer")
    running = measure.start(assistants, children, plan, results)
    web_port = None
    for assistant in assistants:
        if assistant.name == "spinebot":
            web_port = ports["web"]
            measure.start_web(children, web_port, assistant)
    say(f"talking: {len(plan.questions)} questions a round, {_how(plan)}")
    asyncio.run(measure.talk(assistants, web_port, plan, results))
    measure.ask_test_set(assistants, plan, results)
    measure.weigh(running, results)
    if web_port is None:
        return None
    with heartbeat("loading a page with and without the widget"):
        return widget.measure(f"http://127.0.0.1:{web_port}/")


def _load_articles(children: Children) -> None:
    """Fill the database of this run; nothing else reads or writes it."""
    spinebot = str(Path(sys.executable).with_name("spinebot"))
    children.run("loading the articles", [spinebot, "articles", "load"], ROOT)


def _settings_of_our_own(work: Path, ports: dict[str, int]) -> None:
    """Let no setting of a running assistant in: neither its database nor its ports nor its keys."""
    for name in [name for name in os.environ if name.startswith("SPINEBOT_")]:
        if name != "SPINEBOT_ENCODER_DIR":
            del os.environ[name]
    os.environ.update(
        SPINEBOT_DATA_DIR=str(work / "data"),
        SPINEBOT_SECRET_KEY=secrets.token_urlsafe(48),
        SPINEBOT_WEB_PORT=str(ports["web"]),
        SPINEBOT_ACTIONS_PORT=str(ports["actions"]),
        SPINEBOT_RASA_PORT=str(ports["spinebot"]),
        # All visitors of the measurement have one address.
        SPINEBOT_LIMIT_MESSAGES="100000/minute",
        SPINEBOT_LIMIT_ADDRESS="100000/minute",
        SPINEBOT_LIMIT_CONVERSATIONS="100000/hour",
    )


@contextmanager
def _work_folder(*, keep: bool) -> Iterator[Path]:
    work = Path(tempfile.mkdtemp(prefix="spinebot-bench-"))
    (work / "data").mkdir()
    try:
        yield work
    finally:
        if keep:
            say(f"models and logs are kept in {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)


def _how(plan: measure.Plan) -> str:
    return f"{plan.rounds} rounds in turns, median (lowest–highest); shares with 95 % intervals"


def _write(
    folder: Path,
    plan: measure.Plan,
    found_on: dict[str, Any],
    content: dict[str, Any],
    minutes: float,
) -> Path:
    moment = datetime.now(timezone.utc)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{moment:%Y%m%d-%H%M%S}{'-quick' if plan.quick else ''}.json"
    head = {
        "at": moment.isoformat(timespec="seconds"),
        "quick": plan.quick,
        "minutes": round(minutes, 1),
        "rounds": plan.rounds,
        "visitors": plan.visitors,
        "starts": plan.starts,
        "questions": len(plan.questions),
        "test_set": len(plan.test_set),
        "machine": found_on,
    }
    text = json.dumps({**head, **content}, indent=1, sort_keys=False)
    file.write_text(text + "\n", encoding="utf-8")
    return file


def _closing(verdicts: dict[str, bool | None]) -> str:
    failed = [key for key, cleared in verdicts.items() if cleared is False]
    unknown = [key for key, cleared in verdicts.items() if cleared is None]
    words = [f"NOT cleared: {', '.join(failed)}."] if failed else []
    words += [f"Not measured: {', '.join(unknown)}."] if unknown else []
    return " ".join(words) or "Every bar is cleared."


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except SpinebotError as error:
        sys.exit(str(error))
