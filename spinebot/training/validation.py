"""All that is wrong with the training data: what our checks find, and what Rasa finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from spinebot.settings import ROOT
from spinebot.training import changes
from spinebot.training.rasa_process import RASA_PYTHON, environment


def faults(root: Path | None = None) -> list[str]:
    """Return every fault, a line each; none: a model can be trained from these data."""
    root = root or changes.project()
    changes.recover(root)
    with _rasas_validation(root) as process:
        # So late because it takes a second, in which Rasa's process is at work.
        from spinebot.training import checks

        found = checks.faults(root)
        said, trouble = process.communicate()
    if found:
        # Rasa says much the same once more, without a line.
        return found
    if process.returncode != 0:
        return [f"Rasa's validation failed: {(trouble.strip().splitlines() or ['?'])[-1]}"]
    return [f"Rasa: {line}" for line in said.splitlines()]


def _rasas_validation(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(RASA_PYTHON), "-m", "spinebot.bot.validation"],
        cwd=root,
        env={**environment(), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
