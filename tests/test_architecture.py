"""Who may import whom: the table of docs/architecture.md, held by reading the imports."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Our modules by room; a name stands for the module and all that lies under it.
ROOMS = {
    "actions": "actions",
    "bot": "spinebot.bot",
    "web": "spinebot.web",
    "cli": "spinebot.cli",
    "main": "spinebot.__main__",
    "running": "spinebot.running",
    "serving": "spinebot.serving",
    "asking": "spinebot.asking",
    "doctor": "spinebot.doctor",
    "language": "spinebot.language",
    "safety": "spinebot.safety",
    "logs": "spinebot.logs",
    "variables": "spinebot.variables",
    "settings": "spinebot.settings",
    "errors": "spinebot.errors",
    "files": "spinebot.files",
    "keys": "spinebot.keys",
    "db": "spinebot.db",
    "models": "spinebot.models",
    "clinic": "spinebot.clinic",
}
TERMINAL = {"cli", "main", "running", "serving", "asking", "doctor"}
EDGES = {"actions", "bot", "web"} | TERMINAL
GROUND = {"logs", "variables", "settings", "errors", "files", "keys", "db", "models", "clinic"}
# Rasa and what only its environment may load; rasa_sdk is the action server's.
RASA = {"rasa", "sanic", "tensorflow", "keras", "sklearn"}
# The package's name where it differs from what is imported.
PACKAGES = {"sklearn": "scikit-learn", "ruamel": "ruamel-yaml"}
# Only spinebot.bot loads them: the classifier is trained and asked in Rasa's process alone.
RASA_ONLY = {
    f"spinebot.language.{name}"
    for name in (
        *("intents", "intent_training", "landmarks", "thresholds", "detector", "spelling"),
    )
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path.read_text(encoding="utf-8")
    for folder in ("spinebot", "actions")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def imports(source: str, module: str = "", *, top_only: bool = False) -> Iterator[str]:
    """Yield the full names that a source imports, also inside functions."""
    tree = ast.parse(source)
    for node in ast.iter_child_nodes(tree) if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*module.split(".")[: -node.level], *filter(None, [base])])
            # `from spinebot import articles` names a module, `from spinebot.db import now` not.
            yield from (
                f"{base}.{alias.name}" if base in {"spinebot", "actions"} else base
                for alias in node.names
            )


def room(module: str) -> str | None:
    """Return the module's room; "subject" for what has none of its own; None for others' code."""
    for name, prefix in ROOMS.items():
        if module == prefix or module.startswith(f"{prefix}."):
            return name
    return "subject" if module.split(".")[0] == "spinebot" else None


def allowed(importer: str) -> set[str]:
    """Return the rooms that a room may import, its own aside."""
    below = {"language", "safety"} | GROUND
    return {
        "bot": {"language", "safety", "logs"},
        "actions": {"subject", *below},
        "web": {"subject", *below},
        **{name: {"subject", *below, *TERMINAL} for name in TERMINAL},
        "subject": below,
        "safety": {"language"},
        "language": set(),
        "errors": set(),
        "logs": set(),
        "files": set(),
        "variables": set(),
        "settings": {"errors", "logs", "variables"},
        "keys": {"settings"},
        "db": {"settings", "errors", "keys"},
        "models": {"db"},
        "clinic": {"settings", "errors", "files"},
    }[importer]


def violations(module: str, source: str) -> list[str]:
    """Return what a module imports although the table forbids it."""
    own = room(module) or ""
    found = []
    for name in imports(source, module):
        top, target = name.split(".")[0], room(name)
        if name == "spinebot":
            continue
        if target is not None and target != own and target not in allowed(own):
            found.append(f"{module} imports {name}")
        if top in RASA and own != "bot":
            found.append(f"{module} imports {name}")
        if top == "rasa_sdk" and own != "actions":
            found.append(f"{module} imports {name}")
    return found


@pytest.mark.parametrize("module", SOURCES)
def test_imports_go_down_only(module: str) -> None:
    assert violations(module, SOURCES[module]) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("spinebot.web.chat", "from actions.answers import ActionAnswerQuestion"),
        ("spinebot.web.chat", "from spinebot.bot.channel import MEMORY"),
        ("spinebot.web.chat", "from spinebot import cli"),
        ("spinebot.bot.gates", "from spinebot import conversations"),
        ("spinebot.bot.gates", "from spinebot.settings import settings"),
        ("spinebot.handoffs", "def f():\n    from spinebot.web import chat"),
        ("spinebot.handoffs", "import rasa_sdk"),
        ("spinebot.handoffs", "import rasa.core.agent"),
        ("spinebot.web.app", "from sanic import Sanic"),
        ("spinebot.language.redaction", "from spinebot.db import now"),
        ("spinebot.language.redaction", "from ..db import now"),
        ("spinebot.safety", "from spinebot import articles"),
        ("spinebot.db", "from spinebot.models import Article"),
        ("spinebot.clinic", "from spinebot.handoffs import create"),
        ("actions.answers", "from spinebot.web.buttons import seal"),
        ("spinebot.cli", "import tensorflow"),
    ],
)
def test_a_forbidden_import_is_caught(module: str, source: str) -> None:
    assert violations(module, source) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("spinebot.web.chat", "from spinebot import conversations"),
        ("spinebot.cli", "from spinebot import running"),
        ("actions.answers", "from rasa_sdk import Action"),
        ("spinebot.bot.gates", "from rasa.engine.graph import GraphComponent"),
        ("spinebot.handoffs", "from spinebot.intake import slots_of"),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_only_the_bot_loads_what_needs_rasas_environment() -> None:
    users = {
        module
        for module, source in SOURCES.items()
        if RASA_ONLY & set(imports(source, module)) and room(module) != "bot"
    } - RASA_ONLY
    assert users == set()


def locked(environment: str) -> set[str]:
    text = (ROOT / "requirements" / f"{environment}.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def third_party(module: str) -> set[str]:
    """Return the packages that a module needs to be imported at all."""
    names = {name.split(".")[0] for name in imports(SOURCES[module], module, top_only=True)}
    names -= set(sys.stdlib_module_names) | {"spinebot"}
    homes = metadata.packages_distributions()
    return {
        PACKAGES.get(name) or homes.get(name, [name])[0].lower().replace("_", "-") for name in names
    }


SHARED = [
    module for module in SOURCES if room(module) in {"language", "safety"}
]  # what Rasa loads beside spinebot.bot


@pytest.mark.parametrize("module", SHARED)
def test_shared_code_needs_only_what_rasas_environment_has(module: str) -> None:
    assert third_party(module) <= locked("rasa")


@pytest.mark.parametrize("module", [each for each in SHARED if each not in RASA_ONLY])
def test_shared_code_needs_only_what_the_app_environment_has(module: str) -> None:
    assert third_party(module) <= locked("app")


@pytest.mark.parametrize("module", [each for each in SHARED if each not in RASA_ONLY])
def test_shared_code_can_be_imported_here(module: str) -> None:
    importlib.import_module(module)


@pytest.mark.parametrize("module", [m for m in SOURCES if room(m) in {"bot", "language", "safety"}])
def test_what_rasa_loads_keeps_to_the_syntax_of_python_3_10(module: str) -> None:
    ast.parse(SOURCES[module], feature_version=(3, 10))


def test_no_action_class_stands_outside_actions() -> None:
    # rasa_sdk registers every subclass of Action that it finds in the process.
    outside = [m for m, source in SOURCES.items() if "(Action" in source and room(m) != "actions"]
    assert [m for m in outside if re.search(r"^class \w+\(Action\b", SOURCES[m], re.M)] == []


def test_the_whole_app_side_never_imports_rasa_or_tensorflow() -> None:
    # `python -m spinebot` would run the command line.
    left_out = RASA_ONLY | {"spinebot.__main__"}
    wanted = [m for m in SOURCES if room(m) != "bot" and m not in left_out]
    code = (
        f"import importlib, sys\nfor name in {wanted!r}: importlib.import_module(name)\n"
        "print(sorted({'rasa', 'tensorflow', 'keras', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_this_suite_has_not_imported_tensorflow() -> None:
    assert "tensorflow" not in sys.modules


def test_no_test_outside_tests_rasa_imports_rasa() -> None:
    found = [
        path.name
        for path in (ROOT / "tests").glob("*.py")
        if RASA & {name.split(".")[0] for name in imports(path.read_text(encoding="utf-8"))}
    ]
    assert found == []


LONGEST_FILE, LONGEST_FUNCTION = 400, 40  # lines


def too_long(source: str) -> list[str]:
    """Return the functions of a source that have too many lines, and the source if it has."""
    found = ["the file"] if source.count("\n") > LONGEST_FILE else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found += [f"{node.name}: {lines} lines"] * (lines > LONGEST_FUNCTION)
    return found


@pytest.mark.parametrize("folder", ["spinebot", "actions", "bench", "scripts"])
def test_functions_and_files_stay_short(folder: str) -> None:
    found = {
        path.name: too_long(path.read_text(encoding="utf-8"))
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_a_long_function_is_seen() -> None:
    assert too_long("def f():\n" + "    pass\n" * 40) == ["f: 41 lines"]
    assert too_long("def f():\n" + "    pass\n" * 39) == []
    assert too_long("x = 1\n" * 401) == ["the file"]
