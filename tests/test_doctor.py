"""What is wrong with an installation is found, with what to do; what is right is left alone."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from spinebot import doctor
from spinebot.cli import app
from spinebot.db import now, writing
from spinebot.models import Outgoing, Role
from spinebot.settings import settings
from tests.conftest import ROOT, forget_settings
from tests.console import new_account
from tests.factories import load_articles


@pytest.fixture
def installation(database: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clinic's data folder in order, but that nothing runs and no model is trained."""
    # Absolute: tests may run elsewhere.
    monkeypatch.setenv("SPINEBOT_ENCODER_DIR", str(ROOT / ".venv/encoder"))
    monkeypatch.setenv("SPINEBOT_WEB_PORT", "9")
    forget_settings()
    load_articles()
    new_account(Role.ADMIN)
    return data_dir


def found(words: str) -> doctor.Sign:
    """Return the only sign that says so."""
    [sign] = [each for each in doctor.examine() if words in each.what]
    return sign


def test_what_is_right_is_good(installation: Path) -> None:
    assert found("articles are in the database").state == doctor.GOOD
    assert found("the database (").state == doctor.GOOD
    assert found("administrators").state == doctor.GOOD
    assert found("the encoder is built").state == doctor.GOOD


def test_whatever_is_bad_says_what_to_do(installation: Path) -> None:
    bad = [each for each in doctor.examine() if each.state != doctor.GOOD]
    assert {"no model is live"} <= {each.what for each in bad}
    assert all(each.do for each in bad)


def test_a_key_that_others_may_read_is_bad(installation: Path) -> None:
    key = installation / "secret_key"
    key.write_text("x" * 40)
    key.chmod(0o644)
    assert found("others on this machine").do == f"chmod 600 {key}"
    key.chmod(0o600)
    assert found("the secret key is readable for its owner alone").state == doctor.GOOD


def test_an_older_database_is_bad_and_its_rows_are_not_read(sqlite_database: Path) -> None:
    with writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
    sign = found("the database is at revision 0003")
    assert (sign.state, sign.do) == (doctor.BAD, "spinebot database upgrade")
    assert not [each for each in doctor.examine() if "articles" in each.what]


def test_a_database_that_is_away_is_said(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = f"postgresql://spinebot@/spinebot?host={data_dir}"
    monkeypatch.setenv("SPINEBOT_DATABASE_URL", nowhere)
    forget_settings()
    assert found("does not answer: OperationalError").state == doctor.BAD


def test_mails_that_were_given_up_are_seen(installation: Path) -> None:
    with writing() as session:
        session.add(Outgoing(kind="mail", event="new", content={}, failed_at=now()))
        late = now() - timedelta(hours=1)
        session.add(Outgoing(kind="mail", event="new", content={}, created_at=late))
    assert found("were given up").do == "the console's page Outgoing"
    assert found("have waited for 15 minutes").state == doctor.LOOK


def test_a_redis_that_is_away_is_said(
    installation: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINEBOT_REDIS_URL", redis_url)
    settings.cache_clear()
    assert found("Redis").state == doctor.GOOD
    monkeypatch.setenv("SPINEBOT_REDIS_URL", f"redis+unix://{installation}/nobody.sock")
    settings.cache_clear()
    assert found("Redis").state == doctor.BAD


def test_an_encoder_that_is_not_whole_is_bad(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = installation / "encoder"
    folder.mkdir()
    shutil.copy(ROOT / ".venv/encoder/tokenizer.json", folder)
    monkeypatch.setenv("SPINEBOT_ENCODER_DIR", str(folder))
    assert found("the encoder lacks encoder.onnx").do == "make setup"


def test_the_command_fails_where_anything_is_bad(installation: Path) -> None:
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "BAD   no model is live\n      -> spinebot train" in done.output
