"""Models that are put live: only measured ones, and each with who, when, from, to and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spinebot import releases
from spinebot.db import reading, writing
from spinebot.releases import PromotionError
from spinebot.training import models, release

GOOD = {bar.name: (bar.least or 0.0) for bar in release.bars()}


@pytest.fixture
def folder(database: str, data_dir: Path) -> Path:
    found = data_dir / "models"
    found.mkdir()
    for name in ("a", "b", "c", "bad", "unmeasured"):
        (found / f"{name}.tar.gz").write_bytes(b"")
        shares = {**GOOD, "reports": 0.5} if name == "bad" else GOOD
        if name != "unmeasured":
            figures = [
                {"name": key, "share": share, "count": 9, "wrong": ["an example"]}
                for key, share in shares.items()
            ]
            release.figures_of(found / f"{name}.tar.gz").write_text(json.dumps(figures))
    return found


def promote(name: str, why: str = "") -> None:
    with writing() as session:
        releases.promote(session, f"{name}.tar.gz", "ann@clinic.example", why)


def live() -> str | None:
    found = models.live_model()
    return found.name if found else None


def test_each_release_knows_where_it_came_from(folder: Path) -> None:
    promote("a")
    promote("b", "better")
    with reading() as session:
        assert [(each.model, each.previous, each.why) for each in releases.history(session)] == [
            ("b.tar.gz", "a.tar.gz", "better"),
            ("a.tar.gz", None, ""),
        ]
        assert releases.before_this(session) == "a.tar.gz"
    assert live() == "b.tar.gz"


def test_going_back_leads_to_the_one_before(folder: Path) -> None:
    for name in ("a", "b", "a"):
        promote(name)
    with reading() as session:
        assert releases.before_this(session) == "b.tar.gz"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "no such model"),
        ("bad", "may not go live"),
        ("unmeasured", "was not measured"),
        ("../a", "no such model"),
    ],
)
def test_what_may_not_go_live_changes_nothing(folder: Path, name: str, says: str) -> None:
    promote("a")
    with pytest.raises(PromotionError, match=says):
        promote(name)
    assert live() == "a.tar.gz"
    with reading() as session:
        assert len(releases.history(session)) == 1


def test_what_is_live_is_live_already(folder: Path) -> None:
    promote("a")
    with pytest.raises(PromotionError, match="live already"):
        promote("a")


def test_what_became_of_it_is_noted(folder: Path) -> None:
    promote("a")
    with writing() as session:
        releases.note(session, "a.tar.gz", "not served: broken", False)
        releases.note(session, "unknown.tar.gz", "nothing", True)
    with reading() as session:
        [found] = releases.history(session)
    assert (found.is_served, found.outcome) == (False, "not served: broken")


def test_nothing_was_live_before_the_first(folder: Path) -> None:
    with reading() as session:
        assert releases.before_this(session) is None
    promote("a")
    with reading() as session:
        assert releases.before_this(session) is None


def test_a_broken_note_of_what_is_served_is_no_note(folder: Path) -> None:
    models.serving_file().write_text("{", encoding="utf-8")
    assert models.served() == {}


def test_what_is_not_committed_is_not_live(folder: Path) -> None:
    promote("a")

    def fail_half_way() -> None:
        with writing() as session:
            releases.promote(session, "b.tar.gz", "ann@clinic.example")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert live() == "a.tar.gz"
