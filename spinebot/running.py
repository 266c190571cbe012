"""Runs the three processes of the Procfile on one machine, and says when visitors can come."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time

import httpx
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer

from spinebot import articles, releases
from spinebot.clinic import clinic
from spinebot.db import reading, upgrade, writing
from spinebot.errors import SpinebotError
from spinebot.settings import ROOT, Settings, settings
from spinebot.training import evaluation, models
from spinebot.training.rasa_process import environment

HEARTBEAT_SECONDS = 3


def run() -> int:
    """Prepare, start, and wait until the processes end; return an exit code."""
    current = settings()
    _ports_must_be_free(current)
    clinic()
    _say("bringing the database up to date and loading the articles")
    files = articles.read_articles(ROOT / "knowledge")
    upgrade()
    with reading() as session:
        vectors = articles.make_vectors(session, files)
    with writing() as session:
        _say(str(articles.load(session, files, vectors)))
    model = models.live_model()
    if model is None:
        model = models.train()
        _say("measuring it before it goes live")
        evaluation.check(model)
        with writing() as session:
            releases.promote(session, model.name, "spinebot", "the first model")
    elif not models.is_current(model):
        _say("the training data has changed since the live model was trained: `make train`")
    _say(f"starting with model {model.name}")
    return _run_processes(current, environment())


def _run_processes(current: Settings, env: dict[str, str]) -> int:
    manager = Manager(Printer(sys.stdout, colour=sys.stdout.isatty()))
    processes = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes
    for name, command in processes.items():
        # exec: the shell gives way to the process itself, which then gets the signals.
        manager.add_process(name, f"exec {command}", env=env, cwd=str(ROOT))
    threading.Thread(target=_announce, args=(current,), daemon=True).start()
    manager.loop()
    return int(manager.returncode or 0)


def _announce(current: Settings) -> None:
    """Say what is still missing, every few seconds, and the address when nothing is."""
    began = told = time.monotonic()
    while missing := _missing(current):
        time.sleep(0.25)
        if time.monotonic() - told > HEARTBEAT_SECONDS:
            told = time.monotonic()
            _say(f"waiting for {', '.join(missing)}, {round(told - began)} s so far")
    if clinic().is_sample:
        _say("clinic.yml still holds the sample clinic")
    _say(f"ready after {time.monotonic() - began:.0f} s: open {current.web_url}/ (Ctrl-C ends it)")


def _missing(current: Settings) -> list[str]:
    try:
        answer = httpx.get(f"{current.web_url}/readyz", timeout=2, trust_env=False)
        return list(answer.json()["missing"])
    except (httpx.HTTPError, ValueError, KeyError):
        return ["web"]


def _ports_must_be_free(current: Settings) -> None:
    ports = {
        "SPINEBOT_WEB_PORT": current.web_port,
        "SPINEBOT_RASA_PORT": current.rasa_port,
        "SPINEBOT_ACTIONS_PORT": current.actions_port,
    }
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise SpinebotError(
                    f"Port {port} is in use: is the bot running already? "
                    f"Set {name} to another port to run a second one."
                ) from None


def _say(text: str) -> None:
    # One write a line: the processes print beside us.
    os.write(1, f"[spinebot] {text}\n".encode())
