"""The desk: one has it, the other is told; time waits for the clinic to open."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from spinebot import desk, handoffs, working_time
from spinebot.clinic import Opening
from spinebot.db import now, reading, writing
from spinebot.desk import DeskError
from spinebot.models import Account, Contact, Finding, Handoff, HandoffChange, Role
from tests.console import new_account, talk
from tests.factories import answers, at_once, queries_of


def new_handoff(key: str = "one", **changes: Any) -> Handoff:
    with writing() as session:
        return handoffs.create(session, "visitor", answers(handoff_key=key, **changes), "I agree.")


def do(act: Any, handoff: Handoff, account: Account, *more: Any) -> None:
    with writing() as session:
        act(session, desk.get(session, handoff.id), account, *more)


def claim(handoff: Handoff, account: Account) -> None:
    with writing() as session:
        desk.claim(session, handoff.id, account)


def fresh(handoff: Handoff) -> Handoff:
    with reading() as session:
        return desk.get(session, handoff.id)


@pytest.fixture
def ann(database: str) -> Account:
    return new_account(Role.DESK, "Ann Sample")


def test_of_many_who_claim_one_has_it(ann: Account) -> None:
    others = [ann, *(new_account(Role.DESK, f"Bo{n} Sample") for n in range(7))]
    handoff = new_handoff()
    waiting = iter(others)

    def press() -> str:
        account = next(waiting)
        claim(handoff, account)
        return account.name

    outcomes = at_once(press, 8)
    winners = [each for each in outcomes if isinstance(each, str)]
    assert len(winners) == 1
    losers = [each for each in outcomes if not isinstance(each, str)]
    assert all(f"{winners[0]} has this handoff already" in str(each) for each in losers)
    with reading() as session:
        changes = desk.changes_of(session, fresh(handoff))
        assert [each.new_status for each in changes] == ["new", "claimed"]


def test_from_the_claim_to_the_outcome(ann: Account) -> None:
    handoff = new_handoff()
    claim(handoff, ann)
    do(desk.attempt, handoff, ann, "phone", "no answer", "rang long")
    assert (fresh(handoff).status, bool(fresh(handoff).first_attempt_at)) == ("contacted", True)
    do(desk.move, handoff, ann, "waiting")
    do(desk.finish, handoff, ann, "booked")
    found = fresh(handoff)
    assert (found.status, found.outcome, bool(found.done_at)) == ("done", "booked", True)
    do(desk.reopen, handoff, ann)
    assert (fresh(handoff).status, fresh(handoff).outcome) == ("claimed", None)
    with reading() as session:
        changes = [each.new_status for each in desk.changes_of(session, found)]
    assert changes == ["new", "claimed", "contacted", "waiting", "done", "claimed"]


@pytest.mark.parametrize(
    ("act", "more", "says"),
    [
        (desk.attempt, ("phone", "reached"), "Claim the handoff first"),
        (desk.move, ("contacted",), "claim it first"),
        (desk.finish, ("nothing",), "Choose what became of it"),
        (desk.reopen, (), "is open"),
    ],
)
def test_what_cannot_be_changes_nothing(
    ann: Account, act: Any, more: tuple[str, ...], says: str
) -> None:
    handoff = new_handoff()
    with pytest.raises(DeskError, match=says):
        do(act, handoff, ann, *more)
    assert fresh(handoff).status == "new"


def test_what_is_done_stays_done(ann: Account) -> None:
    handoff = new_handoff()
    do(desk.finish, handoff, ann, "declined")
    for act, more in ((desk.attempt, ("phone", "reached")), (desk.release, ())):
        with pytest.raises(DeskError, match="is done"):
            do(act, handoff, ann, *more)


def test_a_snoozed_handoff_leaves_the_queue_until_its_time(ann: Account) -> None:
    handoff = new_handoff()
    with writing() as session:
        desk.snooze(session, desk.get(session, handoff.id), now() + timedelta(hours=1))
    with reading() as session:
        assert desk.queue(session) == []
        assert [each.handoff.id for each in desk.queue(session, snoozed=True)] == [handoff.id]
    with writing() as session:
        past = now() - timedelta(seconds=1)
        session.execute(sa.update(Handoff).values(snoozed_until=past))
    with reading() as session:
        assert len(desk.queue(session)) == 1
        with pytest.raises(DeskError, match="has passed"):
            desk.snooze(session, desk.get(session, handoff.id), now())


def test_red_flags_come_first_then_who_waits_longest(ann: Account) -> None:
    early, late, urgent = (new_handoff(key) for key in ("early", "late", "urgent"))
    conversation = talk("hello")
    with writing() as session:
        for age, each in ((9, early), (5, late), (1, urgent)):
            session.get_one(Handoff, each.id).created_at = now() - timedelta(hours=age)
        session.get_one(Handoff, urgent.id).conversation_id = conversation.id
        flag = {"rule": "RF01", "action": "call_911", "evidence": [], "message_id": 1}
        session.add(Finding(conversation_id=conversation.id, **flag))
    with reading() as session:
        found = desk.queue(session)
    assert [each.handoff.key for each in found] == ["urgent", "early", "late"]
    assert [each.is_urgent for each in found] == [True, False, False]


def test_the_same_person_is_found_and_joined_when_staff_say_so(ann: Account) -> None:
    first = new_handoff("one")
    again = new_handoff("two", name="A. Sample")
    other = new_handoff("three", contact="ann@example.com")
    with reading() as session:
        assert [each.id for each in desk.same_person(session, fresh(again))] == [first.id]
    with writing() as session:
        desk.join(session, desk.get(session, again.id), desk.get(session, first.id), ann)
    assert (fresh(again).status, fresh(again).outcome) == ("done", "duplicate")
    assert fresh(again).joined_to_id == first.id
    assert fresh(first).status == "new"
    with pytest.raises(DeskError, match="in common"), writing() as session:
        desk.join(session, desk.get(session, first.id), desk.get(session, other.id), ann)


def test_handoffs_of_an_older_version_are_found_too(ann: Account) -> None:
    first, second = new_handoff("one"), new_handoff("two")
    with writing() as session:
        session.execute(sa.update(Contact).values(phone_key=None, email_key=None))
        found = session.get_one(Handoff, first.id)
        assert desk.same_person(session, found) == []
    with writing() as session:
        assert handoffs.add_missing_keys(session) == 2
        assert handoffs.add_missing_keys(session) == 0
    with reading() as session:
        found = session.get_one(Handoff, first.id)
        assert [each.id for each in desk.same_person(session, found)] == [second.id]


def test_a_person_is_found_however_the_number_was_typed(sqlite_database: object) -> None:
    assert handoffs.person_key("Ann@Example.com ") == handoffs.person_key("ann@example.com")
    assert handoffs.person_key("+12025550143") != handoffs.person_key("+12025550144")


NEW_YORK = ZoneInfo("America/New_York")
OPENING = Opening(timezone="America/New_York", monday="8:00-17:00", tuesday="8:00-17:00")


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ((2, 9, 0), (2, 10, 30), 1.5),
        ((2, 16, 0), (3, 9, 0), 2),
        ((2, 0, 0), (3, 23, 0), 18),
        ((3, 16, 0), (9, 9, 0), 2),
        ((4, 9, 0), (5, 9, 0), 0),
        ((2, 10, 0), (2, 9, 0), 0),
    ],
)
def test_only_working_time_counts(start: Any, end: Any, hours: float) -> None:
    """2 November 2026 is a Monday; the clinic is open on Mondays and Tuesdays."""
    began, ended = (
        datetime(2026, 11, day, hour, minute, tzinfo=NEW_YORK) for day, hour, minute in (start, end)
    )
    assert working_time.between(OPENING, began, ended) == timedelta(hours=hours)


def test_a_clinic_without_hours_counts_nothing() -> None:
    never = Opening(timezone="America/New_York")
    assert working_time.between(never, now() - timedelta(days=900), now()) == timedelta(0)


def test_changes_name_who_made_them(ann: Account) -> None:
    handoff = new_handoff()
    claim(handoff, ann)
    with reading() as session:
        by = session.scalars(
            sa.select(HandoffChange.changed_by).where(HandoffChange.handoff_id == handoff.id)
        ).all()
    assert by == ["visitor", "Ann Sample"]


def test_no_more_handoffs_no_more_queries(ann: Account) -> None:
    def read() -> None:
        with reading() as session:
            desk.queue(session)

    new_handoff()
    few = queries_of(read)
    for key in map(str, range(20)):
        new_handoff(key)
    assert queries_of(read) == few
