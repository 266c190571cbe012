"""The map of what the articles cover."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from spinebot import coverage as covered
from spinebot.accounts import Right
from spinebot.db import reading
from spinebot.web.console.auth import Staff, allow, page

router = APIRouter(prefix="/console/coverage", include_in_schema=False)
Reader = Annotated[Staff, allow(Right.REPORTS)]


@router.get("")
def coverage(request: Request, staff: Reader) -> Response:
    """Questions by how often they are asked, and where something is missing."""
    with reading() as session:
        questions = covered.questions(session)
        silent = covered.silent_sections(session)
        missing = covered.nearest_to_unanswered(session)
        asked = covered.unanswered_by_week(session)
    return page(
        *(request, "coverage.html", staff),
        questions=sorted(questions, key=lambda each: (-each.asked, each.intent)),
        never=[each for each in questions if not each.asked],
        unhelpful=[each for each in questions if each.is_unhelpful],
        silent=silent,
        missing=missing,
        asked=asked,
        unanswered_intents=covered.intents_without_answer(session),
        weeks=covered.WEEKS,
    )
