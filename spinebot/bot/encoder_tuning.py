"""Teaches the sentence encoder the field: ``python -m spinebot.bot.encoder_tuning``.

The encoder knows sentences in general. Here its upper layers learn from our own examples which
sentences mean the same to a spine clinic: the intents of data/nlu.yml, and the red flags with
their look-alikes. The heads that tell the classes apart are thrown away afterwards; only the
encoder is kept. It runs when the encoder is built, not with each training of the assistant: what
is learnt is the field, not the single intents (docs/decisions/0012-tuned-encoder.md).

Every fifth example (``is_held_out``) is kept from it, so that thresholds can be measured on
sentences that the encoder has not seen.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import numpy as np
import tensorflow as tf
from ruamel.yaml import YAML
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from spinebot.language.detector import NONE
from spinebot.language.encoder import MAX_TOKENS, WIDTH, is_held_out
from spinebot.language.intent_names import EMERGENCY
from spinebot.safety import examples as red_flag_examples

LAYERS, HEADS = 6, 12
FROZEN = 3  # the lower layers stay: they know the language, and so they run only once
EPOCHS = 3
BATCH = 32
LEARNING_RATE = 2e-4
HEAD_LEARNING_RATE = 2e-3
WARM_UP = 0.1  # share of the steps
DROPOUT = 0.1
SHARPNESS = 20.0  # turns cosines into logits
INTENT_SMOOTHING, FLAG_SMOOTHING = 0.1, 0.05
SEED = 7

Weights = Dict[str, np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """What is learnt. intents, flags: (sentences,) class, or -1 where there is none to learn."""

    texts: List[str]
    intents: np.ndarray
    flags: np.ndarray


def lesson(nlu: Path) -> Lesson:
    """Return the examples of the training data and of the red flags, without those held out."""
    asked = [(text, label) for text, label in _intent_examples(nlu) if not is_held_out(text)]
    told = [
        (text, label)
        for rule, found in red_flag_examples.read().items()
        for label, texts in ((rule, found.fires), (NONE, found.quiet))
        for text in texts
        if not is_held_out(text)
    ]
    intents = {name: place for place, name in enumerate(sorted({label for _, label in asked}))}
    flags = {name: place for place, name in enumerate(sorted({label for _, label in told}))}
    # An ordinary message is no red flag; which one a report among the intents is, nobody noted.
    ordinary = [-1 if label == EMERGENCY else flags[NONE] for _, label in asked]
    return Lesson(
        [text for text, _ in asked + told],
        np.array([intents[label] for _, label in asked] + [-1] * len(told)),
        np.array(ordinary + [flags[label] for _, label in told]),
    )


def _intent_examples(nlu: Path) -> List[Tuple[str, str]]:
    return [
        (line.removeprefix("- ").strip(), block["intent"])
        for block in YAML(typ="safe").load(nlu.read_text(encoding="utf-8"))["nlu"]
        if "intent" in block
        for line in block["examples"].splitlines()
        if line.startswith("- ")
    ]


class Network:
    """The encoder in TensorFlow (BERT; Devlin et al. 2019), its upper layers trainable."""

    def __init__(self, weights: Weights) -> None:
        """weights: by the names of the weights package."""
        self.fixed = {name: tf.constant(value) for name, value in weights.items()}
        self.learnt = {
            name: tf.Variable(value) for name, value in weights.items() if _layer_of(name) >= FROZEN
        }

    def lower(self, tokens: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Return what the frozen layers make of tokens (sentences, tokens)."""
        weights, name = self.fixed, "embeddings"
        value = tf.gather(weights[f"{name}.word_embeddings.weight"], tokens)
        value += weights[f"{name}.position_embeddings.weight"][: tf.shape(tokens)[1]]
        value += weights[f"{name}.token_type_embeddings.weight"][0]
        value = _norm(value, weights, f"{name}.LayerNorm")
        for layer in range(FROZEN):
            value = _layer(value, mask, weights, f"encoder.layer.{layer}", 0.0)
        return value

    def upper(self, value: tf.Tensor, mask: tf.Tensor, dropout: float) -> tf.Tensor:
        """Return sentence vectors of length 1 from what ``lower`` gave."""
        for layer in range(FROZEN, LAYERS):
            value = _layer(value, mask, self.learnt, f"encoder.layer.{layer}", dropout)
        shares = mask / tf.reduce_sum(mask, axis=1, keepdims=True)
        return tf.math.l2_normalize(tf.reduce_sum(value * shares[:, :, None], axis=1), axis=-1)


def _layer_of(name: str) -> int:
    return int(name.split(".")[2]) if name.startswith("encoder.layer.") else -1


