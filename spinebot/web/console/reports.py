"""Reports: tables, the pictures of them, the weekly sample, and the file for a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query, Request, Response

from spinebot import audit, reports
from spinebot.accounts import Right
from spinebot.db import now, reading, writing
from spinebot.models import Message
from spinebot.reports import Report, Weeks
from spinebot.web.console import charts
from spinebot.web.console.auth import Staff, allow, page, see
from spinebot.web.pages import templates

router = APIRouter(prefix="/console/reports", include_in_schema=False)
Reader = Annotated[Staff, allow(Right.REPORTS)]
Reviewer = Annotated[Staff, allow(Right.REVIEW)]
Exporter = Annotated[Staff, allow(Right.EXPORT)]
Count = Annotated[int, Query(ge=1, le=53)]
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

templates.env.globals["bars"] = charts.bars
templates.env.globals["shade"] = charts.shade


# What took longer than this to count is kept and counted anew in the background; all else is
# counted when it is asked for, so that a small clinic sees the figures of this moment.
SLOW_SECONDS = 1.0
KEPT = timedelta(minutes=15)
USUAL_WEEKS = 8
_kept: dict[Weeks, Report] = {}


@router.get("")
def report(request: Request, staff: Reader, weeks: Count = USUAL_WEEKS) -> Response:
    """All figures of the last weeks."""
    found = _report(Weeks.until_now(weeks))
    starts = found.weeks.starts
    return page(
        *(request, "reports.html", staff),
        report=found,
        starts=starts,
        labels=[f"{start:%b %-d}" for start in starts],
        ends=[start + timedelta(days=6) for start in starts],
        weeks=weeks,
        days=DAYS,
        last_week=starts[-1] - timedelta(weeks=1),
    )


def _report(period: Weeks) -> Report:
    kept = _kept.get(period)
    if kept is not None and kept.made_at > now() - KEPT:
        return kept
    with reading() as session:
        made = reports.make(session, period)
    _kept.pop(period, None)
    if made.took > SLOW_SECONDS:
        _kept[period] = made
    return made


def count_ahead() -> None:
    """Count anew what is slow and grows old, so that nobody waits for it."""
    usual = Weeks.until_now(USUAL_WEEKS)
    kept = _kept.get(usual)
    if kept is None or kept.made_at < now() - KEPT * 0.6:
        _kept.pop(usual, None)
        _report(usual)


@router.get("/weeks.csv")
def as_file(staff: Exporter, weeks: Count = 8) -> Response:
    """The counts by week. They hold no contact and no text."""
    period = Weeks.until_now(weeks)
    with writing() as session:
        measures = reports.measures(session, period)
        times = reports.desk_times(session, period)
        audit.record(session, staff.email, "exported", "reports", f"{weeks} weeks")
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        [
            *("week", *(each.name for each in measures)),
            *("first_response_working_hours", "resolution_working_hours"),
        ]
    )
    for place, start in enumerate(period.starts):
        counts = [each.counts[place] for each in measures]
        writer.writerow([start, *counts, times.first_response[place], times.resolution[place]])
    headers = {"Content-Disposition": 'attachment; filename="weeks.csv"'}
    return Response(file.getvalue(), media_type="text/csv", headers=headers)


@router.get("/sample")
def sample(request: Request, staff: Reader, week: date) -> Response:
    """The answers of one week that are to be judged."""
    week -= timedelta(days=week.weekday())
    with writing() as session:
        found = reports.sample(session, week)
        by_id = {each.message_id: each for each in found}
        answers = session.scalars(sa.select(Message).where(Message.id.in_(by_id))).all()
        asked = {
            (each.conversation_id, each.number): each.text
            for each in session.scalars(
                sa.select(Message).where(
                    sa.tuple_(Message.conversation_id, Message.number).in_(
                        [(each.conversation_id, each.in_reply_to) for each in answers]
                    )
                )
            )
        }
    right, judged = reports.judged(found)
    low, high = reports.interval(right, judged)
    return page(
        *(request, "sample.html", staff),
        week=week,
        before=week - timedelta(weeks=1),
        answers=answers,
        judgements=by_id,
        asked=asked,
        right=right,
        judged=judged,
        low=low,
        high=high,
    )


@router.post("/sample/{message_id}")
def judge(
    staff: Reviewer, message_id: int, week: Annotated[date, Form()], right: Annotated[str, Form()]
) -> Response:
    """Keep a judgement."""
    with writing() as session:
        reports.judge(session, message_id, right == "yes", staff.id)
        audit.record(session, staff.email, f"judged {right}", f"message {message_id}")
    return see(f"/console/reports/sample?week={week}#m{message_id}")
