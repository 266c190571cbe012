"""What the candidates are measured on: public sets of intents, read from a folder, and our own.

The folder holds ``banking77/{train,test}.csv`` (text, category), ``clinc150/data_full.json``, and
``hint3/{sofmattress,curekart}_{train,test}.csv`` (sentence, label); none of it is in this project.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data import Example, read_examples

SHOTS = 10  # examples an intent, as trainers begin
OUTSIDE = "NO_NODES_DETECTED"  # HINT3's label of what is out of scope
# HINT3's bots, with the best accuracy in percent that its authors measured of any platform.
HINT3 = {"sofmattress": 71.3, "curekart": 74.8}
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Task:
    """What is learnt and what is asked."""

    learnt: Sequence[Example]
    asked: Sequence[Example]


def banking77(folder: Path, seeds: Sequence[int]) -> list[Task]:
    """Return BANKING77 at ten examples an intent, one draw for each seed."""
    learnt, asked = (
        _csv(folder / "banking77" / f"{part}.csv", "text", "category") for part in ("train", "test")
    )
    return [Task(drawn(learnt, seed), asked) for seed in seeds]


def clinc150(folder: Path, seeds: Sequence[int]) -> list[Task]:
    """Return CLINC150 at ten examples an intent, in scope only, one draw for each seed."""
    text = (folder / "clinc150" / "data_full.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    learnt, asked = (
        [(intent, sentence) for sentence, intent in content[part]] for part in ("train", "test")
    )
    return [Task(drawn(learnt, seed), asked) for seed in seeds]


def hint3(folder: Path) -> dict[str, Task]:
    """Return the shops' bots by name: all that they were trained with, and what visitors asked."""
    return {
        bot: Task(
            *(
                _csv(folder / "hint3" / f"{bot}_{part}.csv", "sentence", "label")
                for part in ("train", "test")
            )
        )
        for bot in HINT3
    }


def own() -> Task:
    """Return the assistant's training data and its test set."""
    return Task(
        read_examples(ROOT / "data/nlu.yml"), read_examples(ROOT / "tests/nlu/test_nlu.yml")
    )


def drawn(examples: Sequence[Example], seed: int) -> list[Example]:
    """Return ``SHOTS`` examples of each intent, the intents in sorted order."""
    by_intent: dict[str, list[str]] = {}
    for intent, text in examples:
        by_intent.setdefault(intent, []).append(text)
    chance = random.Random(seed)
    return [(i, text) for i in sorted(by_intent) for text in chance.sample(by_intent[i], SHOTS)]


def _csv(file: Path, text: str, intent: str) -> list[Example]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [(row[intent], row[text]) for row in csv.DictReader(lines)]