def _dense(value: tf.Tensor, weights: Dict[str, tf.Tensor], name: str) -> tf.Tensor:
    return tf.tensordot(value, weights[f"{name}.weight"], [[2], [1]]) + weights[f"{name}.bias"]


def _norm(value: tf.Tensor, weights: Dict[str, tf.Tensor], name: str) -> tf.Tensor:
    mean, variance = tf.nn.moments(value, [-1], keepdims=True)
    scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return tf.nn.batch_normalization(value, mean, variance, shift, scale, 1e-12)


def _layer(
    value: tf.Tensor, mask: tf.Tensor, weights: Dict[str, tf.Tensor], name: str, dropout: float
) -> tf.Tensor:
    sentences, tokens = tf.shape(value)[0], tf.shape(value)[1]

    def heads(part: str) -> tf.Tensor:
        dense = _dense(value, weights, f"{name}.attention.self.{part}")
        split = tf.reshape(dense, [sentences, tokens, HEADS, WIDTH // HEADS])
        return tf.transpose(split, [0, 2, 1, 3])

    scores = tf.matmul(heads("query"), heads("key"), transpose_b=True) * (WIDTH // HEADS) ** -0.5
    shares = tf.nn.softmax(scores + (mask[:, None, None, :] - 1.0) * 1e4)
    mixed = tf.transpose(tf.matmul(tf.nn.dropout(shares, dropout), heads("value")), [0, 2, 1, 3])
    joined = tf.reshape(mixed, [sentences, tokens, WIDTH])
    attended = _dense(joined, weights, f"{name}.attention.output.dense")
    value = _norm(
        tf.nn.dropout(attended, dropout) + value, weights, f"{name}.attention.output.LayerNorm"
    )
    hidden = tf.nn.gelu(_dense(value, weights, f"{name}.intermediate.dense"))
    output = _dense(hidden, weights, f"{name}.output.dense")
    return _norm(tf.nn.dropout(output, dropout) + value, weights, f"{name}.output.LayerNorm")


class Tuning:
    """One run: the sentences as the frozen layers give them, two heads, and the optimizers."""

    def __init__(self, network: Network, tokens: List[List[int]], learnt: Lesson) -> None:
        """tokens: of each sentence of ``learnt``."""
        self.network, self.lesson = network, learnt
        self.lengths = np.array([len(each) for each in tokens])
        self.states = [None] * len(tokens)
        for batch in _batches(np.argsort(self.lengths, kind="stable")):
            padded, mask = _padded(tokens, batch)
            for place, state in zip(batch, network.lower(padded, mask).numpy(), strict=True):
                self.states[place] = state[: self.lengths[place]]
        vectors = self._vectors()
        self.heads = [
            tf.Variable(_means(vectors, labels)) for labels in (learnt.intents, learnt.flags)
        ]
        count = EPOCHS * -(-len(tokens) // BATCH)
        self.optimizers = [
            tf.keras.optimizers.AdamW(_Slope(rate, count), weight_decay=0.01)
            for rate in (LEARNING_RATE, HEAD_LEARNING_RATE)
        ]
        self.step = tf.function(
            self._step,
            input_signature=[
                tf.TensorSpec((None, None, WIDTH), tf.float32),
                tf.TensorSpec((None, None), tf.float32),
                tf.TensorSpec((None,), tf.int64),
                tf.TensorSpec((None,), tf.int64),
            ],
        )

    def epoch(self, random: np.random.Generator) -> float:
        """Show every sentence once; return the mean loss."""
        return float(np.mean([self._show(batch) for batch in self._shuffled(random)]))

    def _show(self, batch: np.ndarray) -> float:
        states, mask = self._stacked(batch)
        labels = (self.lesson.intents[batch], self.lesson.flags[batch])
        return float(self.step(states, mask, *labels))

    def _shuffled(self, random: np.random.Generator) -> Iterator[np.ndarray]:
        """Batches in random order; each of sentences that are about as long, to pad little."""
        order = random.permutation(len(self.states))
        for start in range(0, len(order), 16 * BATCH):
            pool = order[start : start + 16 * BATCH]
            batches = list(_batches(pool[np.argsort(self.lengths[pool], kind="stable")]))
            yield from (batches[place] for place in random.permutation(len(batches)))

    def _stacked(self, batch: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        longest = int(self.lengths[batch].max())
        states = np.zeros((len(batch), longest, WIDTH), dtype=np.float32)
        for row, place in enumerate(batch):
            states[row, : self.lengths[place]] = self.states[place]
        mask = np.arange(longest) < self.lengths[batch][:, None]
        return states, mask.astype(np.float32)

    def _vectors(self) -> np.ndarray:
        """Return the sentence vectors as they are before any tuning."""
        vectors = np.zeros((len(self.states), WIDTH), dtype=np.float32)
        for batch in _batches(np.argsort(self.lengths, kind="stable")):
            vectors[batch] = self.network.upper(*self._stacked(batch), 0.0).numpy()
        return vectors

    def _step(
        self, states: tf.Tensor, mask: tf.Tensor, intents: tf.Tensor, flags: tf.Tensor
    ) -> tf.Tensor:
        with tf.GradientTape() as tape:
            vectors = self.network.upper(states, mask, DROPOUT)
            loss = _loss(vectors, self.heads[0], intents, INTENT_SMOOTHING)
            loss += _loss(vectors, self.heads[1], flags, FLAG_SMOOTHING)
        layers = list(self.network.learnt.values())
        gradients = tape.gradient(loss, [*layers, *self.heads])
        # No `strict`: TensorFlow translates `zip` and does not know it.
        self.optimizers[0].apply_gradients(zip(gradients[: len(layers)], layers))  # noqa: B905
        self.optimizers[1].apply_gradients(zip(gradients[len(layers) :], self.heads))  # noqa: B905
        return loss


class _Slope(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Up to the rate in the first tenth of the steps, then down to nothing."""

    def __init__(self, rate: float, count: int) -> None:
        self.rate, self.count = rate, float(count)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        done = (tf.cast(step, tf.float32) + 1.0) / self.count
        return self.rate * tf.minimum(done / WARM_UP, tf.maximum(1.0 - done, 0.02))


def _loss(vectors: tf.Tensor, head: tf.Variable, labels: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Return the cross-entropy of the cosines to the classes; sentences without a label add 0."""
    logits = SHARPNESS * tf.matmul(vectors, tf.math.l2_normalize(head, axis=1), transpose_b=True)
    classes = tf.shape(head)[0]
    wanted = tf.one_hot(labels, classes) * (1.0 - smoothing)
    wanted += smoothing / tf.cast(classes, tf.float32)
    losses = tf.nn.softmax_cross_entropy_with_logits(wanted, logits)
    counted = tf.cast(labels >= 0, tf.float32)
    return tf.reduce_sum(losses * counted) / tf.cast(tf.shape(labels)[0], tf.float32)


def _means(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (classes, width): where each class begins, the mean of its sentences."""
    return np.stack([vectors[labels == label].mean(axis=0) for label in range(labels.max() + 1)])


def _batches(places: np.ndarray) -> Iterator[np.ndarray]:
    return (places[start : start + BATCH] for start in range(0, len(places), BATCH))


def _padded(tokens: List[List[int]], batch: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    longest = max(len(tokens[place]) for place in batch)
    padded = np.zeros((len(batch), longest), dtype=np.int32)
    mask = np.zeros((len(batch), longest), dtype=np.float32)
    for row, place in enumerate(batch):
        padded[row, : len(tokens[place])] = tokens[place]
        mask[row, : len(tokens[place])] = 1.0
    return padded, mask


def tune(weights: Weights, tokenizer: Tokenizer, learnt: Lesson) -> Weights:
    """Return the weights with the upper layers tuned. Same input and machine: the same weights."""
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    network = Network(weights)
    tokens = [encoding.ids for encoding in tokenizer.encode_batch(learnt.texts)]
    tuning = Tuning(network, tokens, learnt)
    random = np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        began = time.monotonic()
        loss = tuning.epoch(random)
        seconds = time.monotonic() - began
        print(
            f"tuning the encoder: round {epoch + 1} of {EPOCHS}, loss {loss:.2f}, {seconds:.0f} s"
        )
    return {**weights, **{name: value.numpy() for name, value in network.learnt.items()}}


def main() -> None:
    """Read the weights, tune them, write them."""
    parser = argparse.ArgumentParser(description="Tune the sentence encoder to the field.")
    for name, words in (
        ("out", "the .safetensors file to write"),
        ("weights", "model.safetensors"),
        ("tokenizer", "tokenizer.json"),
        ("nlu", "the training data"),
    ):
        parser.add_argument(name, type=Path, help=words)
    given = parser.parse_args()
    weights = {
        name: value
        for name, value in load_file(given.weights).items()
        if name.startswith(("embeddings.", "encoder.")) and not name.endswith("position_ids")
    }
    tuned = tune(weights, Tokenizer.from_file(str(given.tokenizer)), lesson(given.nlu))
    save_file(tuned, given.out)


if __name__ == "__main__":
    main()
