"""Every command that a document tells to type is run, as it stands there, in a copy of the project.

What is not run here stands under `ELSEWHERE`, with what runs it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.system.assistant import checkout, free_port, wait_until

DOCUMENTS = [ROOT / "README.md", ROOT / "bench/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TYPED = re.compile(r"(?:[A-Z_]+=\S+ )*(?:make|spinebot|git|cp|systemctl|deploy/|\.venv/)")
ELSEWHERE = {
    r"make (setup|check|test)": ".ci/run",
    r"make quick": "a part of make test",
    r"make run": "SPINEBOT_WEB_PORT=8100 spinebot run, after a make setup",
    r"make bench|.* -m bench.*": "by hand: it takes minutes of a quiet machine",
    r"deploy/machine\.sh .*": "by hand, in a bare Debian that is booted in a container",
    r"spinebot encoder build": "make setup",
    r"spinebot train": "tests/system/conftest.py, and test_workbench.py in the console",
    r"spinebot rasa data validate": "tests/system/test_rasa_project.py",
}
# In an order in which each finds what it needs. Behind it what it must say, and its exit code.
Step = tuple[str, str, int]
STEPS: tuple[Step, ...] = (
    ("spinebot settings", "SPINEBOT_WEB_PORT", 0),
    ("spinebot database upgrade", "newest revision", 0),
    ("spinebot articles check", "25 articles checked", 0),
    ("spinebot articles load", "25", 0),
    ("spinebot articles load --knowledge knowledge", "25", 0),
    ("spinebot clinic check", "sample", 0),
    ('spinebot red-flags check "I can\'t pee"', "RF01", 0),
    ("spinebot demo --conversations 400", "400 sample conversations", 0),
    ('spinebot accounts invite ann@clinic.example "Ann Sample"', "/console/welcome/", 0),
    # Written down twice: an account is made once.
    ('spinebot accounts invite ann@clinic.example "Ann Sample" --role admin', "already", 1),
    ("spinebot intents list", "ask_heat_or_ice", 0),
    (
        'spinebot data add ask_heat_or_ice "warm or cold on a cramp?" --who ann@clinic.example',
        "warm or cold on a cramp?",
        0,
    ),
    ('spinebot data remove ask_heat_or_ice "warm or cold on a cramp?"', "It is out.", 0),
    ("spinebot data export examples.csv", "is written", 0),
    ("spinebot data import examples.csv", "There is nothing to add", 0),
    ("spinebot intents add draft.yml --who ann@clinic.example", "ask_horse_riding is added", 0),
    ("spinebot changes list", "Add the intent ask_horse_riding", 0),
    ("spinebot changes undo 12", "Taken back: Add the intent", 0),
    ("spinebot data check", "0 faults", 0),
    # The live model: whoever goes back to it must find it measured.
    ("spinebot models evaluate", "in_scope", 0),
    ("spinebot train --keep", "may go live", 0),
    ("spinebot models list", "* ", 0),
    ("spinebot models notes 20261130-090921-f38909f6ea0d", "# ", 0),
    (
        "spinebot models replay 20261130-090921-f38909f6ea0d --last 200",
        "understood differently",
        0,
    ),
    (
        'spinebot models promote 20261125-213813-e3ffa82bbe9c.tar.gz --why "more neck questions"',
        "is live",
        0,
    ),
    ("spinebot models rollback", "is live", 0),
    ("spinebot privacy export ann@example.com > ann.json", "", 0),
    ('spinebot privacy erase "+1 202 555 0143"', "are deleted", 0),
    ("spinebot privacy clean", "", 0),
    (".venv/app/bin/spinebot keys add", "Restart the bot", 0),
    (".venv/app/bin/spinebot keys reseal", "sealed anew", 0),
    (".venv/app/bin/spinebot keys drop", "the new key alone", 0),
    ("spinebot audit verify", "in order", 0),
    (".venv/app/bin/spinebot backup /backups/spinebot.tar.gz", "rows of", 0),
    (".venv/app/bin/spinebot restore /backups/spinebot.tar.gz", "Restored", 0),
    ("spinebot backup /backups/2026-11-30.tar.gz", "rows of", 0),
    ("spinebot restore /backups/2026-11-30.tar.gz --check", "In order", 0),
)
# While the whole bot runs.
WHOLE = "SPINEBOT_WEB_PORT=8100 spinebot run"
BESIDE: tuple[Step, ...] = (
    ('spinebot ask "is heat or ice better?"', "Warmth has more proof", 0),
    ("spinebot doctor", "0 bad", 0),
)
# One process alone, and where it answers.
ALONE = {
    "SPINEBOT_WEB_HOST=0.0.0.0 spinebot serve": ("WEB", "/healthz"),
    "spinebot serve-rasa": ("RASA", "/"),
}


def documented() -> set[str]:
    """Return what documents tell to type: blocks of a shell, and examples of the command line."""
    found: set[str] = set()
    for page in DOCUMENTS:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
        blocks += re.findall(r"^    (?=make|spinebot|\.venv)(.+)$", text, re.MULTILINE)
        if page.name == "commands.md":
            blocks += re.findall(r"^\| `spinebot .*\| `([^`]+)` \|$", text, re.MULTILINE)
        for line in "\n".join(blocks).splitlines():
            command = re.sub(r"\s+#.*", "", line).strip()
            if command and not command.startswith("#"):
                found.add(command)
    return found


def plain(command: str) -> str:
    return command.removeprefix(".venv/app/bin/")


RUN = {plain(command) for command, _, _ in (*STEPS, *BESIDE)} | {WHOLE, *ALONE}


def test_every_command_is_run_here_or_elsewhere() -> None:
    commands = documented()
    assert len(commands) > 50
    assert {each for each in commands if not TYPED.match(each)} == set()
    left = {
        each
        for each in commands
        if plain(each) not in RUN and not any(re.fullmatch(way, each) for way in ELSEWHERE)
    }
    assert left == set()
    assert {each for each in RUN if each not in set(map(plain, commands))} == set()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with a draft of an intent as the documents have it."""
    found = checkout(tmp_path_factory.mktemp("documents") / "project")
    training = (ROOT / "docs/training.md").read_text(encoding="utf-8")
    draft = re.search(r"```yaml\n(name: .*?)```", training, re.DOTALL)
    assert draft
    examples = [
        *("is horse riding ok with a slipped disc", "when may i get back on my horse"),
        *("horseback riding and herniated discs", "is it safe to gallop with back pain"),
        *("does trotting harm the discs", "my back hurts after riding my horse, may i go on"),
        *("equestrian sports with sciatica", "how long no riding after a disc problem"),
        *("should i give up riding because of my spine", "is a western saddle better for a disc"),
    ]
    tests = ["pony trekking while i have a bulging disc", "will my horse make my disc worse"]
    text = draft[1]
    for sentences in (examples, tests):
        text = text.replace("...]", f"{', '.join(map(repr, sentences))}]", 1)
    (found / "draft.yml").write_text(text, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def environment(
    project: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("documented")
    models = folder / "data/models"
    models.mkdir(parents=True)
    for file in model.parent.glob(f"{model.name.removesuffix('.tar.gz')}.*"):
        (models / file.name).write_bytes(file.read_bytes())
    (models / "live").write_text(model.name, encoding="utf-8")
    ports = {f"SPINEBOT_{name}_PORT": str(free_port()) for name in ("WEB", "RASA", "ACTIONS")}
    # As in a shell of somebody's: without the settings of the tests.
    own = {name: value for name, value in os.environ.items() if not name.startswith("SPINEBOT_")}
    return {
        **own,
        **ports,
        "SPINEBOT_DATA_DIR": str(folder / "data"),
        "PATH": f"{project}/.venv/app/bin:{os.environ['PATH']}",
        # The environments' own project is another checkout.
        "PYTHONPATH": str(project),
        "BACKUPS": str(folder / "backups"),
    }


def shell(command: str, project: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command as somebody would who reads it; names and places are those of here."""
    folder = Path(environment["BACKUPS"])
    folder.mkdir(exist_ok=True)
    command = command.replace("/backups/", f"{folder}/")
    if "restore" in command and "--check" not in command:
        # Into an empty database, as the document says.
        environment = {**environment, "SPINEBOT_DATABASE_URL": f"sqlite:///{folder}/empty.db"}
    models = Path(environment["SPINEBOT_DATA_DIR"]) / "models"
    newest = max(path.name for path in models.glob("*.tar.gz")).removesuffix(".tar.gz")
    command = re.sub(r"\d{8}-\d{6}-[0-9a-f]{12}", newest, command)
    if "changes undo" in command:
        _, listed = shell("spinebot changes list", project, environment)
        command = f"spinebot changes undo {listed.split()[0]}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env=environment,
        input="y\n" * 5,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_each_says_what_the_documents_say(project: Path, environment: dict[str, str]) -> None:
    visitors = (
        "from spinebot import handoffs\n"
        "from spinebot.db import writing\n"
        "for contact in ('ann@example.com', '+12025550143'):\n"
        "    with writing() as session:\n"
        "        found = {'name': 'Ann Sample', 'contact': contact, 'handoff_key': contact}\n"
        "        found |= {'handoff_reason': 'callback', 'best_time': 'mornings'}\n"
        "        found |= {'consent': 'yes', 'confirmed': 'yes'}\n"
        "        handoffs.create(session, 'visitor', found, 'I agree.')\n"
    )
    for command, words, code in STEPS:
        if command.startswith("spinebot privacy export"):
            subprocess.run(
                [".venv/app/bin/python", "-c", visitors], cwd=project, env=environment, check=True
            )
        found, said = shell(command, project, environment)
        assert (found, words in said) == (code, True), f"{command}: {found}\n{said[-3000:]}"
    assert "Ann Sample" in (project / "ann.json").read_text(encoding="utf-8")


@contextmanager
def served(
    command: str, project: Path, environment: dict[str, str], port: str, path: str
) -> Iterator[None]:
    """Start what serves, wait for its answer, and end it as Ctrl-C does."""
    address = f"http://127.0.0.1:{environment[f'SPINEBOT_{port}_PORT']}{path}"

    def answers() -> bool:
        try:
            return httpx.get(address, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=project,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            wait_until(answers)
            yield
            process.send_signal(signal.SIGINT)
            assert process.wait(60) in {0, -signal.SIGINT, 130}
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def test_the_bot_runs_and_answers(project: Path, environment: dict[str, str]) -> None:
    command = WHOLE.removeprefix("SPINEBOT_WEB_PORT=8100 ")
    with served(command, project, environment, "WEB", "/readyz"):
        for beside, words, code in BESIDE:
            found, said = shell(beside, project, environment)
            assert (found, words in said) == (code, True), f"{beside}: {found}\n{said[-3000:]}"


@pytest.mark.parametrize("command", ALONE)
def test_a_process_runs_alone(command: str, project: Path, environment: dict[str, str]) -> None:
    with served(f"env {command}", project, environment, *ALONE[command]):
        """It has answered."""
