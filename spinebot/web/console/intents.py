"""Intents: their examples and tests, and the form that makes a new one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from spinebot import articles, audit
from spinebot.accounts import Right
from spinebot.db import reading, writing
from spinebot.errors import NotFoundError, SpinebotError
from spinebot.models import Account, Message
from spinebot.training import (
    changes,
    checks,
    examples,
    exchange,
    inbox,
    intents,
    knowledge,
    likeness,
    release,
)
from spinebot.training.examples import TESTS, TRAINING
from spinebot.training.intents import Draft, IntentError
from spinebot.web.console.auth import Staff, act, allow, page, see

router = APIRouter(prefix="/console/intents", include_in_schema=False)
PLACE = "/console/intents"
Trainer = Annotated[Staff, allow(Right.TRAIN)]
Exporter = Annotated[Staff, allow(Right.EXPORT)]
Text = Annotated[str, Form()]
Texts = Annotated[list[str], Form()]


@router.get("")
def overview(request: Request, staff: Trainer) -> Response:
    """All intents."""
    known = Counter(each.intent for each in examples.read(changes.project() / TRAINING))
    tested = Counter(each.intent for each in examples.read(changes.project() / TESTS))
    with reading() as session:
        answered = knowledge.answered(session)
    return page(
        *(request, "intents.html", staff),
        intents=[(name, known[name], tested[name], answered.get(name)) for name in sorted(known)],
    )


@router.get("/insights")
def insights(request: Request, staff: Trainer) -> Response:
    """What of the training data is worth a look, and where it is mended."""
    project = changes.project()
    known = examples.read(project / TRAINING)
    taught = Counter(each.intent for each in known)
    tested = Counter(each.intent for each in examples.read(project / TESTS))
    usual = sorted(taught.values())[len(taught) // 2] if taught else 0
    return page(
        *(request, "insights.html", staff),
        conflicts=likeness.conflicts(known),
        few=sorted((n, name) for name, n in taught.items() if n < intents.FEWEST_EXAMPLES),
        many=sorted(((n, name) for name, n in taught.items() if n > 3 * usual), reverse=True),
        untested=sorted(set(taught) - set(tested)),
        usual=usual,
        faults=checks.faults(),
    )


@dataclass(frozen=True)
class Wizard:
    """The form of a new intent, as it was sent."""

    question: str = ""
    name: str = ""
    wants: str = ""
    title: str = ""
    section: str = ""
    search: str = ""
    examples: str = ""
    tests: str = ""
    following: tuple[str, ...] = ()
    # Messages of visitors that were ticked.
    taken: tuple[str, ...] = ()

    @property
    def draft(self) -> Draft:
        """What it says, cleaned; what was left empty is taken from the question."""
        taught = [*_lines(self.examples), *map(examples.clean, self.taken)]
        return Draft(
            name=self.name.strip() or intents.suggested_name(self.question),
            wants=" ".join((self.wants or self.question).split()),
            title=" ".join((self.title or self.question).split()),
            section=self.section,
            examples=list(dict.fromkeys(filter(None, taught))),
            tests=_lines(self.tests),
            following=list(self.following),
        )


def _lines(text: str) -> list[str]:
    return [line for each in text.splitlines() if (line := examples.clean(each))]


@router.get("/new")
def new(request: Request, staff: Trainer, message: int = 0, question: str = "") -> Response:
    """The empty form, or one that begins with a visitor's message."""
    with reading() as session:
        found = session.get(Message, message) if message else None
        text = found.text if found is not None else question
    form = Wizard(question=text, examples=f"{text}\n" if found is not None else "")
    return _form(request, staff, form, is_checked=False)


@router.post("/new")
def check(
    request: Request,
    staff: Trainer,
    question: Text = "",
    name: Text = "",
    wants: Text = "",
    title: Text = "",
    section: Text = "",
    search: Text = "",
    sentences: Text = "",
    tests: Text = "",
    following: Texts = [],  # noqa: B006  FastAPI copies it
    taken: Texts = [],  # noqa: B006
    press: Annotated[str, Form(alias="act")] = "check",
) -> Response:
    """Check the form, preview what it would do, add the intent, or ask for an article."""
    form = Wizard(
        *(question, name, wants, title, section, search, sentences, tests),
        *(tuple(following), tuple(taken)),
    )
    if press == "request":
        return _request(staff, form)
    if press == "add":
        try:
            intents.add(form.draft, staff.email)
            changed = changes.history()[0]
            knowledge.load()
        except IntentError:
            pass  # the form says what is wrong
        except SpinebotError as error:
            return _form(request, staff, form, is_checked=True, fault=str(error))
        else:
            with writing() as session:
                audit.record(session, staff.email, f"added the intent {form.draft.name}")
            return see(
                f"{PLACE}/{form.draft.name}",
                f"{form.draft.name} is added (change {changed.id}); train a model to use it.",
            )
    return _form(request, staff, form, is_checked=True, is_preview=press == "preview")


def _request(staff: Staff, form: Wizard) -> Response:
    """Ask for an article: the question waits on the page Articles."""
    if not form.draft.title:
        return see(f"{PLACE}/new", "Write the question first.")
    with writing() as session:
        knowledge.ask_for(session, form.draft.title, form.draft.examples, staff.id)
        audit.record(session, staff.email, "asked for an article")
    return see("/console/articles#wanted", "The article is asked for; it stands on this page.")


