"""Sentences in, vectors out: the sentence encoder, run with ONNX Runtime.

The files are made by ``spinebot encoder build`` (``spinebot.training.encoder_graph``).
Model: all-MiniLM-L6-v2, tuned to our examples. 384 numbers a sentence, length 1, so that a dot
product is a cosine.
"""

from __future__ import annotations

import functools
import hashlib
import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

WIDTH = 384
# What is kept of a sentence: the mean over its tokens of the last layer (the sentence vector as
# the model was trained to give it), the mean of the layer before, the maximum of the last.
VIEWS = 3
MAX_TOKENS = 128  # what the model was trained with; the rest of a longer message is not read
HELD_OUT = 5  # one example in so many is kept from the encoder's tuning
KEPT = "kept.npz"  # vectors of sentences that were encoded before
MOST_KEPT = 30_000
WORTH_KEEPING = 5  # so many new ones; fewer are encoded faster than the file is written
FEWEST_HELD_OUT = 100  # with fewer, a threshold is measured on all examples


class SentenceEncoder:
    """Turns sentences into vectors of ``WIDTH`` float32 numbers and length 1."""

    def __init__(self, directory: Path) -> None:
        """Load ``encoder.onnx`` and ``tokenizer.json``.

        Raises:
            FileNotFoundError: the files are not there; the message says how to make them.
        """
        for name in ("encoder.onnx", "tokenizer.json"):
            if not (directory / name).is_file():
                raise FileNotFoundError(
                    f"{directory / name} is missing: run `make setup` (or `spinebot encoder build`)"
                )
        self._directory = directory
        self._kept: dict[str, np.ndarray] | None = None
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        # Measured: a second thread makes a single short sentence slower, not faster.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(directory / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """Return the sentence vectors: ``(len(sentences), WIDTH)``, in the order given."""
        return self.encode_views(sentences)[:, 0]

    def encode_views(self, sentences: Sequence[str]) -> np.ndarray:
        """Return all views of each sentence: ``(len(sentences), VIEWS, WIDTH)``, length 1 each."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(sentences))]
        if len(tokens) == 1:
            return self._run(tokens[0])
        # One by one: what 8 bits can tell apart depends on what is multiplied together, and a
        # sentence must have the same vectors alone and among others.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(self._run, tokens))
        return np.concatenate([np.zeros((0, VIEWS, WIDTH), dtype=np.float32), *found])

    def encode_kept(self, sentences: Sequence[str]) -> np.ndarray:
        """Return what ``encode_views`` does, for sentences that are asked for again and again.

        Their vectors are kept beside the encoder's files: a training encodes only what is new.
        """
        known = self._known()
        missing = list(dict.fromkeys(text for text in sentences if text not in known))
        if missing:
            known |= dict(zip(missing, self.encode_views(missing), strict=True))
            if len(missing) >= WORTH_KEEPING:
                self._keep(known, sentences)
        empty = np.zeros((0, VIEWS, WIDTH), dtype=np.float32)
        return np.stack([known[text] for text in sentences]) if len(sentences) else empty

    def _known(self) -> dict[str, np.ndarray]:
        if self._kept is None:
            self._kept = {}
            try:
                with np.load(self._directory / KEPT, allow_pickle=False) as kept:
                    if str(kept["encoder"]) == encoder_fingerprint(self._directory):
                        texts = kept["texts"].tolist()
                        self._kept = dict(zip(texts, kept["vectors"], strict=True))
            except (OSError, ValueError, KeyError, zipfile.BadZipFile):
                pass  # not there, or broken off: it is made anew
        return self._kept

    def _keep(self, known: dict[str, np.ndarray], used: Sequence[str]) -> None:
        """Write vectors beside the encoder, where that may be written to."""
        texts = [*dict.fromkeys([*used, *known])][:MOST_KEPT]
        part = self._directory / f".{os.getpid()}.{KEPT}"
        try:
            np.savez(
                part,
                encoder=np.array(encoder_fingerprint(self._directory)),
                texts=np.array(texts),
                vectors=np.stack([known[text] for text in texts]),
            )
            part.replace(self._directory / KEPT)
        except OSError:
            part.unlink(missing_ok=True)

    def _run(self, tokens: list[int]) -> np.ndarray:
        feed = {"token_ids": np.array([tokens], dtype=np.int64)}
        return cast(np.ndarray, self._session.run(None, feed)[0])


def encoder_directory() -> Path:
    """Where the encoder's files lie: ``SPINEBOT_ENCODER_DIR``, else ``.venv/encoder``."""
    return Path(os.environ.get("SPINEBOT_ENCODER_DIR") or ".venv/encoder")


@functools.cache
def load_encoder() -> SentenceEncoder:
    """Return this process's encoder, loaded once."""
    return SentenceEncoder(encoder_directory())


def is_held_out(text: str) -> bool:
    """Return whether the encoder is never tuned with this example: true for one in ``HELD_OUT``."""
    return hashlib.sha256(text.encode()).digest()[0] % HELD_OUT == 0


def unseen_by_the_encoder(texts: Sequence[str]) -> np.ndarray:
    """Return (texts,): which of them to measure thresholds with.

    What the encoder was tuned with it tells apart too well. Of very few examples, all count.
    """
    unseen = np.array([is_held_out(text) for text in texts], dtype=bool)
    return unseen if unseen.sum() >= FEWEST_HELD_OUT else np.ones(len(texts), dtype=bool)


def encoder_fingerprint(directory: Path | None = None) -> str:
    """Return a hash that changes whenever the encoder's files do."""
    digest = hashlib.sha256()
    for name in ("encoder.onnx", "tokenizer.json"):
        path = (directory or encoder_directory()) / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()
