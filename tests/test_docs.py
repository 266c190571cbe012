"""The documentation names what there is, and nothing in the tree is of one machine only."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from spinebot import safety, variables
from tests import pictures
from tests.conftest import ROOT
from tests.test_cli import COMMANDS
from tests.test_content import INTENTS

VARIABLE = re.compile(r"SPINEBOT_[A-Z]+(?:_[A-Z]+)*\b")
# Where variables are read; tests set them, and the documentation tells of them.
CODE = ("spinebot", "actions", "scripts", "tests/run.py", "Makefile", "Procfile", "endpoints.yml")
CODE += ("credentials.yml", "config.yml", "migrations", "bench")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked() -> list[Path]:
    """Return the files that are in the tree, or would be at the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


FILES = tracked() if (ROOT / ".git").exists() else []
PAGES = sorted(path for path in FILES if path.suffix == ".md" and "knowledge" not in path.parts)


# Commands and settings


GROUPS = {command[:-1] for command in COMMANDS}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in GROUPS], ids=" ".join)
def test_a_command_is_documented(command: tuple[str, ...]) -> None:
    assert f"`spinebot {' '.join(command)}`" in read("docs/commands.md")


def test_no_documented_command_is_made_up() -> None:
    rows = re.findall(r"^\| `spinebot ([a-z ]+)`", read("docs/commands.md"), re.MULTILINE)
    assert {tuple(row.split()) for row in rows} <= set(COMMANDS)


@pytest.mark.parametrize("verb", re.findall(r"^([a-z]+):.*##", read("Makefile"), re.MULTILINE))
def test_a_verb_of_make_is_documented(verb: str) -> None:
    assert re.search(rf"`make {verb}`", read("docs/commands.md"))


def used() -> set[str]:
    found: set[str] = set()
    for name in CODE:
        path = ROOT / name
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.suffix in {".py", ".sh", ".yml", ""} and file.is_file():
                found |= set(VARIABLE.findall(file.read_text(encoding="utf-8")))
    return found


def documented() -> set[str]:
    return set(re.findall(r"^\| `(SPINEBOT_\w+)`", read("docs/settings.md"), re.MULTILINE))


def test_every_setting_is_documented() -> None:
    assert used() - documented() == set()


def test_every_documented_setting_is_read() -> None:
    assert documented() - used() == set()


def test_the_table_of_settings_is_made_of_the_code() -> None:
    found = re.search(
        r"<!-- spinebot settings --markdown -->\n(.*?)\n<!-- end -->",
        read("docs/settings.md"),
        re.DOTALL,
    )
    assert found
    assert found[1] == variables.markdown()


def test_the_scan_finds_settings() -> None:
    assert {"SPINEBOT_WEB_PORT", "SPINEBOT_ENCODER_DIR", "SPINEBOT_FORBID_SKIPS"} <= used()


# What the bot knows


@pytest.mark.parametrize("intent", INTENTS)
def test_an_intent_is_documented(intent: str) -> None:
    assert f"`{intent}`" in read("docs/intents.md")


@pytest.mark.parametrize("rule", [rule.id for rule in safety.book().rules])
def test_a_red_flag_is_documented(rule: str) -> None:
    assert rule in read("docs/red-flags.md")


# Links


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the page's relative links: file and anchor."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not urlsplit(target).scheme:
            file, _, anchor = target.partition("#")
            yield file, anchor


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for file, anchor in links(page):
        target = (page.parent / file) if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


def test_there_are_pages_with_links() -> None:
    assert any(list(links(page)) for page in PAGES)


# Guides and pictures


def pressed(guide: Path) -> set[str]:
    """Return what a guide for users prints in bold: the words of the console."""
    return set(re.findall(r"\*\*([^*]+)\*\*", guide.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["staff", "trainer"])
def test_what_a_guide_says_to_press_is_on_a_page(name: str) -> None:
    templates = (ROOT / "spinebot/web/templates/console").glob("*.html")
    pages = "\n".join(path.read_text(encoding="utf-8") for path in templates)
    words = pressed(ROOT / f"docs/guides/{name}.md")
    assert len(words) > 10
    assert {each for each in words if each not in pages} == set()


def test_every_picture_is_shown_and_taken_by_a_test() -> None:
    shown = pictures.shown()
    assert {path.name for path in pictures.IMAGES.iterdir()} == shown
    system = (ROOT / "tests/system").glob("test_*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in system)
    assert [name for name in shown if f'"{name.rpartition("-")[0]}"' not in code] == []


# Nothing of one machine


def hosts() -> set[str]:
    """Return the hosts of this machine's package index, where the environment names them."""
    names = ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL")
    return {host for name in names if (host := urlsplit(os.environ.get(name, "")).hostname)}


def machine_words() -> re.Pattern[str]:
    folders = {str(ROOT), str(Path.home())} - {"/"}
    paths = [rf"(?<![\w.*)}}]){re.escape(folder)}(?=[/\s\"'`:]|$)" for folder in folders]
    index = [r"--(?:extra-)?index-url", r"https?://\S*/simple\b", r"files\.python" + "hosted"]
    return re.compile("|".join([*paths, *index, *map(re.escape, hosts())]), re.MULTILINE)


@pytest.mark.skipif(not FILES, reason="this copy is no git repository")
def test_no_file_names_this_machine_or_a_package_index() -> None:
    found = []
    for path in FILES:
        if path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {m[0]}" for m in machine_words().finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        f"{ROOT}/var",
        f'"{Path.home()}/x"',
        f"pip --index{'-'}url x",
        f"--extra-index{'-'}url x",
        f"https://mirror.example/root/{'simple'}",
    ],
)
def test_a_word_of_one_machine_is_caught(text: str) -> None:
    assert machine_words().search(text)


@pytest.mark.parametrize("text", [".venv/app/bin", "spinebot/web", "a simple way", "/tmp/x"])
def test_a_harmless_word_is_not(text: str) -> None:
    assert not machine_words().search(text)


def test_every_test_that_proves_a_control_is_there() -> None:
    named = set(
        re.findall(
            r"`(?:tests/[\w/]*)?(test_\w+)(?:\.py)?`",
            (ROOT / "docs/security.md").read_text("utf-8"),
        )
    )
    files = list((ROOT / "tests").rglob("test_*.py"))
    there = {file.stem for file in files} | {
        name for file in files for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    }
    assert len(named) > 20
    assert named <= there
