"""Articles: what is due for review, and the editor with its previews."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from spinebot import articles as knowledge
from spinebot import audit
from spinebot.accounts import Right
from spinebot.articles import reading
from spinebot.clinic import clinic
from spinebot.db import reading as session_for_reading
from spinebot.db import writing
from spinebot.errors import ArticleError, SpinebotError
from spinebot.training import changes
from spinebot.training import knowledge as store
from spinebot.training import writing as editor
from spinebot.training.writing import ArticleText, SectionText
from spinebot.web.console.auth import Staff, act, allow, page, see

router = APIRouter(prefix="/console/articles", include_in_schema=False)
PLACE = "/console/articles"
Trainer = Annotated[Staff, allow(Right.TRAIN)]
DUE_SOON = timedelta(days=60)
MOST_SECTIONS = 20


async def _fields(request: Request) -> FormData:
    return await request.form()


Fields = Annotated[FormData, Depends(_fields)]


@router.get("")
def overview(request: Request, staff: Trainer) -> Response:
    """All articles, and those that are asked for."""
    files = knowledge.read_articles(changes.project() / "knowledge")
    with session_for_reading() as session:
        wanted = store.wanted(session)
    today = date.today()
    rows = [
        {
            "article": file,
            "sections": len(file.sections),
            "silent": sum(not section.front.answers for section in file.sections),
            "grade": round(
                sum(reading.grade(section.body) for section in file.sections) / len(file.sections),
                1,
            ),
            "is_due": file.front.review_due <= today,
            "is_due_soon": file.front.review_due <= today + DUE_SOON,
        }
        for file in files
    ]
    return page(*(request, "articles.html", staff), rows=rows, wanted=wanted)


@router.post("/wanted/{request_id}/done")
def done(staff: Trainer, request_id: int) -> Response:
    """An article that was asked for is there, or not wanted any more."""
    return act(
        *(staff, PLACE, "dealt with an article request"),
        lambda session, _: store.deal_with(session, request_id),
        f"article request {request_id}",
    )


@router.get("/new")
def new(request: Request, staff: Trainer, title: str = "") -> Response:
    """The editor, empty."""
    today = date.today()
    text = ArticleText(
        *("", "", title, "", ""),
        written_on=today.isoformat(),
        reviewed_by=knowledge.PENDING,
        reviewed_on="",
        review_due=(today + timedelta(days=181)).isoformat(),
        sources="",
        sections=[SectionText("", "", "") for _ in range(4)],
    )
    return _editor(request, staff, text, is_new=True, is_checked=False)


@router.get("/{slug}")
def edit(request: Request, staff: Trainer, slug: str) -> Response:
    """The editor with an article."""
    return _editor(request, staff, editor.read(slug), is_new=False, is_checked=True)


@router.post("/new")
def create(request: Request, staff: Trainer, fields: Fields) -> Response:
    """Check or add a new article."""
    return _save(request, staff, fields, is_new=True)


@router.post("/{slug}")
def save(request: Request, staff: Trainer, slug: str, fields: Fields) -> Response:
    """Check or save an article."""
    return _save(request, staff, fields, is_new=False, slug=slug)


def _save(
    request: Request, staff: Staff, fields: FormData, *, is_new: bool, slug: str = ""
) -> Response:
    text = _text(fields, None if is_new else editor.read(slug))
    press = _get(fields, "act")
    if press == "section" and len(text.sections) < MOST_SECTIONS:
        text = editor.with_section(text)
        return _editor(request, staff, text, is_new=is_new, is_checked=False)
    if press == "save":
        try:
            editor.save(text, staff.email)
            loaded = store.load()
        except ArticleError:
            pass  # the editor says what is wrong
        except SpinebotError as error:
            return _editor(request, staff, text, is_new=is_new, is_checked=True, fault=str(error))
        else:
            with writing() as session:
                audit.record(session, staff.email, f"saved the article {text.slug}")
            return see(f"{PLACE}/{text.slug}", f"Saved; visitors read it from now on. {loaded}")
    return _editor(request, staff, text, is_new=is_new, is_checked=True)


def _get(fields: FormData, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _text(fields: FormData, known: ArticleText | None) -> ArticleText:
    """Return the form as an article; what it cannot change is taken from the known one."""
    count = min(MOST_SECTIONS, sum(1 for key in fields if key.endswith("_heading")))
    sections = []
    for n in range(count):
        own = known.sections[n] if known and n < len(known.sections) else None
        sections.append(
            SectionText(
                slug=own.slug if own else _get(fields, f"s{n}_slug"),
                heading=_get(fields, f"s{n}_heading"),
                body=_get(fields, f"s{n}_body"),
                facts=_get(fields, f"s{n}_facts"),
                following=_get(fields, f"s{n}_following"),
                offer_mri_review=bool(_get(fields, f"s{n}_offer")),
                answers=own.answers if own else (),
                when=own.when if own else "",
            )
        )
    # What was left empty behind the last section is no section.
    while len(sections) > 1 and not (sections[-1].body.strip() or sections[-1].answers):
        if known and len(sections) <= len(known.sections):
            break
        sections.pop()
    values: dict[str, Any] = {
        name: _get(fields, name)
        for name in (
            *("title", "summary", "opening", "written_on", "reviewed_by", "reviewed_on"),
            *("review_due", "sources"),
        )
    }
    return ArticleText(
        topic=known.topic if known else _get(fields, "topic").strip(),
        slug=known.slug if known else _get(fields, "slug").strip(),
        sections=sections,
        **values,
    )


def _editor(
    request: Request,
    staff: Staff,
    text: ArticleText,
    *,
    is_new: bool,
    is_checked: bool,
    fault: str = "",
) -> Response:
    faults = editor.faults(text) if is_checked else []
    found = editor.preview(text)
    whole = "\n".join(section.body for section in found.sections) if found else ""
    return page(
        *(request, "article_edit.html", staff, 422 if faults or fault else 200),
        text=text,
        is_new=is_new,
        faults=faults,
        fault=fault,
        is_checked=is_checked,
        topics=editor.topics(),
        hardest_grade=reading.HARDEST_GRADE,
        answer_length=editor.ANSWER_LENGTH,
        found=found,
        words=sum(section.words for section in text.sections) + knowledge.count_words(text.opening),
        footnotes=clinic().footnotes_of(whole),
    )
