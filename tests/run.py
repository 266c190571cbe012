"""``python -m tests.run [--quick]``: the tests of both environments, and one closing line.

With ``SPINEBOT_FORBID_SKIPS=1`` (as in CI) a skipped test is a failed run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNT = re.compile(r"(\d+) (passed|failed|skipped|error|errors)\b")


def run(python: str, *arguments: str) -> tuple[int, dict[str, int], set[str]]:
    """Run pytest, print what it prints, and return its exit code, counts and reasons of skips."""
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    counts: dict[str, int] = {}
    reasons: set[str] = set()
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    output = b""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # As it comes, not line by line: a line of dots takes minutes.
        while part := os.read(process.stdout.fileno(), 65536):
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            output += part
    for line in output.decode(errors="replace").splitlines():
        if line.startswith("SKIPPED"):
            reasons.add(line.split(": ", 1)[-1].strip())
        if " in " in line and COUNT.search(line) and line.rstrip(" =").endswith(("s", ")")):
            counts = {kind.replace("errors", "error"): int(n) for n, kind in COUNT.findall(line)}
    return process.returncode, counts, reasons


def main() -> int:
    """Run both environments' tests; return the exit code."""
    quick = ["--quick"] if "--quick" in sys.argv else []
    results = [
        run(".venv/app/bin/python", "tests", "--ignore=tests/rasa", *quick),
        run(".venv/rasa/bin/python", "tests/rasa", "-c", "tests/rasa/pytest.ini", "-ra"),
    ]
    total = {
        kind: sum(r[1].get(kind, 0) for r in results) for kind in ("passed", "failed", "error")
    }
    skipped = sum(r[1].get("skipped", 0) for r in results)
    reasons = sorted(set().union(*(r[2] for r in results)))
    failed = total["failed"] + total["error"]
    print()
    if reasons:
        print(f"Skipped, because this machine cannot run them: {'; '.join(reasons)}")
    print(f"{total['passed']} passed, {failed} failed, {skipped} skipped")
    if skipped and os.environ.get("SPINEBOT_FORBID_SKIPS") == "1":
        print("Skips are forbidden here (SPINEBOT_FORBID_SKIPS=1).")
        return 1
    return max(result[0] for result in results)


if __name__ == "__main__":
    raise SystemExit(main())
