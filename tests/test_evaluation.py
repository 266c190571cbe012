"""What is measured of a model, how models are compared, and the notes of a release."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from spinebot import releases
from spinebot.db import now, reading, writing
from spinebot.errors import NotFoundError
from spinebot.models import Conversation, Correction, Message, Role, Sender, Trial
from spinebot.training import evaluation, models, notes, progress, release, replay
from spinebot.training.evaluation import Evaluation, Judged, Said, compare, mcnemar, scores
from spinebot.training.release import Measure, ReleaseError
from tests.console import new_account, send, sign_in, talk

GOOD = [
    Measure(bar.name, bar.least or 0.0, 100, [f"a message of {bar.name}"]) for bar in release.bars()
]
MESSAGES = [
    Judged("heat or ice", "ask_heat_or_ice", "ask_heat_or_ice", 0.92),
    Judged("hot or cold", "ask_heat_or_ice", "ask_sleep_position", 0.41),
    Judged("which pillow", "ask_sleep_position", "ask_sleep_position", 0.77),
    Judged("the moon", "out_of_scope", "nlu_fallback", 0.12),
    Judged("my cat", "out_of_scope_animal", "out_of_scope", 0.5),
]


def seen(text: str, intent: str, *, seen_as: list[str], unseen: bool = True) -> dict[str, Any]:
    return {"text": text, "intent": intent, "seen_as": seen_as, "unseen": unseen}


VALIDATION = {
    "seeds": [1, 2],
    "examples": [
        seen("warm it", "ask_heat_or_ice", seen_as=["ask_heat_or_ice", "ask_sleep_position"]),
        seen("a mattress", "ask_sleep_position", seen_as=["ask_sleep_position"] * 2),
        seen("cool it", "ask_heat_or_ice", seen_as=["greet"] * 2, unseen=False),
    ],
}
STEPS = [
    {"threshold": at / 10, "answered": 1 - at / 20, "lost": at / 40, "caught": at / 10}
    for at in range(1, 9)
]
CURVE = {"most_lost": 0.03, "threshold": 0.2, "steps": STEPS}


def measured(name: str = "new.tar.gz", **more: Any) -> Evaluation:
    values: dict[str, Any] = {
        "model": name,
        "made_at": now(),
        "seconds": 30.0,
        "messages": MESSAGES,
        "misspelt": MESSAGES[:1],
        "measures": GOOD,
        "curve": CURVE,
        "validation": VALIDATION,
    }
    return Evaluation(**{**values, **more})


def test_it_is_read_as_it_was_written() -> None:
    found = measured()
    assert Evaluation.from_json(found.as_json()) == found


def test_precision_recall_and_what_an_intent_is_taken_for() -> None:
    heat, sleep, *_ = scores(MESSAGES)
    assert (heat.intent, heat.count, heat.precision, heat.recall) == ("ask_heat_or_ice", 2, 1, 0.5)
    assert heat.confused == [("ask_sleep_position", 1)]
    assert heat.f1 == pytest.approx(2 / 3)
    assert (sleep.precision, sleep.recall) == (0.5, 1)


def test_asking_again_is_right_where_there_is_nothing_to_answer() -> None:
    assert [m.is_right for m in MESSAGES] == [True, False, True, True, True]
    assert measured().confusions() == {("ask_heat_or_ice", "ask_sleep_position"): 1}


def test_the_figures_of_understanding() -> None:
    found = {m.name: m for m in evaluation.understanding(MESSAGES, MESSAGES[:2])}
    assert found["in_scope"].share == pytest.approx(2 / 3)
    assert found["out_of_scope"].share == 1
    assert found["misspelt"].share == 0.5
    assert found["wrong_answers"].share == pytest.approx(1 / 5)
    assert found["in_scope"].wrong == [
        "hot or cold (ask_heat_or_ice, taken for ask_sleep_position)"
    ]
    assert set(found) <= {bar.name for bar in release.bars()}


def test_the_noise_is_that_of_examples_the_encoder_has_not_seen() -> None:
    assert measured().noise() == [1.0, 0.5]
    assert measured().noise(unseen=False) == pytest.approx([2 / 3, 1 / 3])
    assert measured(validation={}).noise() == []


def test_the_histogram_counts_every_message_once() -> None:
    bins = measured().histogram()
    assert sum(right + wrong for right, wrong in bins) == len(MESSAGES)
    assert bins[4] == (0, 1)


def test_models_are_compared_message_by_message() -> None:
    before = measured("old.tar.gz")
    fixed = [replace(MESSAGES[1], seen_as="ask_heat_or_ice"), *MESSAGES[2:]]
    broken = replace(MESSAGES[0], seen_as="greet")
    after = measured(messages=[broken, *fixed, Judged("new", "greet", "greet", 1)])
    found = compare(before, after)
    assert found.common == 5
    assert [m.text for m in found.better] == ["hot or cold"]
    assert [m.text for m in found.worse] == ["heat or ice"]
    assert found.chance == 1.0
    assert found.intents == []
    only_better = compare(before, measured(messages=[MESSAGES[0], *fixed]))
    assert only_better.intents == [("ask_heat_or_ice", 2, 0.5, 1.0)]


@pytest.mark.parametrize(
    ("one", "other", "chance"), [(0, 0, 1.0), (5, 5, 1.0), (10, 0, 2 / 1024), (8, 2, 112 / 1024)]
)
def test_mcnemar(one: int, other: int, chance: float) -> None:
    assert mcnemar(one, other) == pytest.approx(chance)


def test_a_figure_that_was_not_measured_keeps_a_model_back() -> None:
    [fault] = release.faults(GOOD[1:], release.bars())
    assert "not measured" in fault


def test_a_model_that_cannot_be_read_is_no_release(tmp_path: Path, data_dir: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    with pytest.raises(ReleaseError, match=r"broken\.tar\.gz could not be measured"):
        evaluation.understand(broken, ["hello"])


def test_what_a_component_left_in_the_model_is_found(tmp_path: Path) -> None:
    file = tmp_path / "threshold.json"
    file.write_text('{"threshold": 0.2}')
    with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as archive:
        archive.add(file, "components/train_X/threshold.json")
    assert evaluation._left_in(tmp_path / "m.tar.gz", "threshold.json") == {"threshold": 0.2}
    assert evaluation._left_in(tmp_path / "m.tar.gz", "nothing.json") == {}


# Notes


def test_notes_say_what_was_taught_and_what_became_of_it() -> None:
    more = [
        *VALIDATION["examples"],  # type: ignore[misc]
        seen("on ice", "ask_heat_or_ice", seen_as=["ask_heat_or_ice"] * 2),
        seen("a saddle", "ask_horse", seen_as=["ask_horse"] * 2),
    ]
    after = measured(
        validation={**VALIDATION, "examples": more[1:]},
        messages=[replace(MESSAGES[1], seen_as="ask_heat_or_ice"), *MESSAGES[2:]],
    )
    text = notes.write(measured("old.tar.gz"), after, [])
    assert "**ask_horse** is new, with 1 examples" in text
    assert "ask_heat_or_ice: 1 more, 1 less: on ice" in text
    assert "1 are understood now and were not, 0 the other way round" in text
    assert "| in scope | 90.0% | 90.0% | +0.0 |" in text
    assert "with 2 seeds" in text


def test_the_first_model_has_notes_too() -> None:
    text = notes.write(None, measured(), [])
    assert text.startswith("# new\n")
    assert "What was taught" not in text
    assert "None: every intent" in text


# Progress


def test_progress_goes_from_step_to_step(data_dir: Path) -> None:
    assert progress.last() is None
    with progress.Progress(is_shown=False) as found:
        shares = []
        for name in progress.STEPS:
            found.step(name)
            state = progress.last()
            assert state is not None
            assert state.step == name
            shares.append(state.share)
        assert shares == sorted(shares)
        assert 0 < state.left < sum(progress.STEPS.values())
    assert set(progress.usual()) == set(progress.STEPS)
    assert progress.usual() != progress.STEPS


def test_what_failed_says_nothing_of_the_usual_time(data_dir: Path) -> None:
    def fail() -> None:
        with progress.Progress(is_shown=False) as found:
            for name in progress.STEPS:
                found.step(name)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert progress.usual() == progress.STEPS


# Replay


@pytest.fixture
def two(database: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A live model and a candidate; what they say is written here."""
    folder = data_dir / "models"
    folder.mkdir()
    found = folder / "live.tar.gz", folder / "new.tar.gz"
    for path in found:
        path.write_bytes(b"")
    says = {"live.tar.gz": "nlu_fallback", "new.tar.gz": "ask_heat_or_ice"}

    def understand(model: Path, texts: list[Said]) -> list[dict[str, Any]]:
        # Two models that were really trained take minutes: the system tests have them.
        return [{"intent": says[model.name] if "pea" in each.text else "greet"} for each in texts]

    monkeypatch.setattr(replay, "understand", understand)
    return found


