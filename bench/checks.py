"""How long the checks of the training data take: ``.venv/app/bin/python -m bench.checks``.

In a copy of the project whose data are filled up to 100 intents and 5,000 examples, Rasa's own
``rasa data validate`` and ``spinebot data check``, which holds the same validation and ours, take
turns; the command's whole time by the clock, median of the rounds.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from spinebot.settings import ROOT
from spinebot.training import examples
from spinebot.training.rasa_process import command, environment

INTENTS, EXAMPLES = 100, 5000
FOLDERS = ("actions", "data", "knowledge", "tests/nlu")
FILES = ("clinic.yml", "config.yml", "domain.yml", "endpoints.yml", "credentials.yml")
# What the command does, in another folder than the project's own.
CHECK = """
import sys
from pathlib import Path
from spinebot.training import validation
sys.exit("\\n".join(validation.faults(Path())) or 0)
"""
LEAST = 10  # examples of an intent that is filled in


def main() -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.checks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="spinebot-bench-") as work:
        project = Path(work)
        _copy(project)
        intents, count = _fill(project)
        ours = [str(ROOT / ".venv/app/bin/python"), "-c", CHECK]
        rasas = command("data", "validate")
        seconds: dict[str, list[float]] = {"spinebot data check": [], "rasa data validate": []}
        for _ in range(rounds):
            seconds["spinebot data check"].append(_timed(ours, project))
            seconds["rasa data validate"].append(_timed(rasas, project))
    print(f"{intents} intents, {count} examples, {rounds} rounds; seconds, median (least to most)")
    for name, found in seconds.items():
        print(f"{name:20} {statistics.median(found):5.1f} ({min(found):.1f} to {max(found):.1f})")
    return 0


def _copy(project: Path) -> None:
    for name in FOLDERS:
        shutil.copytree(ROOT / name, project / name)
    for name in FILES:
        shutil.copy(ROOT / name, project / name)


def _fill(project: Path) -> tuple[int, int]:
    """Add intents and examples until there are as many as wanted; return how many there are."""
    path, domain = project / examples.TRAINING, project / "domain.yml"
    content = path.read_text(encoding="utf-8")
    known = examples.parse(content)
    missing = max(0, EXAMPLES - len(known))
    new = max(1, INTENTS - len({each.intent for each in known}))
    each_of, names = max(LEAST, -(-missing // new)), []
    for number in range(new if missing else 0):
        names.append(f"chat_sample_{number}")
        texts = [f"sample {_word(number)} {_word(place)} of a talk" for place in range(each_of)]
        content = examples.with_examples(content, names[-1], texts)
    path.write_text(content, encoding="utf-8")
    lines = "".join(f"  - {name}: {{use_entities: []}}\n" for name in names)
    domain.write_text(
        domain.read_text(encoding="utf-8").replace("intents:\n", f"intents:\n{lines}", 1),
        encoding="utf-8",
    )
    found = examples.parse(content)
    return len({each.intent for each in found}), len(found)


def _word(number: int) -> str:
    """Return a number in letters: digits would be taken for a telephone's."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def _timed(arguments: list[str], project: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        arguments,
        cwd=project,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments[-3:])}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return took


if __name__ == "__main__":
    raise SystemExit(main())
