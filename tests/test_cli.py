"""The command line: help, exit codes, and messages that a person can act on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer

from spinebot import cli
from spinebot import clinic as entries
from spinebot.db import engine
from tests.conftest import ROOT, WORDS, forget_settings

Write = Callable[..., Path]


def commands(group: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command and every group, by its words."""
    for name, command in group.commands.items():
        yield (*way, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*way, name))


COMMANDS = list(commands(typer.main.get_command(cli.app)))


class Done:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def spinebot(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """A function that runs a command as the shell would."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["spinebot", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Done(int(ended.value.code or 0), captured.out, captured.err)

    return run


def test_there_are_commands() -> None:
    assert ("ask",) in COMMANDS
    assert ("articles", "check") in COMMANDS


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_has_help(command: tuple[str, ...]) -> None:
    found = typer.main.get_command(cli.app)
    for word in command:
        found = found.commands[word]  # type: ignore[attr-defined]
    assert found.help
    assert found.help.strip().endswith(".")


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != ("rasa",)], ids=" ".join)
def test_help_can_be_asked_for(spinebot: Callable[..., Done], command: tuple[str, ...]) -> None:
    done = spinebot(*command, "--help")
    assert done.code == 0
    assert "Usage:" in done.out
    assert " ".join(command) in " ".join(done.out.split())


def test_an_unknown_command_is_refused(spinebot: Callable[..., Done]) -> None:
    assert spinebot("fly").code == 2


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spinebot", "clinic", "check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "clinic.yml speaks for" in done.stdout


# Articles


def test_the_projects_articles_are_in_order(spinebot: Callable[..., Done]) -> None:
    done = spinebot("articles", "check", "--knowledge", str(ROOT / "knowledge"))
    assert done.code == 0
    assert "articles checked, 0 sections too hard to read" in done.out


def test_a_hard_section_fails_the_check_and_shows_its_sentences(
    spinebot: Callable[..., Done], write_article: Write
) -> None:
    hard = "Multidisciplinary rehabilitation necessitates individualized considerations."
    folder = write_article(("{#first}\n\n" + WORDS, "{#first}\n\n" + " ".join([hard] * 12)))
    done = spinebot("articles", "check", "--knowledge", str(folder))
    assert done.code == 1
    assert "samples/sample.md: first: grade" in done.out
    assert f"    hard: {hard}" in done.out
    assert "1 articles checked, 1 sections too hard to read" in done.out


@pytest.mark.parametrize("command", ["check", "load"])
def test_every_fault_is_printed_and_nothing_else_done(
    spinebot: Callable[..., Done], write_article: Write, data_dir: Path, command: str
) -> None:
    folder = write_article(("An opening.", ""), ("{#third}", "{#fourth}"))
    done = spinebot("articles", command, "--knowledge", str(folder))
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("Articles not loaded, 3 faults:\n")
    assert len(done.err.splitlines()) == 4
    assert not (data_dir / "spinebot.db").exists()


@pytest.mark.parametrize("command", ["check", "load"])
def test_a_folder_that_is_not_there_is_named(
    spinebot: Callable[..., Done], data_dir: Path, command: str
) -> None:
    done = spinebot("articles", command, "--knowledge", str(data_dir / "nowhere"))
    assert done.code == 1
    assert "nowhere: there is no article here" in done.err


def test_articles_are_loaded_into_a_database_that_is_made(
    spinebot: Callable[..., Done], write_article: Write, data_dir: Path
) -> None:
    folder = write_article()
    first = spinebot("articles", "load", "--knowledge", str(folder))
    second = spinebot("articles", "load", "--knowledge", str(folder))
    assert (first.code, second.code) == (0, 0)
    assert first.out == "1 articles, 3 sections; 3 new wordings, 0 retired\n"
    assert second.out == "1 articles, 3 sections; 0 new wordings, 0 retired\n"


# The rest


def test_the_database_is_brought_up_to_date(spinebot: Callable[..., Done], data_dir: Path) -> None:
    assert spinebot("database", "upgrade").code == 0
    assert {"article", "handoff", "message"} <= set(sa.inspect(engine()).get_table_names())


def test_the_clinic_is_named_and_the_sample_told(spinebot: Callable[..., Done]) -> None:
    done = spinebot("clinic", "check")
    assert done.code == 0
    assert done.out.startswith("clinic.yml speaks for ")
    assert ("(the sample:" in done.out) is entries.clinic().is_sample


def test_a_faulty_clinic_is_explained(
    spinebot: Callable[..., Done], tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "clinic.yml"
    file.write_text("name: x\nregion: us\n", encoding="utf-8")
    monkeypatch.setenv("SPINEBOT_CLINIC_FILE", str(file))
    forget_settings()
    done = spinebot("clinic", "check")
    assert done.code == 1
    assert "clinic.yml: region: " in done.err
    assert "clinic.yml: phone: Field required" in done.err
    assert "Traceback" not in done.err


def test_colours_that_cannot_be_read_are_named(
    spinebot: Callable[..., Done],
    tmp_path: Path,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "own.yml"
    text = entries.FILE.read_text(encoding="utf-8")
    file.write_text(text.replace('on_primary: "#ffffff"', 'on_primary: "#6f8f9c"'))
    monkeypatch.setenv("SPINEBOT_CLINIC_FILE", str(file))
    forget_settings()
    done = spinebot("clinic", "check")
    assert done.code == 1
    assert "own.yml: colors: on_primary on primary has a contrast of" in done.err


def test_asking_without_an_assistant_says_how_to_start_it(
    spinebot: Callable[..., Done], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINEBOT_WEB_PORT", "1")
    done = spinebot("ask", "hello")
    assert done.code == 1
    assert done.err == "The assistant does not run: start it with `make run`.\n"


def test_a_bad_setting_is_one_clear_message(
    spinebot: Callable[..., Done], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINEBOT_WEB_PORT", "many")
    done = spinebot("ask", "hello")
    assert done.code == 1
    assert done.err == "SPINEBOT_WEB_PORT is 'many': it must be a port, 1 to 65535\n"


def test_an_intent_is_added_listed_and_undone(
    spinebot: Callable[..., Done], project: Path, tmp_path: Path
) -> None:
    from dataclasses import asdict

    from ruamel.yaml import YAML

    from tests.test_intents import DRAFT

    file = tmp_path / "draft.yml"
    with file.open("w") as stream:
        YAML().dump(asdict(DRAFT), stream)
    added = spinebot("intents", "add", str(file), "--yes", "--who", "ann@clinic.example")
    assert added.code == 0
    assert "+  - ask_horse_riding: {use_entities: []}" in added.out
    listed = spinebot("intents", "list").out
    assert "ask_horse_riding: 10 examples, 3 test sentences" in listed
    assert "ann@clinic.example: Add the intent ask_horse_riding" in spinebot("changes", "list").out
    assert "Taken back" in spinebot("changes", "undo", "1").out
    again = spinebot("changes", "undo", "1")
    assert (again.code, again.err) == (1, "It is taken back already.\n")
    assert "ask_horse_riding" not in (project / "domain.yml").read_text()