def play(two: tuple[Path, Path], last: int = 200) -> replay.Replay:
    with reading() as session:
        return replay.run(session, two[1], two[0], last)


def test_only_what_changes_is_shown(two: tuple[Path, Path]) -> None:
    talk("hello", "frozen peas or heat", "call 202 555 0143 about peas")
    found = play(two)
    assert (found.conversations, found.messages) == (1, 3)
    assert [(turn.before, turn.after) for turn in found.turns] == [
        ("nlu_fallback", "ask_heat_or_ice")
    ] * 2
    kept = (two[1].parent / "new.replay.json").read_text()
    assert "peas" not in kept
    with reading() as session:
        shown = replay.shown(session, found.turns)
    assert shown[0]["before"] == "asks again"
    assert "0143" not in str([each["message"].text for each in shown])


def test_a_message_is_read_where_it_stood(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Said] = []

    def understand(model: Path, texts: list[Said]) -> list[dict[str, Any]]:
        asked.extend(texts if model == two[0] else [])
        more = ["ask_sleep_position"] if model == two[1] else []
        return [{"intent": "ask_heat_or_ice", "also_asked": more} for _ in texts]

    monkeypatch.setattr(replay, "understand", understand)
    talked = talk("heat or ice", "for how long", "tell me more", "and at night", "review", "Ann")
    turns = {
        1: ("ask_heat_or_ice", ["action_answer_question"]),
        2: ("ask_spasm_duration", ["action_answer_question"]),
        3: ("request_more", ["action_tell_more"]),
        4: ("thank", ["action_reply_small_talk"]),
        5: ("request_mri_review", ["action_start_mri_review", "mri_review_form"]),
        6: ("inform", ["mri_review_form"]),
    }
    with writing() as session:
        typed = session.scalars(
            sa.select(Message).where(
                Message.conversation_id == talked.id, Message.sender == Sender.VISITOR.value
            )
        )
        for message, (intent, actions) in zip(typed, turns.values(), strict=True):
            message.intent, message.actions = intent, actions
    found = play(two)
    assert asked[::-1] == [
        Said("heat or ice"),
        Said("for how long", "ask_heat_or_ice"),
        Said("tell me more", "ask_spasm_duration"),
        Said("and at night", "ask_spasm_duration"),
        Said("review"),
        Said("Ann", in_form=True),
    ]
    assert found.turns[0].after == "ask_heat_or_ice+ask_sleep_position"
    with reading() as session:
        [first, *_] = replay.shown(session, found.turns)
    assert ", and " in first["after"]


