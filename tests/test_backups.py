"""A backup holds everything, and restores into either database; what does not fit is refused."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from spinebot import backups, conversations, demo, desk, handoffs
from spinebot.backups import BackupError
from spinebot.db import Base, engine, reading, writing
from spinebot.models import Account, Conversation, Handoff, Message, Note, Role
from spinebot.training import models
from tests.conftest import forget_settings
from tests.console import new_account, talk
from tests.factories import answers, load_articles


@pytest.fixture
def filled(database: str, data_dir: Path) -> Account:
    """A clinic with a bit of everything, on both databases."""
    return fill(data_dir)


@pytest.fixture
def small(sqlite_database: Path, data_dir: Path) -> Account:
    """The same, on SQLite alone."""
    return fill(data_dir)


def fill(data_dir: Path) -> Account:
    load_articles()
    account = new_account(Role.ADMIN)
    with writing() as session:
        demo.fill(session, 12, account)
    with writing() as session:
        conversation = session.scalars(sa.select(Conversation)).first()
        assert conversation is not None
        session.add(Note(conversation_id=conversation.id, account_id=account.id, text="zebra note"))
        conversations.say(session, conversation, "my number is 202-555-0143", "a key 0001")
    folder = data_dir / "models"
    folder.mkdir(exist_ok=True)
    (folder / "m.tar.gz").write_bytes(b"a model")
    (folder / "m.release.json").write_text("[]")
    models.put_live(folder / "m.tar.gz")
    return account


def everything() -> dict[str, list[Any]]:
    with engine().connect() as connection:
        return {
            table.name: sorted(str(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in Base.metadata.sorted_tables
            if table.name not in backups.LEFT_OUT
        }


def empty() -> None:
    with writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(sa.delete(table))


def test_what_is_restored_is_what_was(filled: Account, tmp_path: Path, data_dir: Path) -> None:
    before = everything()
    made = backups.back_up(tmp_path / "b.tar.gz")
    assert made.rows["conversation"] == 12
    empty()
    (data_dir / "models/live").unlink()
    (data_dir / "models/m.tar.gz").unlink()
    backups.restore(tmp_path / "b.tar.gz")
    assert everything() == before
    live = models.live_model()
    assert live is not None
    assert live.read_bytes() == b"a model"
    with reading() as session:
        assert session.scalars(sa.select(Note.text)).all()[-1] == "zebra note"
    # The next row gets a number of its own.
    assert talk("hello").id > made.rows["conversation"]
    with writing() as session:
        handoffs.create(session, "1.1", answers(), "I agree.")
        assert desk.canned_replies(session) is not None


def test_a_clinic_moves_from_one_database_to_the_other(
    filled: Account,
    database: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {name: len(rows) for name, rows in everything().items()}
    with reading() as session:
        names = session.scalars(sa.select(Handoff.best_time)).all()
    backups.back_up(tmp_path / "b.tar.gz")
    other = "postgres" if database == "sqlite" else "sqlite"
    if other == "sqlite":
        monkeypatch.setenv("SPINEBOT_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
        forget_settings()
    else:
        request.getfixturevalue("postgres_database")
    backups.restore(tmp_path / "b.tar.gz", replace=True)
    assert engine().dialect.name.startswith(other[:6])
    assert {name: len(rows) for name, rows in everything().items()} == before
    with reading() as session:
        assert session.scalars(sa.select(Handoff.best_time)).all() == names
    assert talk("hello").id > 12


def test_nothing_sealed_is_open_in_it(small: Account, tmp_path: Path) -> None:
    backups.back_up(tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        text = "".join(
            file.read().decode("latin-1")
            for member in archive
            if (file := archive.extractfile(member)) is not None
        )
        assert {member.mode for member in archive.getmembers()} == {0o600}
    assert "zebra note" not in text
    assert "555-0143" not in text
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_not_overwritten(small: Account, tmp_path: Path) -> None:
    target = tmp_path / "b.tar.gz"
    backups.back_up(target)
    with pytest.raises(BackupError, match="is there already"):
        backups.back_up(target)
    before = everything()
    with pytest.raises(BackupError, match="conversations already"):
        backups.restore(target)
    assert everything() == before
    with writing() as session:
        session.execute(sa.update(Message).values(text="gone"))
    backups.restore(target, replace=True)
    assert everything() == before


def test_another_key_is_refused(
    small: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups.back_up(tmp_path / "b.tar.gz")
    monkeypatch.setattr(backups, "_traces", lambda: ["another"])
    with pytest.raises(BackupError, match="another secret key"):
        backups.restore(tmp_path / "b.tar.gz", replace=True)


def changed(source: Path, target: Path, name: str, change: Any) -> Path:
    """Write a backup again with one of its files changed."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            data = file.read()
            if member.name == name:
                data = change(data)
            member.size = len(data)
            part = target.with_suffix(".part")
            part.write_bytes(data)
            with part.open("rb") as stream:
                new.addfile(member, stream)
    return target


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("tables/message.jsonl", lambda data: data[: len(data) // 2], "broken"),
        ("tables/message.jsonl", lambda data: data.replace(b"{", b"[", 1), "broken"),
        ("manifest.json", lambda _: b"{}", "no backup"),
        ("manifest.json", lambda d: d.replace(b'"0007"', b'"9999"'), "newer than this program"),
        ("manifest.json", lambda d: d.replace(b'"version": 1', b'"version": 9'), "of version 9"),
    ],
)
def test_a_broken_backup_changes_nothing(
    small: Account, tmp_path: Path, name: str, change: Any, says: str
) -> None:
    backups.back_up(tmp_path / "b.tar.gz")
    broken = changed(tmp_path / "b.tar.gz", tmp_path / "broken.tar.gz", name, change)
    before = everything()
    with pytest.raises(BackupError, match=says):
        backups.restore(broken, replace=True)
    assert everything() == before


def test_what_is_no_archive_is_said(tmp_path: Path, sqlite_database: object) -> None:
    file = tmp_path / "b.tar.gz"
    file.write_bytes(b"hello")
    for what in (backups.check, backups.restore):
        with pytest.raises(BackupError, match="no backup"):
            what(file)


def test_it_is_read_to_its_end(small: Account, tmp_path: Path) -> None:
    made = backups.back_up(tmp_path / "b.tar.gz")
    assert backups.check(tmp_path / "b.tar.gz") == made
    whole = (tmp_path / "b.tar.gz").read_bytes()
    (tmp_path / "half.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupError):
        backups.check(tmp_path / "half.tar.gz")
    assert json.loads(json.dumps(made.rows)) == made.rows
