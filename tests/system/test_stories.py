"""Rasa's own test of conversations, on the trained model, with its NLU."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.conftest import ROOT


def _run_stories(model: Path, stories: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(".venv/app/bin/spinebot", "rasa", "test", "core", "--e2e"),
            *("--fail-on-prediction-errors", "--model", str(model)),
            *("--stories", str(stories), "--out", str(out)),
        ],
        cwd=ROOT,
        env={**os.environ, "SPINEBOT_DATA_DIR": str(out)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_conversation_goes_as_written(model: Path, tmp_path: Path) -> None:
    done = _run_stories(model, ROOT / "tests/stories", tmp_path)
    failed = tmp_path / "failed_test_stories.yml"
    assert done.returncode == 0, failed.read_text() if failed.exists() else done.stderr[-2000:]


def test_a_wrong_conversation_is_found(model: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "test_wrong.yml"
    wrong.write_text(
        'version: "3.1"\n'
        "stories:\n"
        "  - story: A wrong one\n"
        "    steps:\n"
        "      - user: |\n"
        "          heat or ice\n"
        "        intent: greet\n"
        "      - action: action_reply_small_talk\n",
        encoding="utf-8",
    )
    assert _run_stories(model, wrong, tmp_path).returncode != 0
