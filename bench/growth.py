"""How training grows with the intents: ``python -m bench.growth``, in Rasa's environment.

Trains the intents' classifier, with its threshold's and cross-validation's figures, on ten made-up
examples for each intent, to 10,000 intents. Prints a Markdown table: each row's time for an example
beside the row before, so that 1 is linear growth, and how many of as many new examples are right.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Sequence

import numpy as np

from spinebot.language.intent_training import train_and_validate
from spinebot.language.intents import Examples, IntentModel

SIZES = (100, 400, 800, 1600, 3200, 6400, 10_000)  # intents
EXAMPLES = 10
WIDTH, VIEWS = 384, 3
# How far examples lie from their intent's middle: two of one intent have a cosine of about 0.5.
SPREAD = 1.0
ASKED = 500
SEEDS = (1, 2, 3)


def around(
    middles: np.ndarray, count: int, chance: np.random.Generator, words: random.Random
) -> Examples:
    """Return ``count`` examples around each of the middles (intents, views, width)."""
    noise = chance.normal(size=(len(middles) * count, VIEWS, WIDTH)).astype(np.float32)
    vectors = np.repeat(middles, count, axis=0) + SPREAD * noise
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    labels = [f"ask_{place:05}" for place in range(len(middles)) for _ in range(count)]
    texts = [
        f"{label[-2:]}{label[4:]} {words.randrange(1000):03} {words.randrange(1000):03}"
        for label in labels
    ]
    return Examples.of(texts, vectors, labels)


def right(model: IntentModel, asked: Examples) -> tuple[float, float]:
    """Return the share of messages that are understood, and the median seconds for one."""
    found, times = 0, []
    for place in np.linspace(0, len(asked.labels) - 1, ASKED).astype(int):
        began = time.perf_counter()
        ranking = model.rank(asked.vectors[:, place], asked.texts[place])
        times.append(time.perf_counter() - began)
        found += ranking[0][0] == asked.intents[asked.labels[place]]
    return found / ASKED, float(np.median(times))


def rows(sizes: Sequence[int]) -> None:
    """Print a row for each number of intents."""
    before = None
    for intents in sizes:
        chance, words = np.random.default_rng(1), random.Random(1)
        middles = chance.normal(size=(intents, VIEWS, WIDTH)).astype(np.float32)
        examples = around(middles, EXAMPLES, chance, words)
        began = time.perf_counter()
        found = train_and_validate(examples, SEEDS)
        took = time.perf_counter() - began
        share, message = right(found.left_out.model, around(middles, 1, chance, words))
        each = took / len(examples.labels)
        beside = "" if before is None else f"{each / before:.2f}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
        print(
            f"| {intents:,} | {len(examples.labels):,} | {took:.1f} s | {1000 * each:.2f} ms "
            f"| {beside} | {1000 * message:.1f} ms | {100 * share:.1f} % | {peak:.1f} GiB |",
            flush=True,
        )
        before = each


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--intents", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    print(
        "| intents | examples | training | each example | beside the row before | a message "
        "| new ones right | highest memory |\n|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    rows(options.intents)


if __name__ == "__main__":
    main()