def test_the_last_conversations_only_and_no_testers(two: tuple[Path, Path]) -> None:
    tester = talk("peas of a tester")
    for number in range(3):
        talk(f"peas number {number}")
    with writing() as session:
        session.get_one(Conversation, tester.id).trial = Trial.LIVE.value
    assert play(two).messages == 3
    assert play(two, 2).messages == 2


def test_verdicts_stay_when_it_is_played_again(two: tuple[Path, Path]) -> None:
    talk("frozen peas", "more peas")
    first = play(two)
    ann = new_account(Role.TRAINER)
    with writing() as session:
        replay.judge(session, two[1], [first.turns[0].message_id], "accepted", ann)
    again = play(two)
    assert [turn.verdict for turn in again.turns] == ["accepted", ""]
    assert len(again.open) == 1
    with writing() as session, pytest.raises(NotFoundError):
        replay.judge(session, two[1], [1], "nonsense", ann)


def test_without_conversations_there_is_nothing_to_play(two: tuple[Path, Path]) -> None:
    with pytest.raises(NotFoundError, match="nothing to replay"):
        play(two)


# The page


@pytest.fixture
def page(client: TestClient, data_dir: Path) -> TestClient:
    """A trainer's browser; a model is live, and a better one is measured."""
    folder = data_dir / "models"
    folder.mkdir(exist_ok=True)
    fixed = [MESSAGES[0], replace(MESSAGES[1], seen_as="ask_heat_or_ice"), *MESSAGES[2:]]
    for name, messages in (("live", MESSAGES), ("new", fixed)):
        path = folder / f"{name}.tar.gz"
        path.write_bytes(b"")
        found = measured(path.name, messages=messages)
        (folder / f"{name}.evaluation.json").write_text(found.as_json(), encoding="utf-8")
        figures = [vars(each) for each in GOOD]
        release.figures_of(path).write_text(json.dumps(figures), encoding="utf-8")
    models.put_live(folder / "live.tar.gz")
    return sign_in(client, new_account(Role.TRAINER, "Tia Sample"))


def test_the_page_shows_it_all(page: TestClient) -> None:
    text = page.get("/console/models/new").text
    for words in (
        "Against the live model",
        "1 are understood now",
        "Cross-validation",
        "threshold",
    ):
        assert words in text
    live = page.get("/console/models/live").text
    assert 'href="#c-ask_heat_or_ice-ask_sleep_position"' in live
    assert 'id="c-ask_heat_or_ice-ask_sleep_position"' in live
    assert "hot or cold" in live
    assert page.get("/console/models/nothing").status_code == 404


def test_put_live_it_has_its_notes(page: TestClient, data_dir: Path) -> None:
    send(page, "models/promote", name="new", why="better")
    assert (data_dir / "models/new.notes.md").read_text(encoding="utf-8").startswith("# new\n")
    with reading() as session:
        assert releases.history(session)[0].previous == "live.tar.gz"


def test_a_rejected_change_comes_to_the_inbox(page: TestClient, data_dir: Path) -> None:
    talk("frozen peas")
    with reading() as session:
        message = session.scalars(sa.select(Message.id).where(Message.number == 1)).one()
    turn = replay.Turn(message, "ask_heat_or_ice", "ask_sleep_position")
    new = data_dir / "models/new.tar.gz"
    replay._write(new, replay.Replay("new.tar.gz", "live.tar.gz", now(), 1, 1, [turn]))
    assert "frozen peas" in page.get("/console/models/new").text
    send(page, "models/new/replay/judge", messages=[message], verdict="rejected")
    with reading() as session:
        assert session.scalars(sa.select(Correction.should_be)).one() == "ask_heat_or_ice"
    assert ">rejected<" in page.get("/console/models/new").text
