"""The history of models that were put live: who, when, from, to, why, with which figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import audit
from spinebot.errors import SpinebotError
from spinebot.files import write_whole
from spinebot.models import Question, Release
from spinebot.settings import settings
from spinebot.training import changes, evaluation, models, release
from spinebot.training import notes as release_notes

SHOWN = 50


class PromotionError(SpinebotError):
    """A model cannot be put live."""


def trained() -> list[Path]:
    """Return the models that there are, the newest first."""
    folder = settings().models_dir
    return sorted(folder.glob("*.tar.gz"), reverse=True) if folder.is_dir() else []


def model(name: str = "") -> Path:
    """Return a model by its name; without one, the live model.

    Raises:
        PromotionError: there is none.
    """
    found = models.live_model()
    if name:
        found = next((each for each in trained() if name in (each.name, plain_name(each))), None)
    if found is None:
        raise PromotionError("There is no such model (any more)." if name else "No model is live.")
    return found


def plain_name(model: Path) -> str:
    """Return a model's name without its ending."""
    return model.name.removesuffix(".tar.gz")


def figures(model: Path) -> list[dict[str, Any]]:
    """Return what was measured of a model before it might go live; empty if it was not."""
    file = release.figures_of(model)
    return list(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else []


def notes_of(model: Path) -> Path:
    """Return the file of a model's release notes, written when it is put live."""
    return model.with_name(f"{plain_name(model)}.notes.md")


def notes(found: Path) -> str:
    """Return the release notes of a model, against the live one.

    Raises:
        PromotionError: it was not measured.
    """
    after = evaluation.read(found)
    if after is None:
        raise PromotionError(f"{found.name} was not measured: `spinebot models evaluate` does it.")
    live = models.live_model()
    before = evaluation.read(live) if live and live != found else None
    since = before.made_at if before else after.made_at
    made = [each for each in changes.history() if since <= each.at <= after.made_at]
    return release_notes.write(before, after, made)


def promote(session: Session, name: str, who: str, why: str = "") -> Path:
    """Put a model live: it is written down, and with the commit the pointer follows.

    Raises:
        PromotionError: there is no such model, it was not measured or has failed, or it is live.
    """
    found_model = model(name) if name else None
    if found_model is None:
        raise PromotionError("There is no such model (any more).")
    return _promote(session, found_model, who, why)


def _promote(session: Session, model: Path, who: str, why: str) -> Path:
    name = model.name
    if not figures(model):
        raise PromotionError(f"{name} was not measured: `spinebot models evaluate {name}` does it.")
    found = [release.Measure(**each) for each in figures(model)]
    if wrong := release.faults(found, release.bars()):
        raise PromotionError(f"{name} may not go live.\n" + "\n".join(wrong))
    live = models.live_model()
    if live == model:
        raise PromotionError(f"{name} is live already.")
    session.add(
        Release(
            model=name,
            previous=live.name if live else None,
            who=who,
            why=why.strip()[:500],
            figures={each.name: each.share for each in found},
        )
    )
    audit.record(session, who, "put live", f"model {name}")
    if evaluation.read(model) is not None:
        write_whole(notes_of(model), notes(model))
    sa.event.listen(session, "after_commit", lambda _: models.put_live(model), once=True)
    return model


def before_this(session: Session) -> str | None:
    """Return the model that was live before the present one."""
    live = models.live_model()
    if live is None:
        return None
    last = session.scalar(
        sa.select(Release)
        .where(Release.model == live.name, Release.previous.is_not(None))
        .order_by(Release.id.desc())
        .limit(1)
    )
    return last.previous if last else None


def note(
    session: Session, name: str, what: str, is_served: bool, *, only_unknown: bool = False
) -> None:
    """Write what became of the newest release of a model (only_unknown: if nobody knows yet)."""
    found = session.scalar(
        sa.select(Release).where(Release.model == name).order_by(Release.id.desc()).limit(1)
    )
    if found is not None and not (only_unknown and found.outcome):
        found.outcome, found.is_served = what[:500], is_served


def history(session: Session) -> list[Release]:
    """Return the releases, the newest first."""
    query = sa.select(Release).order_by(Release.id.desc()).limit(SHOWN)
    return list(session.scalars(query))


def any_question(session: Session) -> str | None:
    """Return a question that an article answers, for the examination of a model."""
    query = sa.select(Question.title).order_by(Question.intent).limit(1)
    return session.scalar(query)