def _form(
    request: Request,
    staff: Staff,
    form: Wizard,
    *,
    is_checked: bool,
    is_preview: bool = False,
    fault: str = "",
) -> Response:
    draft = form.draft
    faults = intents.faults(draft) if is_checked else []
    diff = ""
    if is_preview and not faults:
        diff = intents.preview(draft)
    with reading() as session:
        sections = knowledge.sections_near(session, form.search or form.question)
        chosen = knowledge.answer_at(session, draft.section, draft.name)
        about = draft.examples or [draft.title][: bool(draft.title)]
        offered = inbox.unanswered_like(session, about, [*draft.examples, *draft.tests])
        titles = [(title, intent) for intent, (title, *_) in knowledge.answered(session).items()]
    return page(
        *(request, "intent_new.html", staff, 422 if is_checked and (faults or fault) else 200),
        form=form,
        draft=draft,
        faults=faults,
        fault=fault,
        is_checked=is_checked,
        advice=likeness.advice(draft.name, draft.examples, draft.tests) if draft.examples else [],
        diff=diff,
        sections=sections,
        chosen=chosen,
        offered=offered,
        titles=sorted(titles),
        fewest=(intents.FEWEST_EXAMPLES, intents.FEWEST_TESTS),
        second_reader=release.second_reader(),
    )


@router.get("/export/{kind}")
def export(staff: Exporter, kind: str) -> Response:
    """The training data as a file."""
    if kind not in exchange.KINDS:
        raise NotFoundError("Export csv or yml.")
    text = exchange.export(kind)
    with writing() as session:
        audit.record(session, staff.email, f"exported the training data as {kind}")
    headers = {"Content-Disposition": f'attachment; filename="training-data.{kind}"'}
    media = "text/csv" if kind == "csv" else "application/yaml"
    return Response(text, media_type=media, headers=headers)


@router.post("/import")
async def upload(request: Request, staff: Trainer, file: UploadFile) -> Response:
    """Show what a file would add or change."""
    data = await file.read(4 * exchange.LARGEST + 1)
    name = (file.filename or "file").lower()
    try:
        content = data.decode("utf-8")
        found = await to_thread.run_sync(lambda: exchange.preview(exchange.read(name, content)))
    except UnicodeDecodeError:
        return see(PLACE, f"{name} is no text in UTF-8.")
    except SpinebotError as error:
        return see(PLACE, str(error))
    return page(*(request, "intents_import.html", staff), found=found, name=name, content=content)


@router.post("/import/apply")
def apply(staff: Trainer, name: Text = "", content: Text = "", overwrite: Text = "") -> Response:
    """Add what was shown."""
    try:
        pairs = exchange.read(name, content)
        if refused := _needs_lead(staff, exchange.preview(pairs).touched):
            return see(PLACE, refused)
        found = exchange.apply(pairs, staff.email, overwrite=bool(overwrite))
    except SpinebotError as error:
        return see(PLACE, str(error))
    moved = f", {len(found.moved)} moved" if overwrite and found.moved else ""
    with writing() as session:
        audit.record(session, staff.email, f"imported {found.count} examples{moved}")
    return see(PLACE, f"{found.count} examples are added{moved}.")


@router.get("/{name}")
def intent(request: Request, staff: Trainer, name: str) -> Response:
    """One intent: its examples, its tests, its answer."""
    project = changes.project()
    taught = [each for each in examples.read(project / TRAINING) if each.intent == name]
    tested = [each for each in examples.read(project / TESTS) if each.intent == name]
    if not taught:
        raise NotFoundError("There is no such intent.")
    with reading() as session:
        answer = articles.answer(session, name)
    return page(
        *(request, "intent.html", staff),
        name=name,
        taught=taught,
        tested=tested,
        answer=answer,
        intents=examples.intents(),
        advice=likeness.advice(name, [each.text for each in taught]),
    )


@router.post("/{name}/examples")
def add_examples(
    staff: Trainer, name: str, sentences: Text = "", into: Text = "training"
) -> Response:
    """Add examples or test sentences, one a line."""
    if refused := _needs_lead(staff, {name} if into != "tests" else set()):
        return see(f"{PLACE}/{name}", refused)
    file = TESTS if into == "tests" else TRAINING
    return act(
        *(staff, f"{PLACE}/{name}", f"added to {name}"),
        lambda *_: f"{len(examples.add(name, _lines(sentences), staff.email, name=file))} added.",
    )


@router.post("/{name}/remove")
def remove_examples(
    staff: Trainer,
    name: str,
    sentences: Texts = [],  # noqa: B006
    into: Text = "training",
    target: Text = "",
) -> Response:
    """Take examples out, or move them to another intent."""
    if refused := _needs_lead(staff, {name, target.strip()} if into != "tests" else set()):
        return see(f"{PLACE}/{name}", refused)
    file = TESTS if into == "tests" else TRAINING

    def do(_session: Session, _account: Account) -> str:
        if not sentences:
            return "Tick what is to go."
        if target:
            examples.move(sentences, name, target.strip(), staff.email)
            return f"{len(sentences)} moved to {target}."
        examples.remove(name, sentences, staff.email, name=file)
        return f"{len(sentences)} taken out."

    return act(staff, f"{PLACE}/{name}", f"took out of {name}", do)


def _needs_lead(staff: Staff, names: set[str]) -> str:
    """Return why somebody may not change the examples of these intents by hand; empty: they may."""
    touched = sorted(names & release.second_reader())
    if not touched or staff.may("APPROVE"):
        return ""
    return (
        f"{', '.join(touched)}: about emergencies or treatments. A lead changes these by hand; in "
        "the inbox two readers and a lead do."
    )
