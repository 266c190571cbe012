"""Reports: each figure is what the list behind it shows."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa

from spinebot import demo, reports, reviews
from spinebot.db import now, reading, writing
from spinebot.models import (
    Account,
    Conversation,
    Finding,
    Handoff,
    HandoffStatus,
    Message,
    Unanswered,
)
from spinebot.reports import Weeks
from spinebot.reviews import Filters
from tests.console import new_account, talk
from tests.factories import load_articles


@pytest.fixture
def sampled(database: str) -> Account:
    """A clinic with 60 sample conversations."""
    load_articles()
    account = new_account()
    with writing() as session:
        demo.fill(session, 60, account)
    return account


WEEKS = Weeks.until_now(12)


@pytest.mark.parametrize("seed", range(5))
def test_samples_have_requests_that_wait_whatever_the_day(
    sqlite_database: object, seed: int
) -> None:
    """By the seed: it moves all times, as another day does."""
    load_articles()
    with writing() as session:
        demo.fill(session, 120, new_account(), seed)
        flagged = sa.select(Finding.conversation_id)
        waiting = sa.select(sa.func.count()).where(Handoff.status == HandoffStatus.NEW.value)
        calm = Handoff.conversation_id.not_in(flagged)
        assert (session.scalar(waiting.where(calm)) or 0) >= 4
        assert (session.scalar(waiting.where(~calm)) or 0) >= 1


def listed(account: Account, filters: str, start: date, end: date) -> int:
    asked = {**dict(parse_qsl(filters)), "since": str(start), "until": str(end)}
    count, before = 0, ""
    with reading() as session:
        while True:
            page = reviews.find_conversations(session, Filters(**asked), account.id, before)
            count += len(page.rows)
            if page.before is None:
                return count
            before = page.before


def test_every_figure_is_the_list_behind_it(sampled: Account) -> None:
    with reading() as session:
        measures = reports.measures(session, WEEKS)
    assert measures[0].total == 60
    assert {each.name for each in measures if each.total} >= {"resolved", "fallback", "handoff"}
    end = WEEKS.starts[-1] + timedelta(days=6)
    for each in measures:
        assert listed(sampled, each.filters, WEEKS.starts[0], end) == each.total, each.name
        for start, count in zip(WEEKS.starts, each.counts, strict=True):
            assert listed(sampled, each.filters, start, start + timedelta(days=6)) == count


def test_the_funnel_narrows(sampled: Account) -> None:
    with reading() as session:
        steps = {step.title: step.count for step in reports.funnel(session, WEEKS)}
        closed = sum(count for _, count in reports.outcomes(session, WEEKS))
    assert steps["sent"] >= steps["contacted"] >= steps["closed"] > 0
    assert closed == steps["closed"]


def test_the_offer_and_the_form_are_counted(database: str) -> None:
    conversation = talk("hello", "yes")
    with writing() as session:
        session.get_one(Conversation, conversation.id).memory = {"mri_offer": "accepted"}
        message = session.scalars(sa.select(Message).where(Message.number == 2)).one()
        message.custom = {"type": "form", "slot": "name"}
    with reading() as session:
        steps = {step.title: step.count for step in reports.funnel(session, WEEKS)}
    assert (steps["MRI review offered"], steps["offer accepted"]) == (1, 1)
    assert (steps["form asked: name"], steps["form asked: contact"]) == (1, 0)


def test_times_are_medians_in_working_hours(database: str) -> None:
    """Monday 2 November 2026, the sample clinic is open from 8 to 17 in New York (UTC-5)."""
    came = datetime(2026, 11, 2, 15, tzinfo=timezone.utc)
    with writing() as session:
        for number, hours in enumerate((1, 2, 30)):
            session.add(
                Handoff(
                    reference=f"SB-{number}",
                    sender="",
                    reason="callback",
                    consent_text="",
                    consented_at=came,
                    created_at=came,
                    first_attempt_at=came + timedelta(hours=hours),
                    key=str(number),
                )
            )
    weeks = Weeks((date(2026, 10, 26), date(2026, 11, 2)))
    with reading() as session:
        times = reports.desk_times(session, weeks)
    assert times.first_response == (None, 2.0)
    assert times.resolution == (None, None)


def test_messages_stand_under_the_clinics_hour(database: str) -> None:
    conversation = talk("hello")
    at = datetime(2026, 11, 2, 3, 30, tzinfo=timezone.utc)  # Sunday, 22:30 in New York
    with writing() as session:
        session.execute(sa.update(Message).values(created_at=at))
        session.get_one(Conversation, conversation.id).last_message_at = at
    with reading() as session:
        grid = reports.heat_map(session, Weeks((date(2026, 10, 26),)))
    assert grid[6][22] == 1
    assert sum(map(sum, grid)) == 1


def test_what_was_asked_most_comes_first(sampled: Account) -> None:
    with reading() as session:
        counts = [count for _, _, count in reports.top_questions(session, WEEKS)]
        open_questions = reports.unanswered_questions(session, WEEKS)
        known = session.scalar(sa.select(sa.func.count()).select_from(Unanswered))
    assert counts == sorted(counts, reverse=True)
    assert len(open_questions) == min(known or 0, reports.TOP)


def test_a_sample_is_drawn_once_and_judged(sampled: Account) -> None:
    week = WEEKS.starts[-3]
    with writing() as session:
        first = [each.message_id for each in reports.sample(session, week)]
        again = [each.message_id for each in reports.sample(session, week)]
    assert first == again
    assert 0 < len(first) <= reports.SAMPLE
    with writing() as session:
        reports.judge(session, first[0], True, sampled.id)
        assert reports.judged(reports.sample(session, week)) == (1, 1)


def test_a_week_that_goes_on_has_no_sample(sampled: Account) -> None:
    with writing() as session:
        assert reports.sample(session, WEEKS.starts[-1]) == []


@pytest.mark.parametrize(
    ("right", "judged", "low", "high"),
    [(0, 0, 0, 1), (25, 25, 0.867, 1), (0, 25, 0, 0.133), (20, 25, 0.609, 0.911)],
)
def test_the_interval_is_wilsons(right: int, judged: int, low: float, high: float) -> None:
    """Against values of statsmodels' proportion_confint(method="wilson")."""
    assert reports.interval(right, judged) == pytest.approx((low, high), abs=0.001)


def test_samples_go_into_an_empty_database_only(sampled: Account) -> None:
    with pytest.raises(Exception, match="already"), writing() as session:
        demo.fill(session, 1)


def test_weeks_begin_on_monday() -> None:
    assert all(start.weekday() == 0 for start in WEEKS.starts)
    assert WEEKS.bounds[-1] > now()


def test_the_sample_clinic_is_plainly_a_sample(sampled: Account, tmp_path: Path) -> None:
    with reading() as session:
        handoffs = session.scalars(sa.select(Handoff)).all()
        assert handoffs
        assert all(each.contact.name.endswith(" Sample") for each in handoffs)
        assert all((each.contact.phone or "").startswith("+12025550") for each in handoffs)
