"""The sentence encoder gives the vectors of the model that it was made from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from bench.data import read_examples
from spinebot.language.encoder import (
    VIEWS,
    WIDTH,
    SentenceEncoder,
    encoder_directory,
    is_held_out,
    unseen_by_the_encoder,
)
from spinebot.training.encoder_graph import to_eight_bits, write_exact
from tests.conftest import ROOT

# Computed with transformers' BertModel (mean pooling, length 1) from the same weights.
REFERENCE = json.loads((ROOT / "tests/data/encoder_reference.json").read_text(encoding="utf-8"))
SENTENCES = [each["sentence"] for each in REFERENCE]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(ROOT / ".venv/encoder")


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    """The same network with its weights as they are."""
    folder = tmp_path_factory.mktemp("exact")
    write_exact(folder / "encoder.onnx")
    shutil.copy(ROOT / ".venv/encoder/tokenizer.json", folder)
    return SentenceEncoder(folder)


@pytest.mark.parametrize("place", range(len(REFERENCE)))
def test_in_32_bits_a_vector_equals_the_reference(exact: SentenceEncoder, place: int) -> None:
    [vector] = exact.encode([SENTENCES[place]])
    np.testing.assert_allclose(vector, REFERENCE[place]["vector"], atol=1e-4)


def test_in_8_bits_all_views_lie_close_to_the_exact_ones(
    exact: SentenceEncoder, tmp_path: Path
) -> None:
    write_exact(tmp_path / "exact.onnx")
    to_eight_bits(tmp_path / "exact.onnx", tmp_path / "encoder.onnx")
    shutil.copy(ROOT / ".venv/encoder/tokenizer.json", tmp_path)
    small = SentenceEncoder(tmp_path)
    sentences = [*SENTENCES, *(text for _, text in read_examples(ROOT / "data/nlu.yml")[::10])]
    ours, theirs = small.encode_views(sentences), exact.encode_views(sentences)
    assert (ours * theirs).sum(axis=2).mean() > 0.985
    # And closer to itself than to any other sentence, in every view.
    for view in range(VIEWS):
        alike = ours[:, view] @ theirs[:, view].T
        np.testing.assert_array_equal(alike.argmax(axis=1), np.arange(len(sentences)))


def test_the_weights_leave_room_for_sums_in_16_bits(encoder: SentenceEncoder) -> None:
    """Two products of a weight and an activation (0 to 255) must fit, whatever the processor."""
    model = onnx.load(ROOT / ".venv/encoder/encoder.onnx")
    weights = [each for each in model.graph.initializer if each.data_type == TensorProto.INT8]
    largest = max(np.abs(numpy_helper.to_array(each).astype(int)).max() for each in weights)
    assert 2 * 255 * largest < 2**15


def test_among_others_a_sentence_has_the_same_vectors_as_alone(encoder: SentenceEncoder) -> None:
    sentences = [*SENTENCES, "a", *SENTENCES[::-1], "b"]
    alone = np.vstack([encoder.encode([sentence]) for sentence in sentences])
    np.testing.assert_array_equal(encoder.encode(sentences), alone)


def test_no_sentences_give_no_vectors(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, WIDTH)


@pytest.mark.parametrize("sentence", ["", "🙂", "disc " * 1000, "椎间盘", "\x00"])
def test_any_sentence_has_a_vector_of_length_one(encoder: SentenceEncoder, sentence: str) -> None:
    [vector] = encoder.encode([sentence])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_what_means_the_same_lies_near(encoder: SentenceEncoder) -> None:
    ice, cold, smoking = encoder.encode(
        ["does ice help my back?", "is cold good for back pain?", "do cigarettes harm discs?"]
    )
    assert ice @ cold > ice @ smoking + 0.2


def test_tuned_it_knows_the_field_better_than_before(
    encoder: SentenceEncoder, exact: SentenceEncoder
) -> None:
    """Examples that it was not tuned with lie nearer to those of their own intent."""
    examples = [each for each in read_examples(ROOT / "data/nlu.yml") if each[0].startswith("ask_")]
    shown = [each for each in examples if not is_held_out(each[1])][::6]
    held = [each for each in examples if is_held_out(each[1])][::6]

    def right(each: SentenceEncoder) -> float:
        vectors = each.encode([text for _, text in shown])
        nearest = (each.encode([text for _, text in held]) @ vectors.T).argmax(axis=1)
        pairs = zip(held, nearest, strict=True)
        return float(np.mean([intent == shown[place][0] for (intent, _), place in pairs]))

    assert right(encoder) > right(exact)


def test_one_example_in_five_is_kept_from_the_tuning() -> None:
    texts = [f"example {number}" for number in range(2000)]
    assert unseen_by_the_encoder(texts).mean() == pytest.approx(1 / 5, abs=0.03)
    assert unseen_by_the_encoder(texts[:20]).all()


def test_missing_files_are_named_with_the_way_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"encoder\.onnx is missing: run `make setup`"):
        SentenceEncoder(tmp_path)


def test_the_setting_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPINEBOT_ENCODER_DIR", str(tmp_path))
    assert encoder_directory() == tmp_path
