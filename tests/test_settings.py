"""Settings: defaults, and a bad value that names its variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from spinebot.errors import SettingsError
from spinebot.settings import ROOT, Settings, read_settings
from spinebot.variables import VARIABLES, present
from tests.factories import at_once

KEY = "k" * 32


def read(**environ: str) -> Settings:
    return read_settings({"SPINEBOT_SECRET_KEY": KEY, **environ})


def test_the_defaults_are_those_of_the_documentation() -> None:
    current = read()
    assert current.data_dir == ROOT / "var"
    assert str(current.database_url) == f"sqlite:///{ROOT / 'var' / 'spinebot.db'}"
    assert (current.web_port, current.rasa_port, current.actions_port) == (8000, 5005, 5055)
    assert (current.web_host, current.rasa_timeout) == ("127.0.0.1", 10.0)
    assert current.public_url == "http://localhost:8000"
    assert current.redis_url is None


def test_an_empty_variable_means_the_default() -> None:
    assert read(SPINEBOT_WEB_PORT="", SPINEBOT_DATABASE_URL="", SPINEBOT_DATA_DIR="") == read()


def test_the_public_address_follows_the_port() -> None:
    assert read(SPINEBOT_WEB_PORT="8100").public_url == "http://localhost:8100"


def test_a_public_address_loses_its_last_slash() -> None:
    assert read(SPINEBOT_PUBLIC_URL="https://bot.example/").public_url == "https://bot.example"


def test_everything_lies_under_the_data_folder(tmp_path: Path) -> None:
    current = read(SPINEBOT_DATA_DIR=str(tmp_path))
    assert current.models_dir == tmp_path / "models"
    assert current.database_url.database == str(tmp_path / "spinebot.db")
    assert current.tracker_url.database == str(tmp_path / "tracker.db")


def test_a_relative_data_folder_becomes_absolute() -> None:
    assert read(SPINEBOT_DATA_DIR="elsewhere").data_dir.is_absolute()


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_with_our_driver(scheme: str) -> None:
    current = read(SPINEBOT_DATABASE_URL=f"{scheme}://ann:secret@db.example/spine")
    assert current.database_url.drivername == "postgresql+psycopg"
    assert current.tracker_url.drivername == "postgresql"
    assert current.tracker_url.password == "secret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            (f"SPINEBOT_{port}_PORT", value)
            for port in ("WEB", "RASA", "ACTIONS")
            for value in ("0", "65536", "-1", "80.5", "http", " 80", "²", "1e3")
        ],
        *[("SPINEBOT_RASA_TIMEOUT", value) for value in ("0", "-1", "121", "ten", "nan", "inf")],
        *[("SPINEBOT_PUBLIC_URL", value) for value in ("bot.example", "ftp://x", "//x", "/")],
        *[
            ("SPINEBOT_DATABASE_URL", value)
            for value in ("spine.db", "mysql://u:p@h/d", "oracle://x", "://", "sqlite")
        ],
        ("SPINEBOT_SECRET_KEY", "too short"),
        ("SPINEBOT_SECRET_KEY", "k" * 31),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}\b"):
        read(**{name: value})


def test_a_bad_database_address_does_not_show_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        read(SPINEBOT_DATABASE_URL="postgresql//ann:secret@db.example")
    assert "secret" not in str(caught.value)


def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(read(SPINEBOT_DATABASE_URL="postgresql://ann:password1@db.example/x"))
    assert "password1" not in shown
    assert KEY not in shown


def test_the_token_for_rasa_does_not_give_the_key_away() -> None:
    current = read()
    assert KEY not in current.rasa_token
    assert current.rasa_token == read().rasa_token
    assert current.rasa_token != read(SPINEBOT_SECRET_KEY="l" * 32).rasa_token


# The key's file


def from_file(data_dir: Path, **environ: str) -> Settings:
    return read_settings({"SPINEBOT_DATA_DIR": str(data_dir), **environ})


def test_a_key_is_made_on_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    key = from_file(tmp_path / "new").secret_key
    file = tmp_path / "new" / "secret_key"
    assert file.read_text(encoding="utf-8") == key
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(key) >= 32


def test_the_key_stays(tmp_path: Path) -> None:
    assert from_file(tmp_path).secret_key == from_file(tmp_path).secret_key


def test_two_copies_have_two_keys(tmp_path: Path) -> None:
    assert from_file(tmp_path / "a").secret_key != from_file(tmp_path / "b").secret_key


def test_many_at_once_make_one_key(tmp_path: Path) -> None:
    made = at_once(lambda: from_file(tmp_path).secret_key, times=16)
    assert made == [made[0]] * 16
    assert isinstance(made[0], str)
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_named_key_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    assert from_file(tmp_path, SPINEBOT_SECRET_KEY_FILE=str(tmp_path / "key")).secret_key == KEY


def test_a_named_key_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^SPINEBOT_SECRET_KEY_FILE\b"):
        from_file(tmp_path, SPINEBOT_SECRET_KEY_FILE=str(tmp_path / "key"))
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("content", ["", "\n", "too short"])
def test_a_file_without_a_whole_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^SPINEBOT_SECRET_KEY_FILE\b"):
        from_file(tmp_path, SPINEBOT_SECRET_KEY_FILE=str(tmp_path / "key"))


def test_an_empty_key_in_the_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(SettingsError, match="secret_key must hold"):
        from_file(tmp_path)


def test_the_list_of_settings_shows_no_secret() -> None:
    environ = {variable.name: "hunter22" for variable in VARIABLES}
    shown = {name: value for name, value, is_set in present(environ) if is_set}
    assert len(shown) == len(VARIABLES)
    hidden = {name for name, value in shown.items() if value != "hunter22"}
    assert hidden == {variable.name for variable in VARIABLES if variable.is_secret}
    assert {"SPINEBOT_SECRET_KEY", "SPINEBOT_SMTP_URL", "SPINEBOT_DATABASE_URL"} <= hidden
    assert not any("hunter22" in shown[name] for name in hidden)


@pytest.mark.parametrize("variable", ["SPINEBOT_RASA_URL", "SPINEBOT_PUBLIC_URL"])
def test_an_address_that_is_none_is_named(variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read(**{variable: "spine.example"})


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost:6379/0", "redis://"])
def test_a_redis_that_is_none_is_named_without_its_words(url: str) -> None:
    with pytest.raises(SettingsError, match="SPINEBOT_REDIS_URL must be like") as caught:
        read(SPINEBOT_REDIS_URL=url)
    assert url not in str(caught.value).replace("redis://host:6379/0", "")
