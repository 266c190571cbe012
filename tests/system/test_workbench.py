"""The trainer's whole way, in a browser and in a copy of the project, with the time it took.

As docs/guides/trainer.md tells it, whose pictures are taken here: a visitor asks what nobody
answers; a trainer makes an intent of it, trains, replays, puts the model live, sees it answered in
the widget, and goes back.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.system.assistant import Assistant, checkout, new_assistant, wait_until
from tests.system.browsing import open_chat, picture, say, visit

pytestmark = pytest.mark.browser

PASSWORD = "a good long password"
ASKED = "would sitting on a horse for hours wreck my herniated disc"
AGAIN = "so is horseback riding a bad idea with my disc"
EXAMPLES = """can i ride a horse with a bad back
is horse riding ok with a slipped disc
when may i get back on my horse
horseback riding and herniated discs
is it safe to gallop with back pain
should i give up riding because of my spine
does trotting harm the discs
my back hurts after riding my horse, may i go on
equestrian sports with sciatica
how long no riding after a disc problem
is a western saddle better for a bad disc"""
TESTS = """am i allowed in the saddle with this back
pony trekking while i have a bulging disc
will my horse make my disc worse"""
PATIENCE = 600_000  # milliseconds, for a training on a busy machine


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("checkout") / "project")


@pytest.fixture(scope="module")
def assistant(
    project: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Assistant]:
    found = new_assistant(tmp_path_factory.mktemp("workbench") / "data", model, project)
    # What is served is the pointer's, as outside of tests.
    del found.environment["SPINEBOT_MODEL"]
    found.python(
        "from spinebot import accounts; from spinebot.db import writing\n"
        "from spinebot.models import Role\n"
        "with writing() as s:\n"
        "    a, _ = accounts.invite(s, 'tia@clinic.example', 'Tia Sample', Role.TRAINER)\n"
        f"    accounts.set_password(s, a, {PASSWORD!r})\n"
    )
    for ending in (".evaluation.json", ".release.json"):
        measured = model.with_name(model.name.removesuffix(".tar.gz") + ending)
        if not measured.is_file():
            # The first model of a clinic is measured before it goes live: so is this one.
            code = "from spinebot.training import evaluation, models\n"
            found.python(f"{code}evaluation.evaluate(models.live_model())")
            break
        shutil.copy(measured, found.data_dir / "models")
    found.start("actions", "rasa", "web")
    try:
        found.wait_until_ready()
        yield found
    finally:
        found.stop()


def ask(browser: Browser, assistant: Assistant, text: str, name: str) -> tuple[str, str]:
    """Ask in the widget; return what was understood, and what the panel says."""
    [before] = assistant.rows("SELECT MAX(id) AS id FROM conversation")
    with visit(browser, assistant.web_url, 1280, 900) as page:
        open_chat(page)
        say(page, text)
        query = (
            "SELECT intent FROM message WHERE text = ? AND answered_at IS NOT NULL "
            "AND conversation_id > ?"
        )
        [row] = wait_until(lambda: assistant.rows(query, text, before["id"]))
        log = page.get_by_role("log")
        expect(log.get_by_role("button").or_(log.get_by_role("link")).first).to_be_visible()
        picture(page, name)
        return str(row["intent"]), log.inner_text()


def served(assistant: Assistant) -> str:
    """Return the model that answers visitors now."""
    file = assistant.data_dir / "models/serving.json"
    return str(json.loads(file.read_text(encoding="utf-8"))["model"])


def check_the_projects_own_tests(project: Path) -> None:
    """What the form has written is complete: the project's own tests of its content hold."""
    done = subprocess.run(
        [
            *(".venv/app/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--quick"),
            *("tests/test_content.py", "tests/test_docs.py"),
        ],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_from_a_missed_message_to_a_better_model_and_back(
    browser: Browser, assistant: Assistant, project: Path, model: Path
) -> None:
    assistant.python(
        "from tests.console import leave_unanswered, talk\n"
        f"talk({ASKED!r}, intent='nlu_fallback')\n"
        "leave_unanswered()\n"
    )
    began = time.monotonic()
    times: list[str] = []

    def note(what: str) -> None:
        times.append(f"{what} after {time.monotonic() - began:.0f} s")

    with visit(browser, f"{assistant.web_url}/console/inbox", 1280, 900) as page:
        page.get_by_label("E-mail address").fill("tia@clinic.example")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        # The inbox has what nobody answered.
        item = page.locator("li[data-item]", has_text=ASKED)
        expect(item).to_contain_text("Nothing was understood")
        picture(page, "guide-inbox")
        item.get_by_text("Another intent, other words, or a new intent").click()
        item.get_by_role("link", name="Make a new intent of it").click()

        # The form checks as one types.
        page.get_by_label("As a visitor would ask it").fill("May I ride a horse?")
        page.get_by_label("What the visitor wants to know").fill(
            "whether one may ride a horse with a bad back"
        )
        page.get_by_label("Look for").fill("which exercises are good")
        section = page.locator("input[value='physical-therapy-exercise#which-exercises']")
        expect(section).to_be_visible()
        section.check()
        examples = page.get_by_label("What visitors say, one a line")
        examples.press_sequentially("heat or ice\n")
        expect(page.get_by_text("an example of ask_heat_or_ice already")).to_be_visible()
        examples.fill(f"{ASKED}\n{EXAMPLES}")
        page.get_by_label("Sentences that test it").fill(TESTS)
        expect(page.get_by_text("12 of 10.")).to_be_visible()
        page.get_by_role("button", name="Show what will change").click()
        expect(page.locator("pre.diff")).to_contain_text("+  - ask_may_ride_horse")
        picture(page, "guide-preview")
        page.get_by_role("button", name="Add the intent").click()
        expect(page.get_by_role("status")).to_contain_text("ask_may_ride_horse is added")
        note("the intent was added")
        log = subprocess.run(
            ["git", "-C", str(project), "log", "-1", "--format=%ae %s"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert log.stdout.strip() == "tia@clinic.example Add the intent ask_may_ride_horse"

        check_the_projects_own_tests(project)

        # Train, with the time left.
        page.goto(f"{assistant.web_url}/console/models")
        page.get_by_role("button", name="Train a model").click()
        expect(page.get_by_text(re.compile(r"Step \d of 6"))).to_be_visible(timeout=60_000)
        picture(page, "guide-training")
        expect(page.get_by_text("The last training", exact=True)).to_be_visible(timeout=PATIENCE)
        note("the model was trained and measured")
        page.get_by_role("link", name=re.compile(r"^\d{8}-\d{6}-")).first.click()
        expect(page.get_by_role("heading", name="Against the live model")).to_be_visible()
        expect(page.get_by_text("ask_may_ride_horse").first).to_be_attached()

        # Replay the real conversations: this message is understood now.
        page.get_by_role("button", name="Replay the last").click()
        expect(page.get_by_text("The last replay", exact=True)).to_be_visible(timeout=PATIENCE)
        page.get_by_role("link", name=re.compile(r"^\d{8}-\d{6}-")).first.click()
        replay = page.locator("#replay")
        expect(replay).to_contain_text(ASKED)
        expect(replay).to_contain_text("May I ride a horse?")
        replay.scroll_into_view_if_needed()
        picture(page, "guide-replay")
        note("conversations were replayed")

        page.get_by_label("Why").fill("riders ask")
        page.get_by_role("button", name="Put live").click()
        wait_until(lambda: served(assistant) != model.name, 120)
        expect(page.get_by_text("it answers", exact=True)).to_be_visible(timeout=PATIENCE)
        note("the model was live")
        intent, said = ask(browser, assistant, AGAIN, "guide-answered")
        assert intent == "ask_may_ride_horse"
        assert "Which exercises are good for back pain?" in said
        note("the widget answered")

        # And back.
        page.get_by_role("button", name=f"Back to {model.name}").click()
        # Not by the page alone: it may still show what the step before has said.
        wait_until(lambda: served(assistant) == model.name, 120)
        expect(page.get_by_text("it answers", exact=True)).to_be_visible(timeout=PATIENCE)
        note("the old model was live again")
    intent, _ = ask(browser, assistant, AGAIN, "workbench-back")
    assert intent != "ask_may_ride_horse"
    print("; ".join(times))
