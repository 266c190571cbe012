"""The trainers' pages: a new intent, examples, articles, changes; as forms without a script."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from spinebot.db import reading
from spinebot.models import ArticleRequest, Question, Role, SectionRevision
from spinebot.training import changes, examples
from tests.console import leave_unanswered, new_account, send, sign_in, talk
from tests.factories import load_articles
from tests.test_intents import DRAFT

SLUG = "physical-therapy-exercise"
FORM = {
    "question": DRAFT.title,
    "name": DRAFT.name,
    "wants": DRAFT.wants,
    "section": DRAFT.section,
    "sentences": "\n".join(DRAFT.examples),
    "tests": "\n".join(DRAFT.tests),
}


@pytest.fixture
def trainer(client: TestClient, project: Path) -> TestClient:
    """A trainer's browser, with the articles in the database; without vectors nothing is found."""
    load_articles()
    return sign_in(client, new_account(Role.TRAINER, "Tia Sample"))


def data(project: Path) -> str:
    return (project / examples.TRAINING).read_text(encoding="utf-8")


def fields_of(page: str) -> dict[str, str]:
    """Return what a browser would send of an article's form."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and ('type="checkbox"' not in tag or "checked" in tag):
            found[name[1]] = value[1]
    for name, value in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        found[name] = value
    found = {name: _unescaped(value) for name, value in found.items()}
    found.pop("csrf", None)
    return found


def _unescaped(text: str) -> str:
    for sign, written in (('"', "&#34;"), ("'", "&#39;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(written, sign)
    return text.replace("&amp;", "&")


def test_an_intent_is_made_with_the_form(trainer: TestClient, project: Path) -> None:
    assert send(trainer, "intents/new", **FORM, act="check").status_code == 200
    preview = send(trainer, "intents/new", **FORM, act="preview").text
    assert "+  - ask_horse_riding: {use_entities: []}" in preview
    assert "In the widget, a visitor who asks" in preview
    assert DRAFT.name not in data(project)
    done = send(trainer, "intents/new", **FORM, act="add")
    assert done.headers["location"].startswith(f"/console/intents/{DRAFT.name}")
    page = trainer.get(done.headers["location"]).text
    assert DRAFT.examples[3] in page
    assert DRAFT.tests[0] in page
    assert "Its answer" in page
    with reading() as session:
        assert session.get(Question, DRAFT.name) is not None
    assert DRAFT.name in trainer.get("/console/intents").text


def test_a_form_with_faults_keeps_what_was_typed(trainer: TestClient, project: Path) -> None:
    before = data(project)
    form = {**FORM, "sentences": "disc spasm why\nonly one more", "section": ""}
    answer = send(trainer, "intents/new", **form, act="add")
    assert answer.status_code == 422
    for words in (
        "an example of ask_disc_spasm_cause already",
        "There are 2; 10 are the least",
        "Choose the section",
        "only one more",
        DRAFT.tests[2],
    ):
        assert words in _unescaped(answer.text), words
    assert data(project) == before


def test_conflicts_and_sections_are_shown_as_one_types(trainer: TestClient) -> None:
    form = {
        "question": "should i wear a brace on my back",
        "sentences": "should I wear a neck brace?",
    }
    page = _unescaped(send(trainer, "intents/new", **form, act="check").text)
    assert "near another intent" in page
    assert "is near to ask_neck_care" in page
    assert 'value="daily-activity#' in page
    assert "ask_wear_brace_back" in page


def test_what_visitors_said_is_offered_and_taken(trainer: TestClient, project: Path) -> None:
    talk("is galloping on my pony bad for a disc", "where is the moon", intent="nlu_fallback")
    leave_unanswered()
    form = {**FORM, "sentences": "\n".join(DRAFT.examples[:9])}
    page = send(trainer, "intents/new", **form, act="check").text
    offered = re.findall(r'name="taken" value="([^"]+)"', page)
    assert offered == ["is galloping on my pony bad for a disc"]
    send(trainer, "intents/new", **form, taken=offered, act="add")
    assert "    - is galloping on my pony bad for a disc\n" in data(project)


def test_a_message_begins_an_intent(trainer: TestClient) -> None:
    talk("may i juggle with a slipped disc", intent="nlu_fallback")
    page = trainer.get("/console/intents/new?message=1").text
    assert page.count("may i juggle with a slipped disc") >= 2


def test_where_no_section_fits_an_article_is_asked_for(trainer: TestClient) -> None:
    done = send(trainer, "intents/new", **FORM, act="request")
    page = trainer.get(done.headers["location"].split("#")[0]).text
    assert DRAFT.title in page
    send(trainer, "articles/wanted/1/done")
    assert "Asked for" not in trainer.get("/console/articles").text
    with reading() as session:
        assert session.get_one(ArticleRequest, 1).sentences == DRAFT.examples


def test_examples_are_added_moved_and_taken_out(trainer: TestClient, project: Path) -> None:
    before = data(project)
    place = "intents/ask_heat_or_ice"
    done = send(trainer, f"{place}/examples", sentences="a parrot on ice\nparrot, but warm\n\n")
    assert "2+added" in done.headers["location"]
    moved = ["a parrot on ice"]
    send(trainer, f"{place}/remove", sentences=moved, target="ask_sleep_position")
    send(trainer, f"{place}/remove", sentences=["parrot, but warm"])
    known = [each for each in examples.parse(data(project)) if "parrot" in each.text]
    assert ("a parrot on ice", "ask_sleep_position") in {(e.text, e.intent) for e in known}
    for change in (3, 2, 1):
        send(trainer, f"changes/{change}/undo")
    assert data(project) == before
    refused = send(trainer, f"{place}/examples", sentences="disc spasm why")
    assert "already" in trainer.get(refused.headers["location"]).text


def test_tests_are_added_too(trainer: TestClient, project: Path) -> None:
    send(trainer, "intents/ask_heat_or_ice/examples", sentences="parrot test", into="tests")
    tested = examples.read(project / examples.TESTS)
    assert ("parrot test", "ask_heat_or_ice") in {(e.text, e.intent) for e in tested}


def test_changes_show_their_lines_and_are_undone(trainer: TestClient, project: Path) -> None:
    before = data(project)
    send(trainer, "intents/ask_heat_or_ice/examples", sentences="a parrot on ice")
    page = trainer.get("/console/changes").text
    assert "Add an example of ask_heat_or_ice" in page
    assert "+     - a parrot on ice" in page
    send(trainer, "changes/1/undo")
    assert data(project) == before
    assert ">undone<" in trainer.get("/console/changes").text


def test_a_saved_section_is_what_visitors_read(trainer: TestClient, project: Path) -> None:
    page = trainer.get(f"/console/articles/{SLUG}")
    assert page.status_code == 200
    fields = fields_of(page.text)
    fields["s0_body"] = fields["s0_body"].replace("Physical therapy uses", "Therapy uses")
    done = send(trainer, f"articles/{SLUG}", **fields, act="save")
    assert done.status_code == 303, done.text
    with reading() as session:
        newest = session.scalars(
            sa.select(SectionRevision.body).order_by(SectionRevision.id.desc()).limit(1)
        ).one()
    assert newest.startswith("Therapy uses")
    [made] = changes.history()
    assert [sign for sign, _ in changes.shown(made)] == ["", "-", "+"]
    send(trainer, "changes/1/undo")
    with reading() as session:
        again = session.scalars(
            sa.select(SectionRevision.body).order_by(SectionRevision.id.desc()).limit(1)
        ).one()
    assert again.startswith("Physical therapy uses")


def test_a_hard_section_is_not_saved_and_marked(trainer: TestClient, project: Path) -> None:
    fields = fields_of(trainer.get(f"/console/articles/{SLUG}").text)
    hard = "Multidisciplinary rehabilitation demonstrably ameliorates symptomatology. " * 10
    answer = send(trainer, f"articles/{SLUG}", **{**fields, "s0_body": hard}, act="save")
    assert answer.status_code == 422
    assert "<mark>Multidisciplinary" in answer.text
    assert "the limit is 8" in answer.text
    assert changes.history() == []


def test_a_section_more_is_asked_for(trainer: TestClient) -> None:
    fields = fields_of(trainer.get(f"/console/articles/{SLUG}").text)
    count = sum(key.endswith("_body") for key in fields)
    page = send(trainer, f"articles/{SLUG}", **fields, act="section").text
    assert f'name="s{count}_body"' in page


@pytest.mark.parametrize("path", ["articles/nothing", "intents/ask_nothing"])
def test_what_is_not_there_is_said(trainer: TestClient, path: str) -> None:
    assert trainer.get(f"/console/{path}").status_code == 404


def test_every_article_opens_in_the_editor(trainer: TestClient, project: Path) -> None:
    for path in sorted((project / "knowledge").glob("*/*.md"))[::4]:
        page: Any = trainer.get(f"/console/articles/{path.stem}")
        assert page.status_code == 200, path.stem
        assert "Nothing keeps it from being saved" in page.text


def test_what_is_worth_a_look_leads_to_where_it_is_mended(
    trainer: TestClient, project: Path
) -> None:
    examples.add("ask_heat_or_ice", ["should i wear a neck brace now"], "x@clinic.example")
    page = trainer.get("/console/intents/insights").text
    assert "should i wear a neck brace now" in page
    moved = ["should i wear a neck brace now"]
    send(trainer, "intents/ask_heat_or_ice/remove", sentences=moved, target="ask_neck_care")
    known = {(e.text, e.intent) for e in examples.parse(data(project))}
    assert (moved[0], "ask_neck_care") in known
    assert "Without test sentences" not in trainer.get("/console/intents/insights").text


def test_emergencies_and_treatments_are_a_leads_to_change(
    trainer: TestClient, project: Path
) -> None:
    before = data(project)
    place = "intents/ask_opioids"
    text = "parrot dope for my back"
    for answer in (
        send(trainer, f"{place}/examples", sentences=text),
        send(trainer, f"{place}/remove", sentences=["x"]),
        send(trainer, "intents/ask_heat_or_ice/remove", sentences=["x"], target="ask_opioids"),
        send(
            trainer,
            "intents/import/apply",
            name="a.csv",
            content=f"intent,text\nask_opioids,{text}\n",
        ),
    ):
        assert "A+lead+changes+these" in answer.headers["location"]
    assert data(project) == before
    send(trainer, f"{place}/examples", sentences="a parrot on dope", into="tests")
    sign_in(trainer, new_account(Role.ADMIN, "Lea Sample"))
    send(trainer, f"{place}/examples", sentences=text)
    assert f"    - {text}\n" in data(project)
