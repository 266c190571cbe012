"""Backup and restore in one command each, while the bot runs, from and to either database.

A backup is one archive: every table as lines of JSON, read in one transaction, the live model with
what was measured of it, and a manifest. Sealed columns stay sealed: without the secret key, which
is not in it, nobody can read them, and restoring asks for the same key. Since it is no dump of one
database's own, a clinic that outgrows SQLite moves to PostgreSQL with it. Rasa's tracker is not in
it: it is working memory, and holds what was typed unmasked.
"""

from __future__ import annotations

import base64
import json
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot.db import Base, Sealed, engine, now, upgrade, writing
from spinebot.errors import SpinebotError
from spinebot.files import write_whole
from spinebot.keys import signatures
from spinebot.models import Conversation
from spinebot.settings import settings
from spinebot.training import models

MANIFEST = "manifest.json"
VERSION = 1
AT_ONCE = 2000  # rows
# Nobody's, and made anew: who is signed in must sign in again after a restore.
LEFT_OUT = {"login"}


class BackupError(SpinebotError):
    """A backup cannot be made or restored; the message says why, and nothing has changed."""


@dataclass(frozen=True)
class Manifest:
    """What is in a backup. revision: of the tables; key: a trace of the secret key, no part of it.

    rows: how many of each table; model: the live model's file, where there was one.
    """

    version: int
    made_at: str
    revision: str
    key: str
    rows: dict[str, int]
    model: str | None


def back_up(target: Path) -> Manifest:
    """Write a backup; a file that is there already is not overwritten.

    Raises:
        BackupError: the file is there already.
    """
    if target.exists():
        raise BackupError(f"{target} is there already; name another file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            manifest = _write_tables(Path(folder))
            with tarfile.open(part, "w:gz", compresslevel=5) as archive:
                _add(archive, Path(folder) / MANIFEST, MANIFEST)
                for name in manifest.rows:
                    _add(archive, Path(folder) / f"{name}.jsonl", f"tables/{name}.jsonl")
                live = models.live_model()
                for file in _files_of(live) if live else ():
                    _add(archive, file, f"models/{file.name}")
        part.chmod(0o600)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _write_tables(folder: Path) -> Manifest:
    """Write every table as it is at one moment."""
    rows: dict[str, int] = {}
    bind = engine().execution_options(read_only=True)
    if bind.dialect.name == "postgresql":
        bind = bind.execution_options(isolation_level="REPEATABLE READ")
    with Session(bind) as session:
        for table in _tables():
            with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as file:
                count = 0
                for row in session.execute(sa.select(table)).yield_per(AT_ONCE):
                    file.write(json.dumps(dict(row._mapping), default=_plain) + "\n")
                    count += 1
            rows[table.name] = count
        revision = str(session.scalar(sa.text("SELECT version_num FROM alembic_version")))
    live = models.live_model()
    manifest = Manifest(
        VERSION, now().isoformat(), revision, _traces()[0], rows, live.name if live else None
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    return manifest


def restore(source: Path, *, replace: bool = False) -> Manifest:
    """Put a backup into the settings' database, in one transaction, and its model live.

    replace: also where there are conversations already; they are gone then.

    Raises:
        BackupError: it is no backup, of another key or of newer tables, or there is something
            already.
    """
    try:
        with tarfile.open(source) as archive, tempfile.TemporaryDirectory() as folder:
            archive.extractall(folder, filter="data")
            manifest = _read_manifest(Path(folder))
            upgrade()
            with writing() as session:
                _must_fit(session, manifest, replace=replace)
                _fill(session, Path(folder), manifest)
            _put_model(Path(folder), manifest)
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, EOFError) as error:
        raise BackupError(f"{source} is no backup, or broken: {error}") from error
    return manifest


def _read_manifest(folder: Path) -> Manifest:
    return Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))


def _must_fit(session: Session, manifest: Manifest, *, replace: bool) -> None:
    if manifest.version != VERSION:
        raise BackupError(f"It is of version {manifest.version}; this program reads {VERSION}.")
    if manifest.key not in _traces():
        raise BackupError(
            "It was made with another secret key: put that key in place first (secret_key in the "
            "data folder, or SPINEBOT_SECRET_KEY). Without it nothing sealed can be read."
        )
    present = str(session.scalar(sa.text("SELECT version_num FROM alembic_version")))
    if manifest.revision > present:
        raise BackupError(
            f"Its tables are of revision {manifest.revision}, newer than this program's {present}: "
            "install the version that made it."
        )
    if not replace and session.scalar(sa.select(Conversation.id).limit(1)):
        raise BackupError("There are conversations already; --replace puts the backup in place.")


