"""The list of known weaknesses of the locked packages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import weaknesses

PINS = {("some-package", "1.4.0"): ("app", "rasa")}


def advisory(folder: Path, name: str = "GHSA-1", **more: object) -> None:
    """Write an advisory about a package, in the OSV format."""
    affected = {"package": {"ecosystem": "PyPI", "name": more.pop("package", "Some_Package")}}
    for key in ("versions", "ranges"):
        if key in more:
            affected[key] = more.pop(key)  # type: ignore[assignment]
    content = {"id": name, "summary": "Something breaks. And more.", "affected": [affected], **more}
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def between(introduced: str, **end: str) -> list[dict[str, object]]:
    return [
        {
            "type": "ECOSYSTEM",
            "events": [{"introduced": introduced}, *({k: v} for k, v in end.items())],
        }
    ]


@pytest.mark.parametrize(
    ("affected", "fixed"),
    [
        ({"ranges": between("0", fixed="1.5")}, "1.5"),
        ({"ranges": between("1.4.0", last_affected="1.4.0")}, ""),
        ({"ranges": between("0")}, ""),
        ({"versions": ["1.3", "1.4.0"]}, ""),
        ({"ranges": [*between("0", fixed="1.2"), *between("1.3", fixed="1.4.1")]}, "1.4.1"),
    ],
)
def test_a_weakness_of_a_locked_version_is_found(
    tmp_path: Path, affected: dict[str, object], fixed: str
) -> None:
    advisory(tmp_path, aliases=["PYSEC-1", "CVE-2026-1"], **affected)
    [found] = weaknesses.weaknesses(tmp_path, PINS)
    assert (found.package, found.version, found.name) == ("some-package", "1.4.0", "CVE-2026-1")
    assert (found.fixed, found.says) == (fixed, "Something breaks.")
    assert found.environments == ("app", "rasa")


@pytest.mark.parametrize(
    "affected",
    [
        {"ranges": between("0", fixed="1.4.0")},
        {"ranges": between("1.4.1")},
        {"ranges": between("0", last_affected="1.3.9")},
        {"versions": ["1.4"]},
        {"ranges": between("0"), "package": "another"},
        {"ranges": between("0"), "withdrawn": "2026-01-01T00:00:00Z"},
    ],
)
def test_one_of_another_version_is_not(tmp_path: Path, affected: dict[str, object]) -> None:
    advisory(tmp_path, **affected)
    assert list(weaknesses.weaknesses(tmp_path, PINS)) == []


def test_one_that_has_two_advisories_is_listed_once(tmp_path: Path) -> None:
    for name in ("GHSA-1", "PYSEC-1"):
        advisory(tmp_path, name, aliases=["CVE-2026-1"], ranges=between("0"))
    assert len(list(weaknesses.weaknesses(tmp_path, PINS))) == 1


def test_every_lock_is_read() -> None:
    pins = weaknesses.locked()
    assert pins["rasa", "3.6.21"] == ("rasa",)
    assert {name for names in pins.values() for name in names} == {"app", "rasa", "tools"}


def test_a_weakness_that_nobody_speaks_of_fails(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/weaknesses.py", str(tmp_path)]
    advisory(tmp_path, package="rasa", ranges=between("0"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "| rasa 3.6.21 | rasa | GHSA-1 | no release | Something breaks. |" in done.stdout
    advisory(tmp_path, package="bm25s", ranges=between("0"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "says nothing of: bm25s" in done.stderr
    done = subprocess.run(command[:2], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "FOLDER" in done.stderr
