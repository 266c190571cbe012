"""Character n-grams, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from spinebot.language.ngrams import NgramWeights

TEXTS = ["heat or ice?", "Ice, heat; ice", "a back brace", "brace for the back", "I"]


def test_ngrams_are_weighed_as_scikit_learn_does() -> None:
    reference = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True, smooth_idf=True
    ).fit(TEXTS)
    ours = NgramWeights.of(TEXTS)
    assert list(ours.places) == list(reference.get_feature_names_out())
    found, wanted = ours.matrix(TEXTS).toarray(), reference.transform(TEXTS).toarray()
    assert np.allclose(found, wanted, atol=1e-5)


def test_ngrams_stay_within_words_and_know_word_ends() -> None:
    places = NgramWeights.of(["an ice", "an ice"]).places
    assert {" ice ", "ice", "e "} <= set(places)
    assert not any(" " in ngram.strip() for ngram in places)


def test_an_ngram_of_one_text_is_left_out() -> None:
    assert "at" not in NgramWeights.of(["heat", "ice", "ice"]).places


def test_a_text_without_known_ngrams_weighs_nothing() -> None:
    columns, weights = NgramWeights.of(["ice", "ice"]).weigh("heat")
    assert len(columns) == len(weights) == 0


def test_weights_have_length_one() -> None:
    _, weights = NgramWeights.of(["ice pack", "ice bag"]).weigh("ICE ice")
    assert np.linalg.norm(weights) == pytest.approx(1)


def test_texts_that_share_nothing_can_be_learnt() -> None:
    assert NgramWeights.of(["x", "y"]).matrix(["x", "y"]).shape == (2, 0)
