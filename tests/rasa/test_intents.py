"""The classifier's arithmetic: the regression, and the threshold that is measured with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from spinebot.language import intent_training, intents, landmarks
from spinebot.language.intent_training import (
    LeftOut,
    left_out_confidences,
    train,
    train_and_leave_out,
    train_and_validate,
)
from spinebot.language.intents import Examples, IntentModel, Kernel, confidences, name_as_words
from spinebot.language.thresholds import STEPS, Curve, measure

WIDTH = 12


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def cloud(counts: dict[str, int], spread: float = 0.6, seed: int = 1) -> Examples:
    """Examples around a direction for each intent. No two of their texts share a letter."""
    chance = np.random.default_rng(seed)
    vectors, labels = [], []
    for intent, count in counts.items():
        center = chance.normal(size=(3, WIDTH))
        vectors += [center + spread * chance.normal(size=(3, WIDTH)) for _ in range(count)]
        labels += [intent] * count
    texts = [chr(0x4E00 + place) for place in range(len(labels))]
    return Examples.of(texts, unit(np.stack(vectors)), labels)


def others(examples: Examples, place: int) -> Examples:
    return examples.only(np.array([each for each in range(len(examples.texts)) if each != place]))


THREE = {"ask_a": 4, "ask_b": 6, "greet": 5}


def folds_by_hand(examples: Examples, seed: int, kernel: Kernel) -> np.ndarray:
    """The confidences of models that were really trained without each fold."""
    cut = intent_training._cut(examples, 5, seed)
    found = np.zeros((len(examples.labels), len(examples.intents)))
    for fold in range(5):
        model = train(examples.only(np.flatnonzero(cut != fold)), kernel)
        for place in np.flatnonzero(cut == fold):
            by_name = dict(model.rank(examples.vectors[:, place], examples.texts[place]))
            found[place] = [by_name[name] for name in examples.intents]
    return found


def test_cross_validation_is_what_training_without_the_fold_gives() -> None:
    examples = cloud({"ask_a": 10, "ask_b": 15, "greet": 10})
    kernel = Kernel(ngrams=0.0, balanced=False)
    found = train_and_validate(examples, (1, 2), kernel)
    for seed, confident in zip((1, 2), found.folds, strict=True):
        by_hand = folds_by_hand(examples, seed, kernel)
        assert confident == pytest.approx(by_hand, abs=0.02)
        assert (confident.argmax(1) == by_hand.argmax(1)).all()


def test_folds_spread_every_intent_evenly() -> None:
    examples = cloud({"ask_a": 10, "ask_b": 15})
    cut = intent_training._cut(examples, 5, 1)
    for label, count in ((0, 2), (1, 3)):
        assert np.bincount(cut[examples.labels == label]).tolist() == [count] * 5
    assert (cut != intent_training._cut(examples, 5, 2)).any()
    assert (cut == intent_training._cut(examples, 5, 1)).all()


def test_validation_trains_the_same_model() -> None:
    examples = cloud(THREE)
    alone = train_and_leave_out(examples)
    found = train_and_validate(examples, (1,)).left_out
    assert found.scores == pytest.approx(alone.scores)
    assert found.model.weights == pytest.approx(alone.model.weights)


# The regression


def test_each_example_is_of_its_own_intent() -> None:
    examples = cloud(THREE)
    model = train(examples)
    for place, label in enumerate(examples.labels):
        ranking = model.rank(examples.vectors[:, place], examples.texts[place])
        assert ranking[0][0] == examples.intents[label]


def test_a_ranking_has_every_intent_the_surest_first() -> None:
    examples = cloud(THREE)
    ranking = train(examples).rank(examples.vectors[:, 0], "")
    sure = [confidence for _, confidence in ranking]
    assert {intent for intent, _ in ranking} == set(THREE)
    assert sure == sorted(sure, reverse=True)
    assert all(0 <= each <= 1 for each in sure)


def test_a_message_without_words_gets_no_confidence() -> None:
    nothing = np.zeros((3, WIDTH), dtype=np.float32)
    assert {sure for _, sure in train(cloud(THREE)).rank(nothing, "")} == {0.0}


def test_far_from_all_examples_nothing_is_sure() -> None:
    examples = cloud(THREE, spread=0.1)
    far = unit(-examples.vectors.mean(axis=1))
    near = examples.vectors[:, 0]
    model = train(examples)
    assert model.rank(far, "")[0][1] < 0.3 < 0.7 < model.rank(near, "")[0][1]


def test_scores_are_about_one_for_the_intent_and_minus_one_for_others() -> None:
    examples = cloud(THREE, spread=0.05)
    scores = train(examples).scores(examples.vectors[:, 0], "")
    assert scores == pytest.approx([1, -1, -1], abs=0.25)


def test_letters_tell_apart_what_vectors_do_not() -> None:
    same = np.tile(unit(np.ones((3, WIDTH))), (4, 1, 1))
    texts = ["ibuprofen", "ibuprofen pills", "gabapentin", "gabapentin pills"]
    model = train(Examples.of(texts, same, ["a", "a", "b", "b"]))
    assert model.rank(same[0], "ibuprofin")[0][0] == "a"
    assert model.rank(same[0], "gabapentine")[0][0] == "b"


def test_same_examples_make_the_same_model() -> None:
    once, again = train(cloud(THREE)), train(cloud(THREE))
    assert np.array_equal(once.weights, again.weights)


def test_an_intent_with_many_examples_is_held_back() -> None:
    examples = cloud({"few": 3, "many": 40}, spread=1.0)
    between = unit(sum(examples.vectors[:, examples.labels == label].mean(1) for label in (0, 1)))
    few = examples.intents.index("few")
    balanced, plain = train(examples), train(examples, Kernel(balanced=False))
    assert balanced.scores(between, "")[few] > plain.scores(between, "")[few]


def test_a_model_keeps_the_main_directions_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # All vectors lie in five directions out of twelve: the other seven can go without a trace.
    wide = cloud(THREE)
    flat = unit(wide.vectors * (np.arange(WIDTH) < 5))
    examples = Examples(wide.intents, wide.labels, wide.texts, flat)
    full = train(examples)
    monkeypatch.setattr(intents, "DIRECTIONS", 5)
    model = train(examples)
    assert model.vectors.shape == (3, len(examples.texts), 5)
    for place in range(len(examples.texts)):
        scores = model.scores(flat[:, place], "")
        assert scores == pytest.approx(full.scores(flat[:, place], ""), abs=1e-3)


def test_a_saved_and_loaded_model_says_the_same(tmp_path: Path) -> None:
    vectors = cloud({"a": 2, "b": 2}).vectors.transpose(1, 0, 2)
    texts = ["heat or ice", "ice or heat", "back brace", "a brace"]
    model = train(Examples.of(texts, vectors, ["a", "a", "b", "b"]))
    model.save(tmp_path)
    loaded = IntentModel.load(tmp_path)
    assert model.ngrams.places
    for vector, text in zip(vectors, texts, strict=True):
        assert loaded.rank(vector, text) == model.rank(vector, text)


def test_names_are_read_as_words() -> None:
    assert name_as_words("ask_back_brace") == "back brace"
    assert name_as_words("out_of_scope_cost") == "out of scope cost"


# Examples


def test_examples_are_sorted_by_intent_and_keep_their_own() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(3, 3, WIDTH)))
    examples = Examples.of(["x", "y", "z"], vectors, ["b", "a", "b"])
    assert examples.intents == ["a", "b"]
    assert examples.texts == ["y", "x", "z"]
    assert examples.labels.tolist() == [0, 1, 1]
    assert np.array_equal(examples.vectors[:, 0], vectors[1])


def test_an_intent_that_lost_its_examples_is_gone() -> None:
    examples = cloud(THREE)
    kept = examples.only(np.flatnonzero(examples.labels != examples.intents.index("ask_b")))
    assert kept.intents == ["ask_a", "greet"]
    assert len(kept.texts) == THREE["ask_a"] + THREE["greet"]


# Leaving one out


def test_what_is_left_out_is_scored_as_if_it_had_never_been_there() -> None:
    # Their texts share no letters and so no n-grams, which would have seen all examples.
    examples = cloud(THREE)
    scores = train_and_leave_out(examples, Kernel(balanced=False)).scores
    for place, text in enumerate(examples.texts):
        model = train(others(examples, place), Kernel(balanced=False))
        assert scores[place] == pytest.approx(
            model.scores(examples.vectors[:, place], text), abs=1e-3
        )


def test_the_model_beside_the_scores_is_the_plain_one() -> None:
    examples = cloud(THREE)
    model = train_and_leave_out(examples).model
    assert np.allclose(model.weights, train(examples).weights, atol=1e-4)


def test_a_left_out_example_is_not_near_itself() -> None:
    axes = np.eye(4, dtype=np.float32)
    vectors = np.stack([np.tile(axis, (3, 1)) for axis in axes])
    examples = Examples.of(["x", "y", "z", "w"], vectors, ["a", "a", "b", "b"])
    left_out = train_and_leave_out(examples)
    assert np.all(left_out_confidences(examples, left_out) == 0)


def test_confidence_is_the_share_times_the_nearest_cosine() -> None:
    sure = confidences(np.array([[1.0, 1.0, -9.0]]), np.array([[0.8, 0.4, 1.0]]))
    assert sure == pytest.approx(np.array([[0.4, 0.2, 0.0]]), abs=1e-6)


# Very many examples


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Examples:
    """Examples of which there are too many for one system of equations."""
    monkeypatch.setattr(intent_training, "MOST_EXACT", 50)
    return cloud({"ask_a": 30, "ask_b": 50, "greet": 30, "out_of_scope_cost": 20}, spread=1.0)


def exactly(examples: Examples, monkeypatch: pytest.MonkeyPatch) -> LeftOut:
    monkeypatch.setattr(intent_training, "MOST_EXACT", 1000)
    return train_and_leave_out(examples)


def test_with_all_examples_as_landmarks_it_is_the_exact_regression(
    many: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = train(many)
    exact = exactly(many, monkeypatch).model
    for place in range(0, len(many.labels), 7):
        asked = (many.vectors[:, place], many.texts[place])
        assert here.scores(*asked) == pytest.approx(exact.scores(*asked), abs=1e-3)


def test_a_fold_of_many_is_scored_by_a_model_without_it(many: Examples) -> None:
    kernel = Kernel(ngrams=0.0, balanced=False)
    regression = landmarks.Regression.of(many, kernel)
    places = np.arange(0, len(many.labels), 10)
    inside = regression.fold(places, 0.2, seed=1)
    assert inside[places].all()
    assert inside.sum() == round(0.2 * len(many.labels))
    assert (inside != regression.fold(places, 0.2, seed=2)).any()
    model = train(many.only(np.flatnonzero(~inside)), kernel)
    for place, scores in zip(places, regression.without(inside, places), strict=True):
        asked = (many.vectors[:, place], many.texts[place])
        assert scores == pytest.approx(model.scores(*asked), abs=0.02)


def test_what_is_left_out_of_many_is_scored_as_if_nothing_were_known_of_it(
    many: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = train_and_leave_out(many)
    assert left_out.places.tolist() == list(range(len(many.labels)))
    exact = exactly(many, monkeypatch)
    assert left_out.scores == pytest.approx(exact.scores, abs=1e-2)


def test_of_many_examples_some_are_landmarks_and_some_are_judged(
    many: Examples, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exact = exactly(many, monkeypatch)
    monkeypatch.setattr(intent_training, "MOST_EXACT", 50)
    monkeypatch.setattr(landmarks, "LANDMARKS", 60)
    monkeypatch.setattr(landmarks, "JUDGED", 40)
    monkeypatch.setattr(landmarks, "AT_ONCE", 33)
    found = train_and_validate(many, (1,))
    model, places = found.left_out.model, found.left_out.places
    assert model.vectors.shape[1] == 60
    assert found.left_out.scores.shape == found.folds[0].shape == (40, 4)
    same = found.left_out.scores.argmax(1) == exact.scores[places].argmax(1)
    assert same.mean() >= 0.9
    nearest = dict(model.rank(many.vectors[:, 1], many.texts[1]))
    expected = dict(exact.model.rank(many.vectors[:, 1], many.texts[1]))
    assert nearest == pytest.approx(expected, abs=0.1)
    model.save(tmp_path)
    loaded = IntentModel.load(tmp_path)
    for place in range(5):
        asked = (many.vectors[:, place], many.texts[place])
        assert loaded.rank(*asked) == model.rank(*asked)


def test_the_same_many_examples_make_the_same_model(many: Examples) -> None:
    assert np.array_equal(train(many).weights, train(many).weights)


def test_the_threshold_of_many_is_measured_with_those_that_are_judged(
    many: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landmarks, "JUDGED", 40)
    found = curve(many)
    assert 0 < found.steps[0].answered <= 1
    assert found.steps[-1].answered < found.steps[0].answered


# The threshold


def curve(examples: Examples, most_lost: float = 0.1) -> Curve:
    return measure(examples, train_and_leave_out(examples), most_lost)


def overlapping() -> Examples:
    return cloud({"ask_a": 30, "ask_b": 30, "greet": 20, "out_of_scope": 25}, spread=1.3)


def rises(numbers: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(numbers)) and numbers[0] < numbers[-1]


def test_a_higher_threshold_answers_less_and_catches_more() -> None:
    steps = curve(overlapping()).steps
    assert [step.threshold for step in steps] == list(STEPS)
    assert rises([-step.answered for step in steps])
    assert rises([step.lost for step in steps])
    assert rises([step.caught for step in steps])


@pytest.mark.parametrize("most_lost", [0.0, 0.05, 0.2, 0.5])
def test_the_chosen_threshold_is_the_highest_that_loses_no_more(most_lost: float) -> None:
    found = curve(overlapping(), most_lost)
    lost = {step.threshold: step.lost for step in found.steps}
    assert all(share > most_lost for place, share in lost.items() if place > found.threshold)
    assert lost[found.threshold] <= most_lost or found.threshold == STEPS[0]


def test_who_may_lose_more_gets_a_higher_threshold() -> None:
    assert curve(overlapping(), 0.02).threshold < curve(overlapping(), 0.5).threshold
    assert curve(overlapping(), 1.0).threshold == STEPS[-1]


def test_what_is_out_of_scope_is_judged_by_a_model_that_never_saw_it() -> None:
    # Out of scope in the very place of a question: only who has seen it can tell them apart.
    question = cloud({"ask_a": 6, "ask_b": 6}, spread=0.05)
    twins = question.vectors[:, :6].transpose(1, 0, 2)
    vectors = np.concatenate([question.vectors.transpose(1, 0, 2), twins])
    labels = [question.intents[label] for label in question.labels] + ["out_of_scope_cost"] * 6
    texts = [chr(0x5E00 + place) for place in range(len(labels))]
    assert curve(Examples.of(texts, vectors, labels)).steps[0].caught == 0


def test_what_would_get_small_talk_counts_as_caught() -> None:
    near_greeting = cloud({"ask_a": 6, "greet": 6}, spread=0.05)
    twins = near_greeting.vectors[:, 6:].transpose(1, 0, 2)
    vectors = np.concatenate([near_greeting.vectors.transpose(1, 0, 2), twins])
    labels = ["ask_a"] * 6 + ["greet"] * 6 + ["out_of_scope"] * 6
    texts = [chr(0x5E00 + place) for place in range(len(labels))]
    assert curve(Examples.of(texts, vectors, labels)).steps[0].caught == 1


def test_only_questions_can_be_lost() -> None:
    # Each greeting stands among the examples of a question: left out, it is taken for one.
    examples = cloud({"ask_a": 8, "ask_b": 8, "greet": 2}, spread=0.05)
    for place, question in enumerate((slice(0, 8), slice(8, 16)), start=16):
        examples.vectors[:, place] = unit(examples.vectors[:, question].mean(axis=1))
    scores = train_and_leave_out(examples).scores
    assert scores[-2:].argmax(axis=1).tolist() == [0, 1]
    assert curve(examples).steps[0].answered == 1


def test_without_anything_out_of_scope_there_is_a_curve() -> None:
    found = curve(cloud({"ask_a": 5, "ask_b": 5}))
    assert {step.caught for step in found.steps} == {0.0}


def test_a_curve_is_kept_as_json() -> None:
    found = curve(overlapping())
    assert Curve.from_json(found.as_json()) == found
