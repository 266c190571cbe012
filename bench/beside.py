"""What visitors feel of a training beside the bot: ``.venv/app/bin/python -m bench.beside``.

The assistant runs as `make run` starts it, in a data directory of its own with the live model.
Visitors write through the web process, first while nothing else goes on, then while the console's
worker trains and measures a model. Then trainings are killed at random moments; after each the live
model is the same, it answers, and nothing half done can be put live.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.latency import percentile
from bench.load import NO_LIMITS, Crowd
from bench.processes import BenchError, free_ports, say
from spinebot.settings import ROOT, settings
from spinebot.training import models, worker

PATIENCE = 180  # seconds until the assistant answers
LONGEST = 900  # seconds that a training may take
SOONEST = 35  # seconds after which one may have ended by itself
WHO = "bench"


def main() -> int:
    """Measure and print; exit with 1 if a killed training did any harm."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=90, help="of quiet")
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    live = models.live_model()
    if live is None:
        raise BenchError("There is no model: run `make train`.")
    with tempfile.TemporaryDirectory(prefix="spinebot-beside-") as folder:
        _use(Path(folder), live)
        with _running(Path(folder)) as url:
            _while(url, options.visitors, lambda: time.sleep(10))  # warms up
            quiet = _while(url, options.visitors, lambda: time.sleep(options.seconds))
            began = time.monotonic()
            beside = _while(url, options.visitors, _train)
            took = time.monotonic() - began
            print(f"\n{options.visitors} visitors, a message a second; the training: {took:.0f} s")
            print("| | answers | p50 | p95 | p99 | longest |")
            print("| --- | ---: | ---: | ---: | ---: | ---: |")
            for name, waits in (("quiet", quiet), ("beside a training", beside)):
                print(f"| {name} | {len(waits)} | {_row(waits)} |")
            return _kill(options.kills, url, live.name)


def _row(waits: Sequence[float]) -> str:
    found = [percentile(waits, each) for each in (50, 95, 99, 100)]
    return " | ".join(f"{each * 1000:.0f} ms" for each in found)


def _use(folder: Path, live: Path) -> None:
    """Make a data directory with the live model, for this process and those it starts."""
    (folder / "models").mkdir()
    for file in live.parent.glob(f"{live.name.removesuffix('.tar.gz')}*"):
        shutil.copy(file, folder / "models" / file.name)
    (folder / "models/live").write_text(live.name, encoding="utf-8")
    ports = dict(zip(("WEB", "RASA", "ACTIONS"), free_ports(3), strict=True))
    os.environ.update(
        {f"SPINEBOT_{name}_PORT": str(port) for name, port in ports.items()},
        SPINEBOT_DATA_DIR=str(folder),
        SPINEBOT_WEB_HOST="127.0.0.1",
        **NO_LIMITS,
    )
    settings.cache_clear()


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    url = f"http://127.0.0.1:{settings().web_port}"
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [str(ROOT / ".venv/app/bin/spinebot"), "run"],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            ends = time.monotonic() + PATIENCE
            while not _is_ready(url):
                if process.poll() is not None or time.monotonic() > ends:
                    raise BenchError(f"The assistant does not come up; see {folder}/run.log.")
                time.sleep(0.5)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _while(url: str, visitors: int, something: Callable[[], None]) -> list[float]:
    """Let visitors write while something goes on; return how long each waited, in seconds."""
    crowd = Crowd(url, visitors)
    crowd.start()
    something()
    seen = crowd.stop()
    if seen.problems or seen.apologies:
        raise BenchError(f"{seen.apologies} apologies; {'; '.join(seen.problems)}")
    return [answered - sent for sent, _, answered in seen.waits]


def _train() -> None:
    worker.start(WHO)
    ends = time.monotonic() + LONGEST
    while (run := worker.last()) is None or run.ended is None:
        if time.monotonic() > ends:
            raise BenchError("The training does not come to an end.")
        time.sleep(1)
    say(f"the training ended with {run.ended}: {' / '.join(run.lines[-2:])}")


def _kill(times: int, url: str, live: str) -> int:
    """Kill trainings with all their processes, at random moments; return how many did harm."""
    harm, chance = 0, random.Random(times)
    for _ in range(times):
        worker.start(WHO)
        moment = chance.uniform(1, SOONEST)
        time.sleep(moment)
        about = json.loads((settings().data_dir / "training-run/run.json").read_text("utf-8"))
        os.killpg(int(about["pid"]), signal.SIGKILL)
        crowd = _while(url, 1, lambda: time.sleep(3))
        run, now = worker.last(), models.live_model()
        is_well = (
            run is not None
            and run.ended == -1
            and now is not None
            and now.name == live
            and all(map(_is_whole, settings().models_dir.glob("*.tar.gz")))
            and bool(crowd)
        )
        say(f"killed after {moment:.0f} s: {'no harm' if is_well else f'HARM: {run}, {now}'}")
        harm += not is_well
    return min(1, harm)


def _is_whole(model: Path) -> bool:
    try:
        with tarfile.open(model) as archive:
            return bool(archive.getmembers())
    except tarfile.TarError:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
