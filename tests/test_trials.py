"""Testers' conversations: they look like any other, and count nowhere."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from spinebot import conversations, coverage, handoffs, reports, reviews
from spinebot.db import now, reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Account, Conversation, Handoff, Outgoing, Role, Trial, TrialLink
from spinebot.reports import Weeks
from spinebot.reviews import Filters
from spinebot.training import models, trials
from spinebot.training.trials import TrialError
from tests.console import new_account, send, sign_in, talk
from tests.factories import answers


@pytest.fixture
def trainer(database: str) -> Account:
    return new_account(Role.TRAINER, "Tia Sample")


def link(account: Account, trial: str = "live", days: int = 7) -> str:
    with writing() as session:
        return trials.new_link(session, "Gus Sample", trial, days, account.id)[1]


def begun_on(page: str) -> Conversation:
    with writing() as session:
        conversation, _ = conversations.start(session, page)
        trials.begin(session, conversation)
        return conversation


def test_a_conversation_on_a_links_page_is_a_testers(trainer: Account) -> None:
    secret = link(trainer, "candidate")
    conversation = begun_on(f"https://bot.clinic.example/try/{secret}")
    assert conversation.trial == "candidate"
    assert secret not in conversation.page
    assert "Gus Sample" in conversation.page


@pytest.mark.parametrize("page", ["/try/", "/try/nonsense", "/articles/sciatica", "", "/try/a/b"])
def test_any_other_page_is_a_visitors(trainer: Account, page: str) -> None:
    link(trainer)
    assert begun_on(f"https://bot.clinic.example{page}").trial is None


def test_a_link_ends(trainer: Account) -> None:
    secret = link(trainer)
    with reading() as session:
        assert trials.link(session, secret).name == "Gus Sample"
        [(found, by)] = trials.links(session)
        assert by == "Tia Sample"
    with writing() as session:
        trials.end_link(session, found.id)
    with reading() as session:
        assert trials.links(session) == []
        with pytest.raises(NotFoundError, match="has ended"):
            trials.link(session, secret)
    other = link(trainer)
    with writing() as session:
        session.execute(sa.update(TrialLink).values(expires_at=now() - timedelta(seconds=1)))
    assert begun_on(f"https://x.example/try/{other}").trial is None


@pytest.mark.parametrize(
    ("name", "trial", "days"), [("", "live", 7), ("G", "x", 7), ("G", "live", 0), ("G", "live", 31)]
)
def test_a_link_that_makes_no_sense_is_refused(
    trainer: Account, name: str, trial: str, days: int
) -> None:
    with writing() as session, pytest.raises(TrialError):
        trials.new_link(session, name, trial, days, trainer.id)


def test_it_counts_nowhere(trainer: Account) -> None:
    tester, visitor = talk("where is the moon"), talk("heat or ice")
    with writing() as session:
        session.get_one(Conversation, tester.id).trial = Trial.LIVE.value
    with reading() as session:
        counted = reports.measures(session, Weeks.until_now(1))
        assert counted[0].total == 1
        listed = reviews.find_conversations(session, Filters(), trainer.id)
        assert [row.conversation.id for row in listed.rows] == [visitor.id]
        testers = reviews.find_conversations(session, Filters(testers="yes"), trainer.id)
        assert [row.conversation.id for row in testers.rows] == [tester.id]
        assert reviews.next_unreviewed(session, visitor.id) is None
        assert coverage.questions(session) == []


def test_a_testers_request_reaches_nobody(trainer: Account) -> None:
    tester = talk("hello")
    with writing() as session:
        session.get_one(Conversation, tester.id).trial = Trial.LIVE.value
    with writing() as session:
        made = handoffs.create(session, f"{tester.id}.1", answers(), "I agree.")
        assert made.reference.startswith("SB-")
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count(Handoff.id))) == 0
        assert session.scalar(sa.select(sa.func.count(Outgoing.id))) == 0


def test_a_testers_question_is_no_unanswered_one(trainer: Account) -> None:
    from spinebot.conversations import UNANSWERED, Understood
    from spinebot.models import Unanswered

    for trial in (None, Trial.LIVE.value):
        with writing() as session:
            conversation, _ = conversations.start(session, "/")
            conversation.trial = trial
            message, _ = conversations.say(session, conversation, "the moon", "a key 0001")
            reply = {"text": "No.", "custom": {UNANSWERED: {}}}
            conversations.reply(session, conversation, message, [reply], Understood())
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count(Unanswered.id))) == 1


def test_a_candidate_is_a_pointer_that_runs_out(data_dir: Path) -> None:
    assert trials.candidate() is None
    trials.choose("new.tar.gz")
    assert trials.candidate() == "new.tar.gz"
    assert trials.candidate_port() is None
    models.serving_file().write_text('{"candidate": "new.tar.gz", "candidate_port": 5006}')
    assert trials.candidate_port() == 5006
    old = time.time() - trials.IDLE_SECONDS - 1
    os.utime(data_dir / "models/candidate", (old, old))
    assert trials.candidate() is None
    assert trials.candidate_port() is None
    trials.choose("new.tar.gz")
    trials.choose(None)
    assert trials.candidate() is None


# The pages


def test_a_guest_gets_a_page_with_the_widget(client: TestClient) -> None:
    account = new_account(Role.TRAINER, "Tia Sample")
    sign_in(client, account)
    done = send(client, "trials/links", name="Gus Sample", trial="candidate", days=3)
    notice = client.get(done.headers["location"]).text
    found = re.search(r"/try/([\w-]+)", notice)
    assert found
    page = client.get(f"/try/{found[1]}")
    assert page.status_code == 200
    assert "Hello Gus Sample" in page.text
    assert "/widget/spine-chat.js" in page.text
    assert "the next model" in page.text
    started = client.post(
        "/api/conversations", json={"page": f"http://localhost:8000/try/{found[1]}"}
    )
    assert started.status_code == 201
    with reading() as session:
        assert session.scalars(sa.select(Conversation.trial)).one() == "candidate"
    send(client, "trials/links/1/end")
    assert client.get(f"/try/{found[1]}").status_code == 404


def test_with_no_candidate_there_is_nobody_to_talk_to(client: TestClient) -> None:
    sign_in(client, new_account(Role.TRAINER, "Tia Sample"))
    assert "Say to both" not in client.get("/console/trials").text
    done = send(client, "trials/talk", text="heat or ice?")
    assert "No+model+runs+beside+the+live+one" in done.headers["location"]
    with reading() as session:
        assert session.scalars(sa.select(Conversation.id)).all() == []


def test_what_is_said_side_by_side_stands_side_by_side(client: TestClient) -> None:
    sign_in(client, new_account(Role.TRAINER, "Tia Sample"))
    trials.choose("new.tar.gz")
    models.serving_file().write_text('{"candidate": "new.tar.gz", "candidate_port": 9}')
    done = send(client, "trials/talk", text="heat or ice?")
    place = done.headers["location"]
    page = client.get(place).text
    assert "heat or ice?" in page
    # Rasa is away here: both apologise alike.
    assert ">the same<" in page
    numbers = dict(re.findall(r"(live|candidate)=(\d+)", place))
    again = send(client, "trials/talk", text="and then?", **numbers)
    assert again.headers["location"] == place
    assert client.get(place).text.count('class="you"') == 2
    with reading() as session:
        kinds = session.scalars(sa.select(Conversation.trial).order_by(Conversation.id)).all()
    assert kinds == ["live", "candidate"]


def test_a_visitors_conversation_is_no_trial(client: TestClient) -> None:
    visitor = talk("hello")
    sign_in(client, new_account(Role.TRAINER, "Tia Sample"))
    assert (
        client.get(f"/console/trials?live={visitor.id}&candidate={visitor.id}").status_code == 404
    )
    done = send(client, "trials/talk", text="x", live=visitor.id, candidate=visitor.id)
    assert "There+is+no+such+trial" in done.headers["location"]
    with reading() as session:
        assert session.get_one(Conversation, visitor.id).last_number == 2


def test_a_candidate_that_is_not_there_is_refused(client: TestClient) -> None:
    sign_in(client, new_account(Role.TRAINER, "Tia Sample"))
    done = send(client, "trials/candidate", name="nothing")
    assert "no+such+model" in done.headers["location"]
    assert trials.candidate() is None
