"""A new secret key: nothing sealed is lost, nobody is thrown out of a chat."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from spinebot import audit, conversations, db, handoffs, keys, privacy, rotation
from spinebot.db import reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Contact, Message
from spinebot.rotation import RotationError
from spinebot.settings import settings
from spinebot.web import buttons
from tests.console import talk
from tests.test_desk import new_handoff

SAID = "call me on 202 555 0143"


def restart() -> None:
    """What a process that starts anew knows of the key."""
    settings.cache_clear()
    keys.keys_for.cache_clear()
    db._fernet.cache_clear()


@pytest.fixture(autouse=True)
def _a_key_in_a_file(database: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPINEBOT_SECRET_KEY", raising=False)
    restart()


def sealed() -> list[str]:
    with reading() as session:
        raw = sa.type_coerce(Message.original, sa.Text)
        return list(session.scalars(sa.select(raw).where(Message.original.is_not(None))))


def test_everything_can_be_read_at_each_step_and_the_old_key_opens_nothing_after(
    data_dir: Path,
) -> None:
    talk(SAID)
    new_handoff()
    with writing() as session:
        audit.record(session, "ann@example.com", "looked at", "conversation 1")
    old, before = settings().secret_key, sealed()

    path = rotation.add()
    restart()
    assert path.stat().st_mode & 0o777 == 0o600
    assert settings().secret_keys[1] == old != settings().secret_key
    with reading() as session:
        assert SAID in session.scalars(sa.select(Message.original)).all()
        assert privacy.find(session, "202-555-0143").handoffs
    with pytest.raises(RotationError, match="need an older key"):
        rotation.drop()

    found = rotation.reseal()
    assert (found.values > 0, found.contacts, found.trail) == (True, 1, 1)
    assert not set(before) & set(sealed())
    rotation.drop()
    restart()
    assert old not in path.read_text()
    with reading() as session:
        assert SAID in session.scalars(sa.select(Message.original)).all()
        [contact] = session.scalars(sa.select(Contact))
        assert contact.phone is not None
        assert contact.phone_key == handoffs.person_key(contact.phone)
        assert privacy.find(session, "202-555-0143").handoffs
        assert audit.verify(session) == (2, None)


def test_chats_and_buttons_of_the_old_key_go_on_until_it_is_dropped(data_dir: Path) -> None:
    with writing() as session:
        conversation, token = conversations.start(session, "page")
    button = buttons.sign(conversation.id, "Yes", "/affirm")
    rotation.add()
    restart()
    with reading() as session:
        assert conversations.find(session, token).id == conversation.id
    assert buttons.verify(conversation.id, button) == ("Yes", "/affirm")
    rotation.reseal()
    rotation.drop()
    restart()
    with reading() as session, pytest.raises(NotFoundError):
        conversations.find(session, token)
    with pytest.raises(buttons.ForgedButtonError):
        buttons.verify(conversation.id, button)


def test_it_can_be_broken_off_and_begun_anew(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        talk(SAID)
    rotation.add()
    restart()
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    whole = rotation._reseal
    done: list[int | None] = []

    def broken(*given: object) -> tuple[int | None, int]:
        if len(done) == 2:
            raise KeyboardInterrupt
        found = whole(*given)  # type: ignore[arg-type]
        done.append(found[0])
        return found

    monkeypatch.setattr(rotation, "_reseal", broken)
    with pytest.raises(KeyboardInterrupt):
        rotation.reseal()
    monkeypatch.setattr(rotation, "_reseal", whole)
    with reading() as session:
        assert rotation.left(session) > 0
        assert session.scalars(sa.select(Message.original)).all().count(SAID) == 3
    rotation.reseal()
    with reading() as session:
        assert rotation.left(session) == 0


def test_a_trail_that_is_broken_is_not_made_whole(data_dir: Path) -> None:
    with writing() as session:
        for number in range(3):
            audit.record(session, "ann@example.com", "looked at", f"conversation {number}")
        session.execute(sa.text("UPDATE audit_entry SET about = 'nothing' WHERE id = 2"))
    rotation.add()
    restart()
    with pytest.raises(audit.AuditError, match="broken at entry 2"):
        rotation.reseal()
    with reading() as session:
        assert audit.verify(session) == (1, 2)


def test_what_no_key_opens_is_named(data_dir: Path) -> None:
    talk(SAID)
    settings().data_dir.joinpath("secret_key").write_text("another key, of more than 32 characters")
    restart()
    rotation.add()
    restart()
    with pytest.raises(RotationError, match=r"message \d+: original opens with none of the keys"):
        rotation.reseal()


def test_steps_out_of_order_are_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RotationError, match="nothing to drop"):
        rotation.drop()
    rotation.add()
    restart()
    with pytest.raises(RotationError, match="two keys already"):
        rotation.add()
    monkeypatch.setenv("SPINEBOT_SECRET_KEY", f"{'n' * 40} {'o' * 40}")
    restart()
    assert settings().secret_keys == ("n" * 40, "o" * 40)
    for step in (rotation.add, rotation.drop):
        with pytest.raises(RotationError, match="SPINEBOT_SECRET_KEY"):
            step()


def test_a_short_signature_is_none() -> None:
    signed = keys.signature("buttons", b"x")
    assert keys.is_signature("buttons", b"x", signed)
    assert keys.is_signature("buttons", b"x", signed[:18])
    assert not keys.is_signature("buttons", b"x", signed[:11])
    assert not keys.is_signature("buttons", b"x", b"")
    assert not keys.is_signature("forms", b"x", signed)


def test_open_chats_are_answered_after_a_change(client: TestClient, data_dir: Path) -> None:
    token = client.post("/api/conversations", json={"page": "x"}).json()["token"]
    rotation.add()
    restart()
    assert client.get(f"/api/conversations/{token}/messages").status_code == 200


def test_a_file_that_cannot_be_written_stays(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = settings().secret_key

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rotation, "write_whole", full)
    with pytest.raises(RotationError, match="No space left on device"):
        rotation.add()
    restart()
    assert settings().secret_keys == (old,)


def test_the_new_key_can_be_read_by_nobody_else_at_any_moment(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings().secret_key
    modes = []
    sync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda file: (modes.append(os.fstat(file).st_mode & 0o777), sync(file))
    )
    rotation.add()
    assert modes == [0o600]
