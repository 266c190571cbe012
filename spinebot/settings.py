"""Every setting: its environment variable, its type, its default. A bad value stops the start.

What each means, its default and what is allowed: ``spinebot/variables.py``.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from spinebot import logs
from spinebot.errors import SettingsError
from spinebot.variables import default

ROOT = Path(__file__).resolve().parent.parent


WHO_NEEDS_A_SECOND_FACTOR = ("nobody", "administrators", "everybody")
SHORTEST_KEY = 32  # characters of the secret key
# What is counted, each with a variable of its own.
LIMITS = ("messages", "address", "conversations", "handoffs", "logins")


@dataclass(frozen=True)
class Settings:
    """What the environment says. Paths are absolute; ports are those on loopback."""

    data_dir: Path
    clinic_file: Path
    database_url: URL
    redis_url: str | None = field(repr=False)
    rasa_address: str | None
    # The newest first: it seals and signs; what the older ones sealed and signed is still good.
    secret_keys: tuple[str, ...] = field(repr=False)
    web_host: str
    web_port: int
    rasa_port: int
    actions_port: int
    rasa_timeout: float
    public_url: str
    limits: dict[str, str]
    smtp_url: str | None = field(repr=False)
    mail_from: str
    webhook_url: str | None
    webhook_secret: str | None = field(repr=False)
    log: str
    second_factor: str

    @property
    def secret_key(self) -> str:
        """The newest of the secret keys."""
        return self.secret_keys[0]

    @property
    def models_dir(self) -> Path:
        """Where trained models lie."""
        return self.data_dir / "models"

    @property
    def web_url(self) -> str:
        """The web process's address, as seen from this machine."""
        host = "127.0.0.1" if self.web_host in {"0.0.0.0", "::"} else self.web_host  # noqa: S104
        return f"http://{host}:{self.web_port}"

    @property
    def rasa_url(self) -> str:
        """The address of Rasa's server, or of what stands before several."""
        return self.rasa_address or f"http://127.0.0.1:{self.rasa_port}"

    @property
    def actions_url(self) -> str:
        """The address of the action server."""
        return f"http://127.0.0.1:{self.actions_port}"

    @property
    def rasa_token(self) -> str:
        """The token for Rasa's HTTP API, made from the secret key."""
        return hashlib.sha256(b"spinebot rasa api" + self.secret_key.encode()).hexdigest()

    @property
    def tracker_url(self) -> URL:
        """Where Rasa keeps its working memory: a file beside SQLite's, else the same database.

        With SQLite one file has one writer at a time; of its own, Rasa never waits for ours.
        """
        if self.database_url.get_backend_name() == "sqlite":
            return make_url(f"sqlite:///{self.data_dir / 'tracker.db'}")
        return self.database_url.set(drivername="postgresql")


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that ``environ`` asks for.

    Raises:
        SettingsError: a value cannot be used; the message names its variable.
    """
    data_dir = _data_dir(environ)
    default_url = f"sqlite:///{data_dir / 'spinebot.db'}"
    web_port = _port(environ, "SPINEBOT_WEB_PORT")
    return Settings(
        data_dir=data_dir,
        clinic_file=_clinic_file(environ),
        database_url=_database_url(environ.get("SPINEBOT_DATABASE_URL") or default_url),
        redis_url=_redis(environ),
        rasa_address=_address(environ, "SPINEBOT_RASA_URL") or None,
        secret_keys=_secrets(environ),
        web_host=environ.get("SPINEBOT_WEB_HOST") or default("SPINEBOT_WEB_HOST"),
        web_port=web_port,
        rasa_port=_port(environ, "SPINEBOT_RASA_PORT"),
        actions_port=_port(environ, "SPINEBOT_ACTIONS_PORT"),
        rasa_timeout=_seconds(environ, "SPINEBOT_RASA_TIMEOUT"),
        public_url=_address(environ, "SPINEBOT_PUBLIC_URL", f"http://localhost:{web_port}"),
        limits={name: _limit(environ, f"SPINEBOT_LIMIT_{name.upper()}") for name in LIMITS},
        smtp_url=_smtp(environ),
        mail_from=environ.get("SPINEBOT_MAIL_FROM") or default("SPINEBOT_MAIL_FROM"),
        webhook_url=_webhook(environ),
        webhook_secret=environ.get("SPINEBOT_WEBHOOK_SECRET") or None,
        log=_one_of(environ, logs.VARIABLE, logs.FORMATS),
        second_factor=_one_of(environ, "SPINEBOT_SECOND_FACTOR", WHO_NEEDS_A_SECOND_FACTOR),
    )


@functools.cache
def settings() -> Settings:
    """Return this process's settings, read once."""
    return read_settings()


