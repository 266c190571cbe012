"""The queue of `docs/scale.md` is a queue: it agrees with Erlang's formula where that holds."""

from __future__ import annotations

from statistics import fmean

import pytest

from bench.queueing import erlang_c, need, simulate


@pytest.mark.parametrize(("servers", "used"), [(1, 0.5), (1, 0.8), (2, 0.7), (5, 0.8)])
def test_waits_are_as_long_as_erlang_says(servers: int, used: float) -> None:
    mean = 0.03
    rate = used * servers / mean
    waits = simulate(rate, servers, mean, 1.0, seed=3, count=200_000)
    share = erlang_c(servers, rate * mean)
    assert sum(wait > 0 for wait in waits) / len(waits) == pytest.approx(share, rel=0.05)
    assert fmean(waits) == pytest.approx(share * mean / (servers * (1 - used)), rel=0.1)


def test_one_server_is_the_textbooks_case() -> None:
    assert erlang_c(1, 0.5) == pytest.approx(0.5)
    # Two servers, one erlang: a third waits.
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)


def test_more_conversations_never_need_fewer() -> None:
    found = [need(each, 0.03, 0.7).servers for each in (30_000, 3_000_000, 30_000_000)]
    assert found == sorted(found)
    assert found[0] == 1
    assert found[-1] > 1