def _fill(session: Session, folder: Path, manifest: Manifest) -> None:
    tables = {table.name: table for table in _tables()}
    everything = Base.metadata.sorted_tables
    for table in reversed(everything):
        session.execute(sa.delete(table))
    for name, table in tables.items():
        file = folder / "tables" / f"{name}.jsonl"
        # An older backup lacks the tables that came later: they stay empty.
        if not file.is_file():
            continue
        count = 0
        for rows in _batches(file, table):
            session.execute(sa.insert(table), rows)
            count += len(rows)
        if count != manifest.rows[name]:
            raise BackupError(
                f"{name}: {count} rows instead of {manifest.rows[name]}: it is broken"
            )
    if session.get_bind().dialect.name == "postgresql":
        for name, table in tables.items():
            if "id" in table.c and table.c.id.autoincrement:
                newest = session.scalar(sa.select(sa.func.max(table.c.id))) or 1
                sequence = sa.func.pg_get_serial_sequence(f'"{name}"', "id")
                session.execute(sa.select(sa.func.setval(sequence, newest)))


def _batches(file: Path, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            rows.append(_row(json.loads(line), table))
            if len(rows) == AT_ONCE:
                yield rows
                rows = []
    if rows:
        yield rows


def _row(content: dict[str, Any], table: sa.Table) -> dict[str, Any]:
    """Return a row with the types that the database wants."""
    found = {}
    for name, value in content.items():
        kind = table.c[name].type
        if value is not None and isinstance(kind, sa.LargeBinary):
            value = base64.b64decode(value)
        elif value is not None and (isinstance(kind, sa.Date) or _is_moment(kind)):
            value = datetime.fromisoformat(value) if _is_moment(kind) else date.fromisoformat(value)
        elif value is None and isinstance(kind, sa.JSON):
            value = sa.null()
        found[name] = value
    return found


def _is_moment(kind: Any) -> bool:
    return isinstance(getattr(kind, "impl", kind), sa.DateTime)


def _put_model(folder: Path, manifest: Manifest) -> None:
    if manifest.model is None:
        return
    target = settings().models_dir
    for file in sorted((folder / "models").iterdir()):
        write_whole(target / file.name, file.read_bytes())
    models.put_live(target / manifest.model)


def _tables() -> list[sa.Table]:
    """Return our tables, those that others point to first, with what is sealed left sealed."""
    metadata = sa.MetaData()
    for table in Base.metadata.sorted_tables:
        copy = table.to_metadata(metadata)
        for column in copy.columns:
            if isinstance(column.type, Sealed):
                column.type = sa.Text()
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def _files_of(model: Path) -> list[Path]:
    stem = model.name.removesuffix(".tar.gz")
    return sorted(model.parent.glob(f"{stem}.*"))


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _traces() -> list[str]:
    return [each.hex()[:16] for each in signatures("backups", b"which key")]


def _add(archive: tarfile.TarFile, file: Path, name: str) -> None:
    def nobody(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        info.mode = 0o600
        return info

    archive.add(file, name, filter=nobody)


def check(source: Path) -> Manifest:
    """Return what a backup says of itself, after reading it to its end.

    Raises:
        BackupError: it is no backup, or broken.
    """
    try:
        with tarfile.open(source) as archive:
            found: Manifest | None = None
            counts: dict[str, int] = {}
            for member in archive:
                file = archive.extractfile(member)
                if file is None:
                    continue
                if member.name == MANIFEST:
                    found = Manifest(**json.load(file))
                elif member.name.startswith("tables/"):
                    counts[Path(member.name).stem] = sum(1 for _ in file)
                else:
                    while file.read(1 << 20):
                        pass
        if found is None or counts != found.rows:
            raise BackupError(f"{source} is broken: tables or rows are missing.")
    except (OSError, tarfile.TarError, ValueError, TypeError, EOFError) as error:
        raise BackupError(f"{source} is no backup, or broken: {error}") from error
    return found
