"""The sentence encoder gives the vectors of the model that it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinebot.language.encoder import WIDTH, SentenceEncoder, encoder_directory
from tests.conftest import ROOT

# Computed with transformers' BertModel (mean pooling, length 1) from the same weights.
REFERENCE = json.loads((ROOT / "tests/data/encoder_reference.json").read_text(encoding="utf-8"))
SENTENCES = [each["sentence"] for each in REFERENCE]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(ROOT / ".venv/encoder")


@pytest.mark.parametrize("place", range(len(REFERENCE)))
def test_a_vector_equals_the_reference(encoder: SentenceEncoder, place: int) -> None:
    [vector] = encoder.encode([SENTENCES[place]])
    np.testing.assert_allclose(vector, REFERENCE[place]["vector"], atol=1e-4)


def test_a_batch_gives_the_same_as_one_by_one(encoder: SentenceEncoder) -> None:
    sentences = [*SENTENCES, "a", *SENTENCES[::-1], "b"]
    alone = np.vstack([encoder.encode([sentence]) for sentence in sentences])
    np.testing.assert_allclose(encoder.encode(sentences), alone, atol=1e-5)


def test_more_sentences_of_one_length_than_a_batch_holds(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(["neck pain"] * 70)
    np.testing.assert_allclose(vectors, np.tile(vectors[0], (70, 1)), atol=1e-5)


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
