"""What a trained model must reach before it goes live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spinebot.training import release
from spinebot.training.evaluation import understanding
from spinebot.training.release import Bar, Measure, ReleaseError

LEAST = Bar("reports", "reports that raise an alarm", least=0.96)
MOST = Bar("ordinary", "ordinary messages that raise an alarm", most=0.01)


def _measure(share: float) -> Measure:
    return Measure("reports", share, 200, ["i cannot pee", "numb down there"])


@pytest.mark.parametrize(
    ("bar", "share", "passes"),
    [(LEAST, 0.96, True), (LEAST, 0.959, False), (MOST, 0.01, True), (MOST, 0.011, False)],
)
def test_a_bar_is_reached_or_not(bar: Bar, share: float, passes: bool) -> None:
    assert (bar.fault(_measure(share)) is None) is passes


def test_a_fault_says_what_was_wanted_and_shows_messages() -> None:
    fault = LEAST.fault(_measure(0.9))
    assert fault == (
        "reports that raise an alarm: 90.0% of 200, must be at least 96.0%\n"
        "    i cannot pee\n"
        "    numb down there"
    )


def test_every_bar_has_its_measure() -> None:
    understood = {each.name for each in understanding([], [])}
    assert {bar.name for bar in release.bars()} == {*release.messages(), *understood}


def test_no_bar_lies_under_what_the_facts_sheet_lists() -> None:
    listed = next(bar for bar in release.bars() if bar.name == "listed")
    assert listed.least == 1.0


def test_what_measures_has_taught_nothing() -> None:
    from bench.data import read_examples
    from spinebot.safety import examples

    taught = {text for each in examples.read().values() for text in (*each.fires, *each.quiet)}
    taught |= {text for _, text in read_examples(release.ROOT / "data/nlu.yml")}
    sets = release.messages()
    assert not taught & {text for name in sets if name != "listed" for text in sets[name]}


def _faults_of(judge: Callable[[str], bool]) -> list[str]:
    found = release.measured(lambda texts: [judge(text) for text in texts])
    bars = [bar for bar in release.bars() if bar.name in release.messages()]
    return release.faults(found, bars)


def test_who_warns_of_everything_may_not_go_live() -> None:
    look_alikes, ordinary = _faults_of(lambda _text: True)
    assert "look-alikes that raise an alarm: 100.0% of 484" in look_alikes
    assert "ordinary" in ordinary


def test_who_warns_of_nothing_may_not_go_live() -> None:
    listed, reports = _faults_of(lambda _text: False)
    assert "phrases of the facts sheet that raise an alarm: 0.0% of" in listed
    assert "reports" in reports


def test_one_missed_phrase_of_the_facts_sheet_is_enough() -> None:
    sets = release.messages()
    reports = {*sets["listed"][1:], *sets["reports"]}
    [fault] = _faults_of(lambda text: text in reports)
    assert sets["listed"][0][:40] in fault


def test_who_is_right_may_go_live() -> None:
    sets = release.messages()
    reports = {*sets["listed"], *sets["reports"]}
    assert _faults_of(lambda text: text in reports) == []


@pytest.mark.parametrize("content", ["", "red_flags: {listed: {lest: 1}}", "other: 1"])
def test_a_fault_in_the_bars_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "release.yml"
    file.write_text(content)
    with pytest.raises(ReleaseError, match=r"release\.yml cannot be read"):
        release.bars(file)


def test_every_second_reader_is_an_intent() -> None:
    from spinebot.training import examples

    assert release.second_reader() <= set(examples.intents())
    assert "report_emergency" in release.second_reader()
