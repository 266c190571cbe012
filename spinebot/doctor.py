"""``spinebot doctor``: what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import redis
import sqlalchemy as sa
from sqlalchemy.orm import Session

from spinebot import desk
from spinebot.clinic import clinic
from spinebot.db import engine, now, reading, revisions
from spinebot.language.encoder import encoder_directory
from spinebot.models import Account, Article, Handoff, HandoffStatus, Outgoing, Role
from spinebot.settings import settings
from spinebot.training import models

GOOD, LOOK, BAD = "good", "look", "BAD"
# Bytes on the disk of the data folder.
LITTLE, TOO_LITTLE = 2_000_000_000, 200_000_000
LATE = timedelta(minutes=15)


@dataclass(frozen=True)
class Sign:
    """One thing that was looked at. state: ``GOOD``, ``LOOK`` or ``BAD``; do: what helps."""

    state: str
    what: str
    do: str = ""

    def __str__(self) -> str:
        """One line, or two."""
        return f"{self.state:5} {self.what}" + (f"\n      -> {self.do}" if self.do else "")


def examine() -> Iterator[Sign]:
    """Yield what was looked at, one after the other."""
    for look in (_data, _entries, _encoder, _model):
        yield from look()
    is_there = True
    for sign in _database():
        is_there &= sign.state != BAD
        yield sign
    if is_there:
        with reading() as session:
            for ask in _SESSION_CHECKS:
                yield from ask(session)
    yield from _processes()
    yield from _redis()


def _data() -> Iterator[Sign]:
    folder = settings().data_dir
    if not os.access(folder, os.W_OK):
        yield Sign(BAD, f"the data folder {folder} cannot be written", "give it to this user")
        return
    free = shutil.disk_usage(folder).free
    state = GOOD if free > LITTLE else LOOK if free > TOO_LITTLE else BAD
    do = "" if state == GOOD else "old models and backups are what takes room"
    yield Sign(state, f"{free / 1e9:.1f} GB are free where {folder} lies", do)
    key = folder / "secret_key"
    if key.is_file() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Sign(BAD, "others on this machine may read the secret key", f"chmod 600 {key}")
    else:
        yield Sign(GOOD, "the secret key is readable for its owner alone, or from the environment")


def _entries() -> Iterator[Sign]:
    entries = clinic()
    if entries.is_sample:
        yield Sign(LOOK, "clinic.yml still holds the sample clinic", "put your own in")
    else:
        yield Sign(GOOD, f"clinic.yml speaks for {entries.name}")
    if not entries.sites:
        do = "name the clinic's website as `sites` in clinic.yml"
        yield Sign(LOOK, "no website may embed the widget", do)
    if entries.sites and "localhost" in settings().public_url:
        do = "set SPINEBOT_PUBLIC_URL to the address that visitors know"
        yield Sign(LOOK, "links in answers lead to localhost", do)
    if not entries.desk.tell and not settings().webhook_url:
        do = "`desk.tell` in clinic.yml and SPINEBOT_SMTP_URL, or SPINEBOT_WEBHOOK_URL"
        yield Sign(LOOK, "nobody is told of new requests", do)
    elif entries.desk.tell and not settings().smtp_url:
        yield Sign(
            BAD,
            "clinic.yml says whom to mail, but there is no mail server",
            "set SPINEBOT_SMTP_URL",
        )


def _encoder() -> Iterator[Sign]:
    missing = [
        name
        for name in ("encoder.onnx", "tokenizer.json")
        if not (encoder_directory() / name).is_file()
    ]
    if missing:
        yield Sign(BAD, f"the encoder lacks {', '.join(missing)}", "make setup")
    else:
        yield Sign(GOOD, "the encoder is built")


def _model() -> Iterator[Sign]:
    model = models.live_model()
    if model is None:
        yield Sign(BAD, "no model is live", "spinebot train")
    elif not models.is_current(model):
        yield Sign(
            LOOK, f"{model.name} was trained from other files than those of now", "spinebot train"
        )
    else:
        yield Sign(GOOD, f"{model.name} is live and up to date")


def _database() -> Iterator[Sign]:
    name = engine().dialect.name
    try:
        found = revisions()
    except sa.exc.SQLAlchemyError as error:
        yield Sign(
            BAD,
            f"the database ({name}) does not answer: {type(error).__name__}",
            "is it running, and is SPINEBOT_DATABASE_URL right?",
        )
        return
    present, newest = found.present, found.known[0]
    if present == newest:
        yield Sign(GOOD, f"the database ({name}) answers, at revision {present}")
    elif found.is_ahead:
        yield Sign(
            LOOK,
            f"the database ({present}) is newer than this program ({newest}), which works",
            "put the newer version of the program in place again when it is mended",
        )
    else:
        yield Sign(
            BAD,
            f"the database is at revision {present or 'none'}, not at {newest}",
            "spinebot database upgrade",
        )


def _knowledge(session: Session) -> Iterator[Sign]:
    count = session.scalar(sa.select(sa.func.count(Article.id)).where(Article.retired_at.is_(None)))
    if count:
        yield Sign(GOOD, f"{count} articles are in the database")
    else:
        yield Sign(BAD, "there are no articles in the database", "spinebot articles load")


def _accounts(session: Session) -> Iterator[Sign]:
    count = session.scalar(
        sa.select(sa.func.count(Account.id)).where(
            Account.role == Role.ADMIN.value,
            Account.is_active,
            Account.password_hash.is_not(None),
        )
    )
    if count:
        yield Sign(GOOD, f"{count} administrators have an account")
    else:
        yield Sign(
            LOOK,
            "nobody can sign in to the console",
            'spinebot accounts invite you@clinic.example "Your Name" --role admin',
        )


def _outbox(session: Session) -> Iterator[Sign]:
    waiting = (Outgoing.sent_at.is_(None), Outgoing.failed_at.is_(None))
    count = sa.select(sa.func.count(Outgoing.id))
    if dead := session.scalar(count.where(Outgoing.failed_at.is_not(None))):
        yield Sign(LOOK, f"{dead} mails or calls were given up", "the console's page Outgoing")
    if late := session.scalar(count.where(*waiting, Outgoing.created_at < now() - LATE)):
        yield Sign(
            LOOK,
            f"{late} mails or calls have waited for {LATE.seconds // 60} minutes",
            "the console's page Outgoing says why",
        )


def _requests(session: Session) -> Iterator[Sign]:
    oldest = session.scalars(
        sa.select(Handoff)
        .where(Handoff.status == HandoffStatus.NEW.value)
        .order_by(Handoff.created_at)
        .limit(1)
    ).first()
    if oldest is None:
        return
    waited = desk.waiting(oldest, "", is_urgent=False).waited
    if waited > clinic().desk.answer_within:
        hours = waited.total_seconds() / 3600
        yield Sign(
            LOOK,
            f"a request has waited for {hours:.0f} working hours",
            "the console's page Handoffs",
        )


_SESSION_CHECKS: tuple[Callable[[Session], Iterator[Sign]], ...] = (
    *(_knowledge, _accounts, _outbox, _requests),
)


def _processes() -> Iterator[Sign]:
    address = settings().web_url
    try:
        missing = httpx.get(f"{address}/readyz", timeout=5, trust_env=False).json()["missing"]
    except (httpx.HTTPError, ValueError, KeyError):
        yield Sign(
            BAD,
            f"no web process answers at {address}",
            "make run, or start the units (docs/operations.md)",
        )
        return
    if missing:
        yield Sign(
            BAD,
            f"the web process answers; missing: {', '.join(missing)}",
            "look into the log of what is missing",
        )
    else:
        yield Sign(GOOD, "web process, Rasa and action server answer")


def _redis() -> Iterator[Sign]:
    url = settings().redis_url
    if not url:
        return
    try:
        address = url.replace("redis+unix://", "unix://", 1)
        redis.Redis.from_url(address, socket_timeout=3, socket_connect_timeout=3).ping()
        yield Sign(GOOD, "Redis answers")
    except redis.RedisError as error:
        yield Sign(
            BAD,
            f"Redis does not answer: {type(error).__name__}",
            "several web processes need it; is SPINEBOT_REDIS_URL right?",
        )
