"""``make weaknesses``: the known weaknesses of the locked packages, as a table.

Reads advisories in the OSV format (https://ossf.github.io/osv-schema/) from a checkout of the
Python Packaging Advisory Database, or of any other folder of such files. Exit code 1 if there are
weaknesses that ``docs/security.md`` does not speak of.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("app", "rasa", "tools")
SPOKEN_OF = ROOT / "docs/security.md"


@dataclass(frozen=True)
class Weakness:
    """One advisory about one locked package."""

    package: str
    version: str
    environments: tuple[str, ...]
    name: str  # the CVE, where there is one
    fixed: str  # the first release without it, "" where there is none
    says: str


def locked() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return (package, version) -> the environments that have it."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in LOCKS:
        text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
        for package, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE):
            found[canonicalize_name(package), version].append(name)
    return {pin: tuple(names) for pin, names in found.items()}


def weaknesses(folder: Path, pins: Mapping[tuple[str, str], tuple[str, ...]]) -> Iterator[Weakness]:
    """Yield what the advisories of a folder say about the pinned packages, each once."""
    versions: dict[str, list[str]] = defaultdict(list)
    for package, version in pins:
        versions[package].append(version)
    seen: set[tuple[str, str, str]] = set()
    files = (file for kind in ("yaml", "json") for file in folder.rglob(f"*.{kind}"))
    for file in sorted(files):
        # The database has a folder for each package: most need not be read.
        if (
            file.parent.parent.name == "vulns"
            and canonicalize_name(file.parent.name) not in versions
        ):
            continue
        advisory = YAML(typ="safe", pure=True).load(file)
        if not isinstance(advisory, dict) or advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = canonicalize_name(affected.get("package", {}).get("name", ""))
            for version in versions.get(package, ()):
                is_hit, fixed = _judge(affected, version)
                name = _name(advisory)
                if is_hit and (package, version, name) not in seen:
                    seen.add((package, version, name))
                    says = str(advisory.get("summary") or advisory.get("details") or "")
                    yield Weakness(
                        package, version, pins[package, version], name, fixed, _sentence(says)
                    )


def _judge(affected: Mapping[str, Any], version: str) -> tuple[bool, str]:
    own = Version(version)
    is_hit = version in [str(each) for each in affected.get("versions", ())]
    fixes: list[Version] = []
    for each in affected.get("ranges", ()):
        if each.get("type") not in {"ECOSYSTEM", "SEMVER"}:
            continue
        is_in = False
        for event in each.get("events", ()):
            [(kind, text)] = event.items()
            try:
                edge = Version(str(text))
            except InvalidVersion:
                continue
            if kind == "introduced" and edge <= own:
                is_in = True
            elif kind == "fixed":
                is_in = is_in and own < edge
                fixes += [edge] if edge > own else []
            elif kind == "last_affected":
                is_in = is_in and own <= edge
        is_hit = is_hit or is_in
    return is_hit, str(min(fixes)) if fixes else ""


def _name(advisory: Mapping[str, Any]) -> str:
    names = [str(each) for each in advisory.get("aliases", ())]
    return next((name for name in names if name.startswith("CVE-")), str(advisory["id"]))


def _sentence(text: str) -> str:
    plain = " ".join(text.split()).replace("|", "\\|")
    first = re.split(r"(?<=[.!?]) (?=[A-Z])", plain)[0]
    return first if len(first) <= 160 else f"{first[:157]}..."


def main() -> int:
    """Print the table of a folder of advisories."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print("usage: scripts/weaknesses.py FOLDER, a checkout of the advisories", file=sys.stderr)
        return 2
    found = sorted(
        weaknesses(Path(sys.argv[1]), locked()), key=lambda each: (each.package, each.name)
    )
    print("| package | in | weakness | gone with | what it is |\n| --- | --- | --- | --- | --- |")
    for each in found:
        environments = ", ".join(each.environments)
        fixed = each.fixed or "no release"
        cells = (f"{each.package} {each.version}", environments, each.name, fixed, each.says)
        print(f"| {' | '.join(cells)} |")
    text = SPOKEN_OF.read_text(encoding="utf-8")
    silent = sorted({each.package for each in found if f"`{each.package}`" not in text})
    print(f"\n{len(found)} known weaknesses of {len({each.package for each in found})} packages.")
    if silent:
        print(f"docs/security.md says nothing of: {', '.join(silent)}", file=sys.stderr)
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
