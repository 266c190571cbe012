"""Pages and files that visitors reach: articles, the demo page, the widget, health checks."""

from __future__ import annotations

import functools
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.templating import Jinja2Templates
from markdown_it import MarkdownIt
from markupsafe import Markup
from sqlalchemy.orm import Session, selectinload

from spinebot import safety
from spinebot.articles.answers import long_date, newest_revision, review_line
from spinebot.clinic import clinic
from spinebot.db import engine, reading
from spinebot.errors import NotFoundError
from spinebot.models import Article, Section, SectionRevision
from spinebot.settings import ROOT
from spinebot.training import trials
from spinebot.training.models import live_model

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(
    directory=ROOT / "spinebot/web/templates",
    context_processors=[lambda request: {"clinic": clinic()}],
)
WIDGET = ROOT / "widget"
STATIC = ("pages.css", "pages.js", "console.css", "console.js", "icon.svg")
FRONT = "herniated-disc-muscle-spasms"
WORDS_A_MINUTE = 200
MOST_RELATED = 4
_PANEL = (
    *("style", "host", "server", "pieces", "messages", "home", "transcript", "details", "more"),
    *("conversation", "panel"),
)
# What visitors load, and the files that it is made of, each after those that it imports.
SCRIPTS = {
    "spine-chat.js": ("spine-chat.js",),
    "panel.js": tuple(f"panel/{part}.js" for part in _PANEL),
    "texts.js": ("texts.js",),
}
_FILE_HEADERS = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}

# HTML in an article is shown as text, never run.
_markdown = MarkdownIt("zero", {"html": False}).enable(["list", "emphasis"])


def _html(text: str) -> Markup:
    return Markup(_markdown.render(text))  # noqa: S704  the renderer escapes


templates.env.filters["markdown"] = _html
templates.env.filters["long_date"] = long_date
templates.env.filters["moment"] = lambda at: Markup(  # noqa: S704  only digits and letters
    f'<time datetime="{at.isoformat(timespec="seconds")}">{local(at):%b %-d, %Y, %H:%M}</time>'
)
templates.env.filters["input_moment"] = lambda at: f"{local(at):%Y-%m-%dT%H:%M}"
templates.env.filters["duration"] = lambda span: (
    f"{span // timedelta(hours=1)} h {span % timedelta(hours=1) // timedelta(minutes=1)} min"
)
templates.env.globals["csrf"] = lambda staff: Markup(  # noqa: S704  only digits
    f'<input type="hidden" name="csrf" value="{staff.csrf}">'
)
# What the visitor was told to do, in the words of the console.
URGENCY = {
    "call_911": "call 911",
    "call_988": "call or text 988",
    "er_now": "go to an emergency room now",
    "doctor_today": "see a doctor today",
}
templates.env.filters["urgency"] = lambda action: URGENCY.get(action, action)
templates.env.filters["red_flag"] = safety.name_of
templates.env.filters["upper_first"] = lambda text: text[:1].upper() + text[1:]


def local(at: datetime) -> datetime:
    """Return a time on the clinic's clocks."""
    return at.astimezone(ZoneInfo(clinic().opening.timezone))


@router.get("/")
async def demo(request: Request) -> HTMLResponse:
    """An article page with the widget on it, as it looks on a clinic's website."""
    return await to_thread.run_sync(_page, request, "article.html", _front)


@router.get("/articles/")
async def articles(request: Request) -> HTMLResponse:
    """All articles."""
    return await to_thread.run_sync(_page, request, "articles.html", _all_articles)


@router.get("/articles/{slug}")
async def article(request: Request, slug: str) -> HTMLResponse:
    """An article in its wording of today."""
    return await to_thread.run_sync(_page, request, "article.html", lambda s: _article(s, slug))


@router.get("/articles/{slug}/{section}/{number}")
async def revision(request: Request, slug: str, section: str, number: int) -> HTMLResponse:
    """A section as it was worded at some time."""
    return await to_thread.run_sync(
        _page, request, "revision.html", lambda s: _revision(s, slug, section, number)
    )


@router.get("/try/{secret}")
async def trial(request: Request, secret: str) -> HTMLResponse:
    """The widget for a guest who tries the bot out; nothing of it counts."""
    found = await to_thread.run_sync(
        _page, request, "trial.html", lambda s: {"link": trials.link(s, secret)}
    )
    found.headers["Cache-Control"] = "no-store"
    found.headers["Referrer-Policy"] = "no-referrer"
    return found


