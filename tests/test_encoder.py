"""The sentence encoder gives the vectors of the model that it was made from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from spinebot.language.encoder import WIDTH, SentenceEncoder, encoder_directory
from spinebot.training.encoder_graph import write_exact
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
    encoder: SentenceEncoder, exact: SentenceEncoder
) -> None:
    cosines = (encoder.encode_views(SENTENCES) * exact.encode_views(SENTENCES)).sum(axis=2)
    assert cosines.min() > 0.97
    assert cosines.mean() > 0.985


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


def test_missing_files_are_named_with_the_way_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"encoder\.onnx is missing: run `make setup`"):
        SentenceEncoder(tmp_path)


def test_the_setting_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPINEBOT_ENCODER_DIR", str(tmp_path))
    assert encoder_directory() == tmp_path
