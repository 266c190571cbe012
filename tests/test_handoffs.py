"""Handoffs: a whole form becomes one row, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from spinebot import conversations, desk, handoffs
from spinebot.db import reading, writing
from spinebot.handoffs import Details, IncompleteError
from spinebot.intake import CALLBACK_SLOTS, NO, NOT_GIVEN, SLOTS
from spinebot.models import Attempt, Contact, Conversation, Handoff, HandoffChange, Role
from tests.console import new_account
from tests.factories import answers, at_once, callback


def create(filled: dict[str, Any], sender: str = "visitor") -> Handoff:
    with writing() as session:
        return handoffs.create(session, sender, filled, "I agree.")


def stored() -> list[Handoff]:
    with reading() as session:
        return list(session.scalars(sa.select(Handoff).options(joinedload(Handoff.contact))))


def test_a_whole_form_is_stored(database: str) -> None:
    create(answers())
    [handoff] = stored()
    assert (handoff.reason, handoff.status) == ("mri_review", "new")
    assert (handoff.contact.name, handoff.contact.phone, handoff.contact.email) == (
        "Ann Sample",
        "+12025550143",
        None,
    )
    assert (handoff.best_time, handoff.pain_area) == ("mornings", "low back")
    assert (handoff.recent_mri, handoff.mri_date) == ("yes", "March 2026")


def test_a_callback_is_stored_without_anything_of_an_mri(sqlite_database: object) -> None:
    create(callback())
    [handoff] = stored()
    assert handoff.reason == "callback"
    assert (handoff.recent_mri, handoff.mri_date, handoff.pain_area) == (None, None, None)


def test_an_e_mail_address_is_kept_as_one(sqlite_database: object) -> None:
    create(answers(contact="ann@example.com"))
    [handoff] = stored()
    assert (handoff.contact.phone, handoff.contact.email) == (None, "ann@example.com")


def test_what_was_skipped_is_empty(sqlite_database: object) -> None:
    create(answers(best_time=NOT_GIVEN, pain_area=NOT_GIVEN, recent_mri=NOT_GIVEN, mri_date=None))
    [handoff] = stored()
    assert (handoff.best_time, handoff.pain_area, handoff.recent_mri) == (None, None, None)


def test_the_consent_is_kept_word_for_word_with_its_time(sqlite_database: object) -> None:
    create(answers())
    [handoff] = stored()
    assert handoff.consent_text == "I agree."
    assert handoff.consented_at <= handoff.created_at or handoff.consented_at.tzinfo


def test_the_first_status_has_its_row(sqlite_database: object) -> None:
    handoff = create(answers())
    with reading() as session:
        change = session.scalars(sa.select(HandoffChange)).one()
    assert (change.handoff_id, change.changed_by) == (handoff.id, "visitor")
    assert (change.old_status, change.new_status) == (None, "new")


def test_the_same_form_twice_is_one_handoff(database: str) -> None:
    first, second = create(answers()), create(answers())
    assert first.id == second.id
    assert first.reference == second.reference
    assert len(stored()) == 1


def test_the_same_form_many_times_at_once_is_one_handoff(database: str) -> None:
    references = {handoff.reference for handoff in at_once(lambda: create(answers()))}
    assert references == {stored()[0].reference}
    assert len(stored()) == 1


def test_another_form_is_another_handoff(sqlite_database: object) -> None:
    first, second = create(answers()), create(answers(handoff_key="another"))
    assert first.reference != second.reference
    assert len(stored()) == 2


@pytest.mark.parametrize("slot", [*SLOTS, "handoff_reason", "handoff_key"])
@pytest.mark.parametrize("empty", [None, ""])
def test_a_form_with_a_hole_is_not_stored(
    sqlite_database: object, slot: str, empty: str | None
) -> None:
    with pytest.raises(IncompleteError, match=slot):
        create(answers(**{slot: empty}))
    assert stored() == []


@pytest.mark.parametrize("slot", CALLBACK_SLOTS)
def test_a_callback_with_a_hole_is_not_stored(sqlite_database: object, slot: str) -> None:
    with pytest.raises(IncompleteError, match=slot):
        create(callback(**{slot: None}))
    assert stored() == []


@pytest.mark.parametrize("consent", ["refused", "no", "not given", True, "maybe"])
def test_nothing_is_stored_without_consent(sqlite_database: object, consent: object) -> None:
    with pytest.raises(IncompleteError, match="no consent"):
        create(answers(consent=consent))
    assert stored() == []


def test_a_form_without_an_mri_needs_no_date(sqlite_database: object) -> None:
    create(answers(recent_mri=NO, mri_date=None))
    assert stored()[0].recent_mri == "no"


def test_a_reference_can_be_read_out(sqlite_database: object) -> None:
    reference = create(answers()).reference
    prefix, _, rest = reference.partition("-")
    assert prefix == "SB"
    assert len(rest) == 6
    assert not set(rest) & set("01OIL")


def test_it_belongs_to_the_conversation_of_its_sender(sqlite_database: object) -> None:
    with writing() as session:
        conversation, _ = conversations.start(session, "https://clinic.example/")
    create(answers(), sender=conversation.sender)
    assert stored()[0].conversation_id == conversation.id


@pytest.mark.parametrize("sender", ["terminal", "", "9999.1", "x.1", "²", "default"])
def test_a_sender_that_is_no_conversation_has_none(sqlite_database: object, sender: str) -> None:
    create(answers(), sender=sender)
    assert stored()[0].conversation_id is None


@pytest.mark.parametrize("sender", ["12025550143", "12025550143.1", "9" * 40])
def test_a_phone_number_as_sender_is_no_conversation(database: str, sender: str) -> None:
    create(answers(), sender=sender)
    assert stored()[0].conversation_id is None


# Details that are left without the dialogue


def details(**changes: str) -> Details:
    given = {"name": "Ann Sample", "phone": "202-555-0143", "email": "", "best_time": ""}
    return Details(key="d", has_consented=True, **{"message": "", **given, **changes})


def leave(given: Details) -> tuple[Handoff, bool]:
    with writing() as session:
        return handoffs.leave(session, given, None, "I agree.", "US")


def test_what_was_written_beside_details_is_kept(sqlite_database: object) -> None:
    leave(details(message="My back cramps.", best_time="mornings"))
    [handoff] = stored()
    assert (handoff.message, handoff.best_time) == ("My back cramps.", "mornings")


def test_the_same_details_many_times_at_once_are_one_handoff(database: str) -> None:
    found = at_once(lambda: leave(details()))
    assert len({handoff.id for handoff, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1
    assert len(stored()) == 1


# Testers


def test_a_tester_s_form_looks_sent_and_is_not_stored(sqlite_database: object) -> None:
    with writing() as session:
        conversation, _ = conversations.start(session, "/try")
        conversation.trial = "model"
        sender = conversation.sender
    assert create(answers(), sender).reference.startswith("SB-")
    assert stored() == []
    with writing() as session:
        tester = session.get_one(Conversation, conversation.id)
        assert handoffs.leave(session, details(), tester, "I agree.", "US")[1]
    assert stored() == []
    # Who has no conversation is no tester, whoever the first one was.
    create(answers(handoff_key="other"))
    assert len(stored()) == 1


# Erasing, and the keys of contacts


def test_a_handoff_is_erased_with_what_was_kept_about_it_and_no_other_s(
    sqlite_database: object,
) -> None:
    one, other = create(answers()), create(answers(handoff_key="other"))
    account = new_account(Role.DESK)
    with writing() as session:
        for each in (one, other):
            claimed = desk.claim(session, each.id, account)
            desk.attempt(session, claimed, account, "phone", "no answer")
    again = {key: create(answers(handoff_key=key)) for key in ("one again", "other again")}
    with writing() as session:
        for key, first in (("one again", one), ("other again", other)):
            session.get_one(Handoff, again[key].id).joined_to_id = first.id
    with writing() as session:
        handoffs.erase(session, session.get_one(Handoff, one.id))
    with reading() as session:
        assert set(session.scalars(sa.select(Attempt.handoff_id))) == {other.id}
        assert one.id not in set(session.scalars(sa.select(HandoffChange.handoff_id)))
    joined = {handoff.id: handoff.joined_to_id for handoff in stored()}
    assert joined == {
        **{other.id: None, again["one again"].id: None, again["other again"].id: other.id}
    }


def test_renewed_keys_are_counted(sqlite_database: object) -> None:
    create(answers())
    create(answers(handoff_key="other", contact="ann@sample.example"))
    with writing() as session:
        assert handoffs.renew_keys(session) == 0
        session.scalars(sa.select(Contact).limit(1)).one().phone_key = "of another secret"
        assert handoffs.renew_keys(session) == 1
        assert handoffs.renew_keys(session) == 0
