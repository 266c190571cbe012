"""What the figures were measured on: machine, programs, commit."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from spinebot.settings import ROOT
from spinebot.training.rasa_process import RASA_PYTHON

_PACKAGES = ("rasa", "rasa-sdk", "tensorflow", "scikit-learn", "onnxruntime", "sanic", "spacy")
_ASK = (
    "import importlib.metadata as m, json, platform, sys; "
    "print(json.dumps({'python': platform.python_version(), "
    "**{p: m.version(p) for p in sys.argv[1:]}}))"
)


def facts() -> dict[str, Any]:
    """Return the machine's facts. load: programs that want a processor, mean of one minute."""
    return {
        "cpu": _read("/proc/cpuinfo", r"^model name\s*:\s*(.+)$") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(_read("/proc/meminfo", r"^MemTotal:\s+(\d+)") or 0) / 1024**2, 1),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
        "app": {"python": platform.python_version()},
        "rasa": _rasa_versions(),
        "commit": _git("rev-parse", "HEAD"),
        "changed_files": len(_git("status", "--porcelain").splitlines()),
    }


def one_line(machine: dict[str, Any]) -> str:
    """Return the facts for people."""
    changed = machine["changed_files"]
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, load "
        f"{machine['load']} at the start; Rasa {machine['rasa']['rasa']} on Python "
        f"{machine['rasa']['python']}; commit {machine['commit'][:10] or 'unknown'}"
        + (f" and {changed} changed files" if changed else "")
    )


def _read(path: str, pattern: str) -> str | None:
    file = Path(path)
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else None


def _rasa_versions() -> dict[str, str]:
    command = [str(RASA_PYTHON), "-c", _ASK, *_PACKAGES]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout))


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return answer.stdout.strip()
