"""A new intent goes into every file that an intent stands in, and changes nothing else there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from spinebot.articles import read_articles
from spinebot.training import changes, checks, examples, intents
from spinebot.training.intents import Draft, IntentError

WHO = "ann@clinic.example"
SILENT = "physical-therapy-exercise#which-exercises"
DRAFT = Draft(
    name="ask_horse_riding",
    wants="whether one may ride a horse with a bad back",
    title="May I ride a horse: when?",
    section=SILENT,
    examples=[
        f"{words} horse with a bad back"
        for words in (
            *("can i ride a", "is it ok to sit on a", "when may i get on my"),
            *("should i sell my", "how soon can i mount a", "is galloping on a"),
            *("trotting my", "does it harm to ride a", "tell me of riding a"),
            "what of a",
        )
    ],
    tests=[
        "back in the saddle, is it allowed",
        "equestrian with sciatica",
        "pony trekking and discs",
    ],
)


def texts(project: Path) -> dict[str, str]:
    return {
        str(path.relative_to(project)): path.read_text(encoding="utf-8")
        for path in sorted(project.rglob("*"))
        if path.is_file()
    }


def yaml(project: Path, name: str) -> Any:
    return YAML(typ="safe", pure=True).load((project / name).read_text(encoding="utf-8"))


def test_only_lines_are_added_and_the_data_stay_in_order(project: Path) -> None:
    before = texts(project)
    intents.add(DRAFT, WHO)
    [made] = changes.history()
    assert set(made.files) == {
        *(examples.TRAINING, examples.TESTS, intents.DOMAIN, intents.RULES),
        *("knowledge/care/physical-therapy-exercise.md", intents.STORIES, intents.BORDERS),
    }
    assert [line for sign, line in changes.shown(made) if sign == "-"] == []
    assert checks.faults(project) == []
    changes.undo(made.id, WHO)
    assert texts(project) == before


def test_it_stands_in_every_file(project: Path) -> None:
    intents.add(DRAFT, WHO)
    assert {"ask_horse_riding": {"use_entities": []}} in yaml(project, "domain.yml")["intents"]
    lists = [
        step["or"]
        for rule in yaml(project, "data/rules.yml")["rules"]
        for step in rule["steps"]
        if {"intent": "ask_exercises"} in step.get("or", [])
    ]
    assert len(lists) == 2, "outside of the form, and in the middle of it"
    assert all({"intent": DRAFT.name} in each for each in lists)
    taught = [e.text for e in examples.read(project / examples.TRAINING) if e.intent == DRAFT.name]
    assert taught == DRAFT.examples
    section = next(
        section
        for article in read_articles(project / "knowledge")
        for section in article.sections
        if section.front.slug == "which-exercises"
    )
    assert section.front.answers[DRAFT.name] == "May I ride a horse: when?"
    story = yaml(project, intents.STORIES)["stories"][-1]
    assert story["story"] == "May I ride a horse: when?"
    assert story["steps"][0]["intent"] == DRAFT.name
    assert "[back]" in story["steps"][0]["user"]
    borders = (project / intents.BORDERS).read_text(encoding="utf-8")
    assert "| `ask_horse_riding` | whether one may ride a horse with a bad back | |" in borders


def test_the_preview_is_the_diff_and_writes_nothing(project: Path) -> None:
    before = texts(project)
    diff = intents.preview(DRAFT)
    assert "+++ b/domain.yml" in diff
    assert "+  - ask_horse_riding: {use_entities: []}" in diff
    assert not [
        line for line in diff.splitlines() if line.startswith("-") and not line.startswith("---")
    ]
    assert texts(project) == before


def test_every_section_that_answers_nothing_may_be_given_a_question(project: Path) -> None:
    """Whatever its front matter looks like, lines are only added. Of each look and topic one."""
    silent = {
        (
            article.topic,
            frozenset(section.front.model_fields_set),
            section is article.sections[-1],
        ): (f"{article.slug}#{section.front.slug}")
        for article in read_articles(project / "knowledge")
        for section in article.sections
        if not section.front.answers
    }
    assert len(silent) > 5
    for place in silent.values():
        following = ["ask_heat_or_ice", "ask_exercises"]
        draft = replace(DRAFT, section=place, following=following)
        found = intents.faults(draft)
        if found:
            assert {where for where, _ in found} == {"section"}, found
        else:
            assert "+    answers:" in intents.preview(draft)


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"name": "horse riding"}, "name", "begins with ask_"),
        ({"name": "ask_Horse"}, "name", "small letters"),
        ({"name": "ask_exercises"}, "name", "such an intent already"),
        ({"wants": " "}, "wants", "what the visitor wants"),
        ({"wants": "a | b"}, "wants", "without |"),
        ({"title": "x" * 49}, "title", "49 characters"),
        ({"section": "nothing#at-all"}, "section", "Choose the section"),
        ({"section": "physical-therapy-exercise#none"}, "section", "no section"),
        ({"section": "physical-therapy-exercise#exercise-with-a-disc"}, "section", "for everybody"),
        ({"section": "../../etc#passwd"}, "section", "Choose the section"),
        ({"examples": DRAFT.examples[:9]}, "examples", "There are 9; 10 are the least"),
        ({"examples": [*DRAFT.examples, "disc spasm why"]}, "examples", "ask_disc_spasm_cause"),
        ({"examples": [*DRAFT.examples, "word " * 2000]}, "examples", "500 are the most"),
        ({"examples": [*DRAFT.examples, "call 202 555 0143"]}, "examples", "personal data"),
        ({"examples": [*DRAFT.examples, DRAFT.examples[0].upper()]}, "examples", "given twice"),
        ({"examples": [*DRAFT.examples, DRAFT.tests[0]]}, "examples", "both teach and test"),
        ({"tests": DRAFT.tests[:2]}, "tests", "There are 2; 3 are the least"),
    ],
)
def test_a_fault_is_named_with_its_field_and_nothing_is_written(
    project: Path, change: dict[str, Any], where: str, says: str
) -> None:
    before = texts(project)
    with pytest.raises(IntentError) as raised:
        intents.add(replace(DRAFT, **change), WHO)
    assert any(field == where and says in what for field, what in raised.value.faults)
    assert texts(project) == before


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("May I ride a horse?", "ask_may_ride_horse"),
        ("How do I sleep with sciatica and a cold?", "ask_sleep_sciatica_cold"),
        ("???", ""),
    ],
)
def test_a_name_is_suggested(question: str, name: str) -> None:
    assert intents.suggested_name(question) == name


def test_killed_while_intents_are_added_the_data_still_validate(project: Path) -> None:
    """Processes that add and take back an intent in seven files, killed at random moments."""
    chance = random.Random(3)
    intents.preview(DRAFT)
    for _ in range(12):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    intents.add(DRAFT, WHO)
                    changes.undo(changes.history()[0].id, WHO)
            finally:
                os._exit(0)
        time.sleep(0.5 + 2 * chance.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        changes.recover(project)
        has = {
            name
            for name, text in texts(project).items()
            if DRAFT.name in text or DRAFT.tests[0] in text
        }
        assert len(has) in {0, 7}
        if has:
            changes.undo(changes.history()[0].id, WHO)
    assert checks.faults(project) == []


def test_in_a_checkout_it_is_one_commit(project: Path) -> None:
    git = ["git", "-C", str(project), "-c", "user.name=x", "-c", "user.email=x@y"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *arguments], check=True)
    intents.add(DRAFT, WHO)
    log = subprocess.run(
        [*git, "log", "-1", "--format=%ae|%s", "--stat"], capture_output=True, text=True, check=True
    ).stdout
    assert log.startswith(f"{WHO}|Add the intent ask_horse_riding")
    assert "7 files changed" in log
    assert "deletion" not in log


def test_a_draft_is_read_from_a_file(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "draft.yml"
    with file.open("w") as stream:
        YAML().dump(asdict(DRAFT), stream)
    assert intents.read_draft(file) == DRAFT


@pytest.mark.parametrize("text", ["name: [", "- a list", "name: x\ncolour: red", "\x00"])
def test_a_file_that_is_no_draft_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "draft.yml"
    file.write_text(text)
    with pytest.raises(IntentError, match=r"draft\.yml"):
        intents.read_draft(file)