def _one_of(environ: Mapping[str, str], name: str, allowed: Collection[str]) -> str:
    found = environ.get(name) or default(name)
    if found not in allowed:
        raise SettingsError(f"{name} is {found!r}; it must be one of {', '.join(allowed)}")
    return found


def _data_dir(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("SPINEBOT_DATA_DIR") or ROOT / "var").resolve()


def _clinic_file(environ: Mapping[str, str]) -> Path:
    named = environ.get("SPINEBOT_CLINIC_FILE")
    path = Path(named).resolve() if named else ROOT / "clinic.yml"
    if not path.is_file():
        raise SettingsError(f"SPINEBOT_CLINIC_FILE: there is no file {path}")
    return path


def _port(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name) or default(name)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingsError(f"{name} is {text!r}: it must be a port, 1 to 65535")
    return int(text)


def _seconds(environ: Mapping[str, str], name: str) -> float:
    text = environ.get(name) or default(name)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 120:
        raise SettingsError(f"{name} is {text!r}: it must be a number of seconds, up to 120")
    return value


def _limit(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name) or default(name)
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)", text):
        raise SettingsError(f"{name} is {text!r}: it must be like 20/minute")
    return text


def _address(environ: Mapping[str, str], name: str, otherwise: str = "") -> str:
    text = environ.get(name) or otherwise
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(f"{name} is {text!r}: it must begin with http:// or https://")
    return text.rstrip("/")


def _smtp(environ: Mapping[str, str]) -> str | None:
    text = environ.get("SPINEBOT_SMTP_URL") or None
    # The text may hold a password: it is not repeated.
    if text and not re.match(r"smtps?://[^/]+", text):
        raise SettingsError("SPINEBOT_SMTP_URL must be like smtp://user:password@host:587")
    return text


def _webhook(environ: Mapping[str, str]) -> str | None:
    url = environ.get("SPINEBOT_WEBHOOK_URL") or None
    if url and len(environ.get("SPINEBOT_WEBHOOK_SECRET") or "") < 16:
        raise SettingsError("SPINEBOT_WEBHOOK_SECRET must have at least 16 characters: it signs")
    return _address(environ, "SPINEBOT_WEBHOOK_URL") or None


def _redis(environ: Mapping[str, str]) -> str | None:
    text = environ.get("SPINEBOT_REDIS_URL") or None
    # The text may hold a password: it is not repeated.
    if text and not re.match(r"(rediss?|redis\+unix)://.", text):
        raise SettingsError("SPINEBOT_REDIS_URL must be like redis://host:6379/0")
    return text


def _database_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        # The text may hold a password: it is not repeated.
        raise SettingsError("SPINEBOT_DATABASE_URL is not a database address") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise SettingsError(
                "SPINEBOT_DATABASE_URL: a SQLite database in memory cannot be shared by the "
                "processes; name a file, as in sqlite:///var/spinebot.db"
            )
        return url
    raise SettingsError(
        f"SPINEBOT_DATABASE_URL is for {url.get_backend_name()}: use sqlite:/// or postgresql://"
    )


def secret_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that holds the secret key; None where the environment itself holds it."""
    if environ.get("SPINEBOT_SECRET_KEY"):
        return None
    named = environ.get("SPINEBOT_SECRET_KEY_FILE")
    return Path(named) if named else _data_dir(environ) / "secret_key"


def _secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that sign buttons and seal personal data, the newest first.

    Made on first use, mode 0600. Several stand apart by blanks or line breaks.
    """
    path = secret_file(environ)
    if path is None:
        return _keys(environ["SPINEBOT_SECRET_KEY"], "SPINEBOT_SECRET_KEY must have")
    named = environ.get("SPINEBOT_SECRET_KEY_FILE")
    if named and not path.is_file():
        raise SettingsError(f"SPINEBOT_SECRET_KEY_FILE: there is no file {named}")
    if not path.is_file():
        _make_secret(path)
    name = "SPINEBOT_SECRET_KEY_FILE" if named else "SPINEBOT_DATA_DIR"
    return _keys(path.read_text(encoding="utf-8"), f"{name}: {path} must hold")


def _keys(text: str, must: str) -> tuple[str, ...]:
    parts = text.split()
    if not all(len(part) >= SHORTEST_KEY for part in parts):
        # One key, with blanks in it.
        parts = [text.strip()]
    if len(parts[0] if parts else "") < SHORTEST_KEY:
        raise SettingsError(f"{must} at least {SHORTEST_KEY} characters")
    return tuple(parts)


def new_secret() -> str:
    """Return a new key."""
    return secrets.token_urlsafe(48)


def _make_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(new_secret())
    try:
        # link() fails where another process or thread was first: its key stays.
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
