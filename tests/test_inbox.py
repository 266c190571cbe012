"""The trainers' inbox: what comes into it, in which order, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from spinebot import reviews
from spinebot.db import reading, writing
from spinebot.models import (
    Account,
    Conversation,
    Correction,
    Decision,
    Feedback,
    Finding,
    Label,
    Message,
    Role,
    Trial,
)
from spinebot.training import changes, examples, inbox, labels
from spinebot.training.labels import LabelError, kappa
from tests.console import new_account, send, sign_in, talk
from tests.factories import queries_of

FALLBACK = "nlu_fallback"
CLOSE = [
    {"name": "ask_heat_or_ice", "confidence": 0.4},
    {"name": "ask_exercises", "confidence": 0.36},
]


def ranked(*found: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"name": name, "confidence": sure} for name, sure in found]


@pytest.fixture
def trainer(database: str, project: Path) -> Account:
    return new_account(Role.TRAINER, "Tia Sample")


@pytest.fixture
def other(trainer: Account) -> Account:
    return new_account(Role.REVIEWER, "Rod Sample")


@pytest.fixture
def lead(trainer: Account) -> Account:
    return new_account(Role.ADMIN, "Lea Sample")


def found(reader: Account) -> list[inbox.Item]:
    with reading() as session:
        return inbox.find(session, reader.id)


def message_of(conversation: Conversation, number: int = 1) -> int:
    with reading() as session:
        return session.scalars(
            sa.select(Message.id).where(
                Message.conversation_id == conversation.id, Message.number == number
            )
        ).one()


def label(messages: list[int], intent: str, account: Account, **more: Any) -> labels.Outcome:
    with writing() as session:
        return labels.label(session, messages, intent, account, **more)


def taught(project: Path, text: str) -> list[str]:
    known = examples.read(project / examples.TRAINING)
    return [each.intent for each in known if each.text == text]


def unhelpful(conversation: Conversation) -> None:
    with writing() as session:
        session.add(Feedback(conversation_id=conversation.id, number=2, helpful=False))


def learnt_alarm(conversation: Conversation) -> None:
    with writing() as session:
        session.add(
            Finding(
                conversation_id=conversation.id,
                message_id=message_of(conversation),
                rule="RF01",
                action="call_911",
                evidence=[],
            )
        )


def test_what_teaches_most_comes_first(trainer: Account) -> None:
    talk("will it rain on my brace", intent="ask_heat_or_ice", ranking=CLOSE)
    with writing() as session:
        session.execute(sa.update(Message).values(confidence=0.4))
    talk("my parrot squawks at the moon", intent=FALLBACK)
    unhelpful(talk("where do i hang my hat"))
    learnt_alarm(talk("my legs feel like noodles at the fair"))
    corrected = talk("trousers of doom")
    with writing() as session:
        conversation = session.get_one(Conversation, corrected.id)
        reviews.correct(session, conversation, 1, "ask_back_brace", trainer.id)
    talk("nothing wrong here")
    items = found(trainer)
    assert [item.reasons[0] for item in items] == [
        *("correction", "doubt", "unhelpful", "fallback", "margin")
    ]
    assert items[0].suggestions[0] == "ask_back_brace"
    assert all(item.advice for item in items)
    assert "wavers between ask_heat_or_ice and ask_exercises" in items[-1].advice


def test_an_emergency_close_behind_is_a_doubt(trainer: Account) -> None:
    ranking = ranked(("ask_weakness_numbness", 0.4), ("report_emergency", 0.3))
    talk("my leg is odd today", intent="ask_weakness_numbness", ranking=ranking)
    with writing() as session:
        session.execute(sa.update(Message).values(confidence=0.4))
    assert [item.reasons for item in found(trainer)] == [["doubt"]]


def test_several_who_say_the_same_are_one_cluster(trainer: Account) -> None:
    texts = ["can my parrot sit on my shoulder", "is a parrot on my shoulder ok"]
    for text in (*texts, "may the parrot stay on my shoulder", "what is the wifi password"):
        talk(text, intent=FALLBACK)
    items = found(trainer)
    clustered = [item for item in items if "cluster" in item.reasons]
    assert len(clustered) == 3
    assert items[:3] == clustered
    assert {len(item.alike) for item in clustered} == {3}
    assert "make a new intent" in clustered[0].advice


def test_what_is_taught_already_is_better_left_out(trainer: Account) -> None:
    talk("Should I wear a brace?", intent=FALLBACK)
    [item] = found(trainer)
    assert "says the same already" in item.advice


def test_three_turns_around_it_are_shown(trainer: Account) -> None:
    conversation = talk(*(f"message {n} of the parrot" for n in range(9)))
    with writing() as session:
        fifth = session.get_one(Message, message_of(conversation, 9))
        fifth.intent = FALLBACK
    [item] = found(trainer)
    assert [each.number for each in item.around] == list(range(3, 16))


def test_testers_and_buttons_teach_nothing(trainer: Account) -> None:
    tested = talk("my parrot squawks", intent=FALLBACK)
    pressed = talk("the parrot again", intent=FALLBACK)
    with writing() as session:
        session.get_one(Conversation, tested.id).trial = Trial.LIVE.value
        session.get_one(Message, message_of(pressed)).payload = "/ask_x"
    assert found(trainer) == []


def test_the_number_of_queries_does_not_grow(trainer: Account) -> None:
    talk("my parrot squawks at one", intent=FALLBACK)
    few = queries_of(lambda: found(trainer))
    for number in range(12):
        talk(f"parrot number {number} squawks", intent=FALLBACK)
    assert queries_of(lambda: found(trainer)) == few


def test_a_label_becomes_an_example_and_is_undone(trainer: Account, project: Path) -> None:
    before = (project / examples.TRAINING).read_text(encoding="utf-8")
    texts = ["warm parrot or cold parrot", "ice the parrot first"]
    ids = [message_of(talk(text, intent=FALLBACK)) for text in texts]
    outcome = label(ids, "ask_heat_or_ice", trainer)
    assert str(outcome) == "2 added to the training data"
    assert [taught(project, text) for text in texts] == [["ask_heat_or_ice"]] * 2
    assert len(changes.history()) == 1
    assert found(trainer) == []
    with writing() as session:
        [batch] = {each.batch for each in labels.last_batch(session, trainer.id)}
        assert labels.undo(session, batch, trainer.email) == 2
    assert (project / examples.TRAINING).read_text(encoding="utf-8") == before
    assert len(found(trainer)) == 2
    with writing() as session, pytest.raises(LabelError, match="taken back already"):
        labels.undo(session, batch, trainer.email)


def test_a_trainers_own_words_are_taken(trainer: Account, project: Path) -> None:
    message = message_of(talk("uhm well parrot heat i guess", intent=FALLBACK))
    label([message], "ask_heat_or_ice", trainer, text="  heat for a  parrot ")
    assert taught(project, "heat for a parrot") == ["ask_heat_or_ice"]


def test_what_may_not_teach_is_refused_and_the_rest_goes_in(
    trainer: Account, project: Path
) -> None:
    good = message_of(talk("cold parrot on the neck", intent=FALLBACK))
    same = message_of(talk("Disc spasm, why?", intent=FALLBACK))
    masked = message_of(talk("my name is Zed Quagmire, heat?", intent=FALLBACK))
    outcome = label([good, same, masked], "ask_heat_or_ice", trainer)
    assert outcome.added == 1
    assert len(outcome.refused) >= 1
    assert "ask_disc_spasm_cause already" in str(outcome)
    assert taught(project, "cold parrot on the neck")
    left = [item.message.id for item in found(trainer)]
    assert same in left


def test_left_out_it_is_no_example(trainer: Account, project: Path) -> None:
    message = message_of(talk("asdf parrot", intent=FALLBACK))
    assert str(label([message], "", trainer)) == "1 left out"
    assert found(trainer) == []
    assert taught(project, "asdf parrot") == []


def test_a_correction_is_done_with_the_decision(trainer: Account) -> None:
    conversation = talk("parrot braces")
    with writing() as session:
        again = session.get_one(Conversation, conversation.id)
        reviews.correct(session, again, 1, "ask_back_brace", trainer.id)
    label([message_of(conversation)], "ask_back_brace", trainer)
    with reading() as session:
        assert session.scalars(sa.select(Correction.done_at)).one() is not None


def test_an_intent_that_is_not_there_is_refused(trainer: Account) -> None:
    message = message_of(talk("parrot", intent=FALLBACK))
    with pytest.raises(LabelError, match="make it first"):
        label([message], "ask_parrots", trainer)


def test_who_may_not_teach_only_labels(trainer: Account, other: Account, project: Path) -> None:
    message = message_of(talk("warm parrot, cold parrot", intent=FALLBACK))
    assert label([message], "ask_heat_or_ice", other, may_teach=False).waiting == 1
    assert taught(project, "warm parrot, cold parrot") == []
    with reading() as session:
        [(waiting, given)] = labels.waiting(session)
    assert (waiting.id, given[0][2]) == (message, "ask_heat_or_ice")
    with writing() as session:
        labels.approve(session, message, "ask_heat_or_ice", trainer, is_lead=False)
    assert taught(project, "warm parrot, cold parrot") == ["ask_heat_or_ice"]


def test_safety_needs_two_and_a_lead(
    trainer: Account, other: Account, lead: Account, project: Path
) -> None:
    message = message_of(talk("the parrot says my legs are numb", intent=FALLBACK))
    assert label([message], "report_emergency", trainer).waiting == 1
    assert found(trainer) == []
    with writing() as session, pytest.raises(LabelError, match="second reader"):
        labels.approve(session, message, "report_emergency", lead, is_lead=True)
    assert [item.message.id for item in found(other)] == [message]
    assert label([message], "report_emergency", other).waiting == 1
    with writing() as session, pytest.raises(LabelError, match="a lead decides"):
        labels.approve(session, message, "report_emergency", trainer, is_lead=False)
    assert taught(project, "the parrot says my legs are numb") == []
    with writing() as session:
        labels.approve(session, message, "report_emergency", lead, is_lead=True)
    assert taught(project, "the parrot says my legs are numb") == ["report_emergency"]
    with reading() as session:
        assert labels.waiting(session) == []


def test_when_the_two_differ_a_lead_decides(
    trainer: Account, other: Account, lead: Account, project: Path
) -> None:
    message = message_of(talk("parrot pills for the back", intent=FALLBACK))
    label([message], "ask_exercises", other, may_teach=False)
    assert label([message], "ask_opioids", trainer).waiting == 1
    with writing() as session:
        labels.approve(session, message, "ask_exercises", lead, is_lead=True)
    assert taught(project, "parrot pills for the back") == ["ask_exercises"]


def test_agreement_is_shown_for_intents_of_safety(trainer: Account, other: Account) -> None:
    pairs = [("ask_opioids", "ask_opioids")] * 4 + [("ask_opioids", "ask_exercises")]
    pairs += [("ask_exercises", "ask_exercises")] * 5
    for number, (first, second) in enumerate(pairs):
        message = message_of(talk(f"parrot pills number {number}", intent=FALLBACK))
        label([message], first, other, may_teach=False)
        with writing() as session:
            session.add(Label(message_id=message, account_id=trainer.id, intent=second))
    with reading() as session:
        [shown] = labels.agreement(session)
    assert (shown.intent, shown.messages, shown.both, shown.one) == ("ask_opioids", 10, 4, 1)
    assert shown.kappa == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([True, False], [True, False], 1.0),
        ([True, False], [False, True], -1.0),
        ([True, True, False, False], [True, False, True, False], 0.0),
        ([True, True], [True, True], None),
        ([], [], None),
    ],
)
def test_kappa(first: list[bool], second: list[bool], expected: float | None) -> None:
    assert kappa(first, second) == expected


def test_erased_with_the_conversation(trainer: Account) -> None:
    from spinebot import conversations

    conversation = talk("parrot to be forgotten", intent=FALLBACK)
    label([message_of(conversation)], "ask_exercises", trainer)
    with writing() as session:
        conversations.erase(session, session.get_one(Conversation, conversation.id))
        assert session.scalar(sa.select(sa.func.count(Decision.message_id))) == 0


def test_the_page_labels_many_and_undoes(client: TestClient, project: Path) -> None:
    trainer = new_account(Role.TRAINER, "Tia Sample")
    sign_in(client, trainer)
    assert "Nothing is open" in client.get("/console/inbox").text
    texts = ["ice upon a parrot", "heat under a parrot"]
    ids = [message_of(talk(text, intent=FALLBACK)) for text in texts]
    page = client.get("/console/inbox").text
    assert all(text in page for text in texts)
    done = send(client, "inbox/label", messages=ids, intent="ask_heat_or_ice")
    assert "2+added+to+the+training+data" in done.headers["location"]
    page = client.get("/console/inbox").text
    assert "Undo it" in page
    with reading() as session:
        [batch] = {each.batch for each in labels.last_batch(session, trainer.id)}
    send(client, "inbox/undo", batch=batch)
    assert [taught(project, text) for text in texts] == [[], []]


def test_a_second_reader_does_not_see_the_first_label(client: TestClient, project: Path) -> None:
    trainer = new_account(Role.TRAINER, "Tia Sample")
    message = message_of(talk("parrot dopes my back", intent=FALLBACK))
    label([message], "ask_opioids", trainer)
    sign_in(client, new_account(Role.REVIEWER, "Rod Sample"))
    page = client.get("/console/inbox").text
    assert "Tia Sample has labelled it" in page
    assert "<strong>ask_opioids</strong>" not in page


def test_a_form_without_a_choice_says_what_to_do(client: TestClient, project: Path) -> None:
    sign_in(client, new_account(Role.TRAINER, "Tia Sample"))
    done = send(client, "inbox/label")
    assert "Tick+messages" in done.headers["location"]
