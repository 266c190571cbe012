"""The project is a plain Rasa project: Rasa's own commands do what a Rasa developer expects."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.conftest import ROOT


def rasa(out: Path, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run one of Rasa's commands through ours, which only sets its environment."""
    return subprocess.run(
        [".venv/app/bin/spinebot", "rasa", *arguments],
        cwd=ROOT,
        env={**os.environ, "SPINEBOT_DATA_DIR": str(out)},
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_rasa_finds_no_fault_in_the_data(tmp_path: Path) -> None:
    done = rasa(tmp_path, "data", "validate", "--fail-on-warnings")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_rasas_shell_understands(model: Path, tmp_path: Path) -> None:
    done = rasa(tmp_path, "shell", "nlu", "--model", str(model), said="heat or ice?\n/stop\n")
    found, _ = json.JSONDecoder().raw_decode(done.stdout, done.stdout.index("{"))
    assert found["intent"]["name"] == "ask_heat_or_ice"


def test_rasas_test_of_understanding_writes_its_report(model: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.yml"
    lines = (ROOT / "tests/nlu/test_nlu.yml").read_text(encoding="utf-8").splitlines()
    few.write_text("\n".join(lines[:60]) + "\n", encoding="utf-8")
    arguments = ("--nlu", str(few), "--model", str(model), "--out", str(tmp_path / "results"))
    done = rasa(tmp_path, "test", "nlu", "--no-plot", *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((tmp_path / "results/intent_report.json").read_text(encoding="utf-8"))
    assert report["accuracy"] > 0.7


def test_rasas_training_gives_a_model_that_rasa_reads(tmp_path: Path) -> None:
    """Of the dialogue alone: the whole is trained by the fixture of all these tests."""
    arguments = ("--out", str(tmp_path / "models"), "--fixed-model-name", "plain")
    done = rasa(tmp_path, "train", "core", *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "models/plain.tar.gz").is_file()
