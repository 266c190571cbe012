"""The limits: counted in Redis where there is one, and no hindrance where it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from spinebot.settings import settings
from spinebot.web import guards
from tests.conftest import forget_settings


@pytest.fixture
def limited(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The settings with three messages a minute."""
    monkeypatch.setenv("SPINEBOT_LIMIT_MESSAGES", "3/minute")
    _forget()
    yield monkeypatch
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    forget_settings()
    guards._limits.cache_clear()
    guards._limiter.cache_clear()


async def _count(times: int, who: str = "somebody") -> None:
    for _ in range(times):
        await guards.count("messages", who)


def test_processes_share_their_counts_in_redis(limited: pytest.MonkeyPatch, redis_url: str) -> None:
    limited.setenv("SPINEBOT_REDIS_URL", redis_url)
    forget_settings()
    asyncio.run(_count(2))
    guards._limiter.cache_clear()  # as another process would begin
    asyncio.run(_count(1))
    guards._limiter.cache_clear()
    with pytest.raises(guards.TooManyError) as caught:
        asyncio.run(_count(1))
    assert 0 < caught.value.wait <= 60
    guards._limiter.cache_clear()
    asyncio.run(_count(3, "somebody else"))


def test_without_redis_nobody_is_turned_away(
    limited: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limited.setenv("SPINEBOT_REDIS_URL", f"redis+unix://{tmp_path / 'nobody.sock'}")
    forget_settings()
    asyncio.run(_count(5))
    assert "the limits cannot be counted" in caplog.text


def test_one_process_counts_by_itself(limited: pytest.MonkeyPatch) -> None:
    assert settings().redis_url is None
    with pytest.raises(guards.TooManyError):
        asyncio.run(_count(4))
