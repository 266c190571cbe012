"""What tests share: a database each (SQLite and PostgreSQL, both real), and sample articles."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

# Set before anything of ours reads its settings: no test may touch the developer's own data.
os.environ["SPINEBOT_DATA_DIR"] = "/nonexistent/spinebot-tests"
os.environ["SPINEBOT_SECRET_KEY"] = "a key for tests only, 32 characters or more"

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out slow and browser tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--quick"):
        return
    slow = [item for item in items if {"slow", "browser"} & {m.name for m in item.iter_markers()}]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def forget_settings() -> None:
    from spinebot import db, keys, settings

    if db.engine.cache_info().currsize:
        db.engine().dispose()
    db.engine.cache_clear()
    db._fernet.cache_clear()
    keys.keys_for.cache_clear()
    settings.settings.cache_clear()


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory of the test's own, which the settings name."""
    monkeypatch.setenv("SPINEBOT_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("SPINEBOT_DATABASE_URL", raising=False)
    forget_settings()
    yield tmp_path
    forget_settings()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, made by the migrations, to be copied."""
    directory = tmp_path_factory.mktemp("migrated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINEBOT_DATA_DIR", str(directory))
        patch.delenv("SPINEBOT_DATABASE_URL", raising=False)
        forget_settings()
        from spinebot import db

        db.upgrade()
        # The last connection that closes writes the log back into the file.
        forget_settings()
    return directory / "spinebot.db"


@pytest.fixture
def sqlite_database(migrated_sqlite: Path, data_dir: Path) -> Path:
    """The settings' database: SQLite with all tables."""
    return Path(shutil.copy(migrated_sqlite, data_dir / "spinebot.db"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server for this run; the address without the database's name."""
    from bench.postgres import Postgres
    from bench.processes import BenchError

    with ExitStack() as stack:
        try:
            server = stack.enter_context(Postgres.running(durable=False))
        except BenchError as error:
            pytest.skip(str(error))
        yield f"postgresql://spinebot@/{{name}}?host={server.socket.parent}"


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database with all tables, to be used as a template."""
    _create_database(postgres_server, "migrated", "template1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINEBOT_DATA_DIR", str(tmp_path_factory.mktemp("pg")))
        patch.setenv("SPINEBOT_DATABASE_URL", postgres_server.format(name="migrated"))
        forget_settings()
        from spinebot import db

        db.upgrade()
        forget_settings()
    return "migrated"


def _create_database(server: str, name: str, template: str) -> None:
    import psycopg

    with psycopg.connect(server.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')  # type: ignore[arg-type]


@pytest.fixture
def postgres_database(
    postgres_server: str, migrated_postgres: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The settings' database: PostgreSQL with all tables."""
    name = f"test_{uuid.uuid4().hex}"
    _create_database(postgres_server, name, migrated_postgres)
    url = postgres_server.format(name=name)
    monkeypatch.setenv("SPINEBOT_DATABASE_URL", url)
    forget_settings()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    """The settings' database, once on SQLite and once on PostgreSQL."""
    request.getfixturevalue(f"{request.param}_database")
    return str(request.param)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis server of the test's own, on a socket."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed")
    socket = tmp_path / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.05)
        yield f"redis+unix://{socket}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def stocked(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all articles, to be copied."""
    from tests.factories import load_articles

    directory = tmp_path_factory.mktemp("stocked")
    shutil.copy(migrated_sqlite, directory / "spinebot.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINEBOT_DATA_DIR", str(directory))
        patch.delenv("SPINEBOT_DATABASE_URL", raising=False)
        forget_settings()
        load_articles()
        forget_settings()
    return directory / "spinebot.db"


@contextmanager
def web_process() -> Iterator[TestClient]:
    """The web process on the settings' database; Rasa is away."""
    from spinebot.web import guards, turns
    from spinebot.web.app import create_app

    guards._limits.cache_clear()
    guards._limiter.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        # And stays away: nothing is won by waiting for it.
        patch.setattr(turns, "PATIENCE", ())
        with TestClient(create_app()) as found:
            yield found


@pytest.fixture
def client(sqlite_database: Path) -> Iterator[TestClient]:
    """The web process as a browser sees it that nobody is signed in with."""
    with web_process() as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what trainers change, to be changed."""
    from spinebot.training import changes

    found = tmp_path / "project"
    for name in ("data", "knowledge", "tests/nlu", "tests/stories"):
        shutil.copytree(ROOT / name, found / name)
    (found / "docs").mkdir()
    for name in ("domain.yml", "config.yml", "docs/intents.md"):
        shutil.copy(ROOT / name, found / name)
    monkeypatch.setattr(changes, "ROOT", found)
    return found


ARTICLE = """---
title: What is a sample?
summary: A short sample.
written_on: 2026-01-02
reviewed_by: pending clinical review
reviewed_on:
review_due: 2027-01-02
sources:
  - title: A sample source
    url: https://example.org/source
sections:
  - slug: first
    answers:
      ask_first: What is first?
    facts: ["1.01"]
    next: [ask_second, ask_third]
    offer_mri_review: true
  - slug: second
    answers:
      ask_second: What is second?
      ask_third: What is third?
    facts: ["1.02", "RF01"]
    next: [ask_first, ask_fourth]
  - slug: third
    answers:
      ask_fourth: What is fourth?
    facts: ["1.03"]
    next: [ask_first, ask_second]
---

An opening.

## The first thing {{#first}}

{first}

## The second thing {{#second}}

{second}

## The third thing {{#third}}

{second}
"""
WORDS = " ".join(["The cat sat on the mat and had a nap."] * 8)


@pytest.fixture
def write_article(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a sample article and returns the knowledge folder.

    It takes replacements for the file's text (old, new), the topic and the slug.
    """

    def write(*replacements: tuple[str, str], topic: str = "samples", slug: str = "sample") -> Path:
        text = ARTICLE.format(first=WORDS, second=WORDS)
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "knowledge" / topic / f"{slug}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return tmp_path / "knowledge"

    return write