@router.get("/widget/{name}")
async def widget_file(name: str) -> Response:
    """The widget's scripts, without comments and indentation."""
    if name not in SCRIPTS:
        raise NotFoundError("There is no such file.")
    changed = tuple((WIDGET / part).stat().st_mtime_ns for part in SCRIPTS[name])
    text = await to_thread.run_sync(script, name, changed)
    return Response(text, media_type="text/javascript", headers=_FILE_HEADERS)


@functools.lru_cache(maxsize=8)
def script(name: str, changed: tuple[int, ...] = ()) -> str:
    """Return a script as visitors load it: one request, and nothing that only its authors read.

    Its parts become one module, so that all but the last need no imports and exports.
    """
    *parts, last = ((WIDGET / part).read_text(encoding="utf-8") for part in SCRIPTS[name])
    text = "".join(re.sub(r"^export ", "", part, flags=re.M) for part in parts) + last
    text = re.sub(r'^import .* from "\./\w+\.js";\n', "", text, flags=re.M)
    # Comments, indentation and empty lines take a fifth of it.
    text = re.sub(r"^ */\*\*.*?\*/\n", "", text, flags=re.M | re.S)
    text = re.sub(r"^ *//.*\n", "", text, flags=re.M)
    return re.sub(r"^ +|^\n", "", text, flags=re.M)


@router.get("/static/{name}")
async def static_file(name: str) -> Response:
    """The pages' style, script and icon."""
    if name == "clinic.css":
        colors = clinic().colors
        css = f":root {{ --primary: {colors.primary}; --on-primary: {colors.on_primary}; }}"
        return Response(css, media_type="text/css", headers={"Cache-Control": "no-cache"})
    if name not in STATIC:
        raise NotFoundError("There is no such file.")
    path = ROOT / "spinebot/web/static" / name
    return FileResponse(path, headers={"Cache-Control": "public, max-age=300"})


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process lives."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Everything that an answer needs is there: 200, or 503 with what is missing."""
    missing = [] if await to_thread.run_sync(_database_answers) else ["database"]
    if live_model() is None:
        missing.append("model")
    missing += await request.app.state.rasa.missing()
    status = 503 if missing else 200
    return JSONResponse({"ready": not missing, "missing": missing}, status_code=status)


def _database_answers() -> bool:
    try:
        with engine().connect() as connection:
            connection.execute(sa.select(Article.id).limit(1))
    except sa.exc.SQLAlchemyError:
        return False
    return True


def _page(request: Request, template: str, content: Any) -> HTMLResponse:
    with reading() as session:
        return templates.TemplateResponse(request, template, content(session))


def _all_articles(session: Session) -> dict[str, Any]:
    found = session.scalars(
        sa.select(Article).where(Article.retired_at.is_(None)).order_by(Article.topic, Article.id)
    )
    return {"articles": list(found)}


def _front(session: Session) -> dict[str, Any]:
    """The anchor article; a clinic with other articles gets its first."""
    of_topic = sa.select(Article.slug).where(Article.retired_at.is_(None)).order_by(Article.id)
    slug = session.scalar(of_topic.where(Article.slug == FRONT)) or session.scalar(of_topic)
    return {**_article(session, slug or FRONT), "is_front": True}


def _article(session: Session, slug: str) -> dict[str, Any]:
    found = session.scalar(
        sa.select(Article)
        .where(Article.slug == slug, Article.retired_at.is_(None))
        .options(selectinload(Article.sections).selectinload(Section.revisions))
    )
    if found is None:
        raise NotFoundError("There is no such article.")
    sections = [section for section in found.sections if section.retired_at is None]
    text = "\n".join(section.revision.body for section in sections)
    others = sa.select(Article).where(
        Article.topic == found.topic, Article.id != found.id, Article.retired_at.is_(None)
    )
    return {
        "minutes": max(1, round(len(text.split()) / WORDS_A_MINUTE)),
        "related": list(session.scalars(others.order_by(Article.id).limit(MOST_RELATED))),
        "article": found,
        "sections": sections,
        "review": review_line(found),
        "footnotes": clinic().footnotes_of(text),
    }


def _revision(session: Session, slug: str, section: str, number: int) -> dict[str, Any]:
    found = session.scalar(
        sa.select(SectionRevision)
        .join(Section)
        .join(Article)
        .where(Article.slug == slug, Section.slug == section, SectionRevision.number == number)
    )
    if found is None:
        raise NotFoundError("There is no such wording.")
    newest = newest_revision(session, found.section)
    return {
        "article": found.section.article,
        "section": found.section,
        "revision": found,
        "is_current": newest.id == found.id and found.section.retired_at is None,
        "review": review_line(found),
        "footnotes": clinic().footnotes_of(found.body),
    }
