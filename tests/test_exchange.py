"""Examples out of and into the project, previewed first, and nothing overwritten unasked."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as rounds
from hypothesis import strategies as st
from starlette.testclient import TestClient

from spinebot.models import Role
from spinebot.training import changes, checks, examples, exchange
from spinebot.training.exchange import ExchangeError
from tests.console import csrf, new_account, send, sign_in
from tests.test_cli import Done, spinebot

__all__ = ["spinebot"]
WHO = "ann@clinic.example"
CSV = """intent,text
ask_heat_or_ice,a parrot upon ice
ask_heat_or_ice,heat or ice
ask_sleep_position,Heat or ICE?
ask_parrots,are parrots ok
ask_heat_or_ice,call 202 555 0143
ask_sleep_position,a parrot upon ice
"""
YAML_FILE = """version: "3.1"
nlu:
- intent: ask_heat_or_ice
  examples: |
    - a parrot upon ice
- lookup: something
  examples: |
    - else
"""


def data(project: Path) -> str:
    return (project / examples.TRAINING).read_text(encoding="utf-8")


def test_a_preview_tells_new_known_moved_and_left_out(project: Path) -> None:
    found = exchange.preview(exchange.read("a.csv", CSV))
    assert found.new == {"ask_heat_or_ice": ["a parrot upon ice"]}
    assert found.known == 1
    assert found.moved == [("heat or ice", "ask_heat_or_ice", "ask_sleep_position")]
    assert found.unknown == {"ask_parrots": 1}
    assert len(found.refused) == 2
    assert "personal data" in found.refused[0]
    assert "in ask_heat_or_ice and in ask_sleep_position" in found.refused[1]
    assert changes.history() == []


def test_nothing_is_overwritten_unasked(project: Path) -> None:
    before = data(project)
    exchange.apply(exchange.read("a.csv", CSV), WHO, overwrite=False)
    known = {(e.text, e.intent) for e in examples.parse(data(project))}
    assert ("a parrot upon ice", "ask_heat_or_ice") in known
    assert ("heat or ice", "ask_heat_or_ice") in known
    changes.undo(1, WHO)
    assert data(project) == before


def test_asked_to_it_moves_examples(project: Path) -> None:
    exchange.apply(exchange.read("a.csv", CSV), WHO, overwrite=True)
    known = {(e.text, e.intent) for e in examples.parse(data(project))}
    assert ("heat or ice", "ask_sleep_position") in known
    assert ("heat or ice", "ask_heat_or_ice") not in known
    assert checks.faults() == []


def test_no_intent_is_emptied(project: Path) -> None:
    own = [e for e in examples.parse(data(project)) if e.intent == "ask_heat_or_ice"]
    pairs = [("ask_sleep_position", each.text) for each in own]
    with pytest.raises(ExchangeError, match="would keep no example"):
        exchange.apply(pairs, WHO, overwrite=True)
    assert changes.history() == []


def test_rasas_yaml_is_read(project: Path) -> None:
    pairs = exchange.read("a.yml", YAML_FILE)
    assert pairs == [("ask_heat_or_ice", "a parrot upon ice")]


@pytest.mark.parametrize("kind", exchange.KINDS)
def test_what_was_exported_is_all_known(project: Path, kind: str) -> None:
    pairs = exchange.read(f"a.{kind}", exchange.export(kind))
    assert pairs == [(e.intent, e.text) for e in examples.parse(data(project))]
    found = exchange.preview(pairs)
    assert (found.count, found.moved, found.refused) == (0, [], [])


def test_no_cell_is_a_formula(project: Path) -> None:
    examples.add("ask_heat_or_ice", ["=parrot(1) or ice", "+ice -heat parrot"], WHO)
    text = exchange.export("csv")
    assert "ask_heat_or_ice,'=parrot(1) or ice\n" in text
    assert ("ask_heat_or_ice", "=parrot(1) or ice") in exchange.read("a.csv", text)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", "x", r"ends with \.csv"),
        ("a.csv", "", "first line names"),
        ("a.csv", "a,b\n1,2\n", "first line names"),
        ("a.csv", "intent,text\nask_x\n", "a.csv:2: a cell is missing"),
        ("a.yml", "nlu: [", "a.yml: while parsing"),
        ("a.yml", "nlu: " + "[" * 1500, "a.yml: maximum depth"),
        ("a.yml", "hello", "no training data of Rasa's"),
        ("a.yml", "nlu:\n- intent: x\n  examples: |\n    what\n", "begins with '- '"),
        ("a.yml", "x" * (exchange.LARGEST + 1), "cut it up"),
    ],
)
def test_a_file_that_is_none_is_explained(name: str, content: str, says: str) -> None:
    with pytest.raises(ExchangeError, match=says):
        exchange.read(name, content)


@rounds(max_examples=150, deadline=None)
@given(content=st.text(max_size=300), kind=st.sampled_from(["csv", "yml"]))
def test_whatever_is_sent_it_is_read_or_explained(content: str, kind: str) -> None:
    for text in (
        content,
        f"intent,text\n{content}",
        f"nlu:\n- intent: x\n  examples: |\n{content}",
    ):
        try:
            pairs = exchange.read(f"a.{kind}", text)
        except ExchangeError:
            continue
        assert all("\n" not in text for _, text in pairs)


def test_the_command_asks_first(
    spinebot: Callable[..., Done], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(CSV)
    before = data(project)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    asked = spinebot("data", "import", str(file))
    assert "1 new examples of 1 intents" in asked.out
    assert data(project) == before
    assert spinebot("data", "import", str(file), "--yes").code == 0
    assert "a parrot upon ice" in data(project)
    out = tmp_path / "out.csv"
    assert spinebot("data", "export", str(out)).code == 0
    assert "ask_heat_or_ice,a parrot upon ice\n" in out.read_text()


def test_the_page_shows_and_adds(client: TestClient, project: Path) -> None:
    sign_in(client, new_account(Role.TRAINER, "Tia Sample"))
    shown = client.post(
        "/console/intents/import",
        data={"csrf": csrf(client)},
        files={"file": ("a.csv", CSV.encode(), "text/csv")},
    )
    assert shown.status_code == 200, shown.text
    assert "a parrot upon ice" in shown.text
    assert "the file says ask_sleep_position" in shown.text
    assert changes.history() == []
    done = send(client, "intents/import/apply", name="a.csv", content=CSV, overwrite="1")
    assert "1+examples+are+added%2C+1+moved" in done.headers["location"]
    exported = client.get("/console/intents/export/csv")
    assert "a parrot upon ice" in exported.text
    assert "attachment" in exported.headers["content-disposition"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"intent\n", b"x" * 500_000])
def test_a_broken_upload_is_explained(client: TestClient, project: Path, content: bytes) -> None:
    sign_in(client, new_account(Role.TRAINER, "Tia Sample"))
    answer = client.post(
        "/console/intents/import",
        data={"csrf": csrf(client)},
        files={"file": ("a.csv", content, "text/csv")},
    )
    assert answer.status_code == 200
    assert 'class="done"' in answer.text


def test_a_checkout_has_one_commit_for_an_import(project: Path) -> None:
    git = ["git", "-C", str(project), "-c", "user.name=x", "-c", "user.email=x@y"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *arguments], check=True)
    exchange.apply(exchange.read("a.csv", CSV), WHO, overwrite=True)
    log = subprocess.run([*git, "log", "--format=%s"], capture_output=True, text=True, check=True)
    assert log.stdout.splitlines() == ["Import examples", "Begin"]
