"""Shows what typing errors cost: ``python -m bench.typos``, in Rasa's environment.

One letter is wrong in every word of our test set: swapped with the next, left out, put in, or
another one, with equal chances. Words of fewer than ``--letters`` letters stay as they are. With
and without what mends typing errors (``spinebot.language.spelling``); the likeliest intent, no
threshold.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence

import numpy as np

from bench.data import question_intents
from bench.datasets import ROOT, Task, own
from bench.encoded import Encoded, learnt, with_names
from bench.processes import heartbeat
from spinebot.language.encoder import load_encoder
from spinebot.language.intent_training import train
from spinebot.language.intents import IntentModel
from spinebot.language.spelling import Speller
from spinebot.safety import examples as red_flag_examples
from spinebot.training.typos import misspelt

DRAWS = 3


def speller(task: Task) -> Speller:
    """Return the speller that a training makes."""
    flags = red_flag_examples.read().values()
    told = [text for each in flags for text in (*each.fires, *each.quiet)]
    return Speller.of([*(text for _, text in task.learnt), *told])


def shares(
    model: IntentModel, encoded: Encoded, task: Task, texts: Sequence[str], questions: set[str]
) -> np.ndarray:
    """Return the accuracy in percent when ``texts`` are asked instead: questions, all."""
    views = encoded.views(texts)
    got = [model.rank(view, text)[0][0] for view, text in zip(views, texts, strict=True)]
    right = np.array(
        [intent == wanted for intent, (wanted, _) in zip(got, task.asked, strict=True)]
    )
    asked = np.array([intent in questions for intent, _ in task.asked])
    return np.array([100 * right[asked].mean(), 100 * right.mean()])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.typos", description=__doc__)
    parser.add_argument("--letters", type=int, nargs="+", default=[4, 3], help="(default 4 3)")
    options = parser.parse_args()
    task, questions = own(), question_intents(ROOT / "data/rules.yml")
    with heartbeat("training"):
        encoded = Encoded(load_encoder())
        model = train(learnt(with_names(task.learnt), encoded))
        mend = speller(task).mend
    written = [text for _, text in task.asked]

    def line(name: str, draws: Sequence[Sequence[str]]) -> str:
        cells = []
        for change in (lambda text: text, mend):
            with heartbeat(name):
                cells += [
                    f"{share:.1f}"
                    for share in _mean(draws, change, model, encoded, task, questions)
                ]
        return f"| {name} | {' | '.join(cells)} |"

    print("| percent right | questions | all | questions, mended | all, mended |")
    print("|---|---:|---:|---:|---:|")
    print(line("as written", [written]), flush=True)
    for letters in options.letters:
        draws = [
            [misspelt(text, letters, chance) for text in written]
            for chance in map(random.Random, range(DRAWS))
        ]
        print(line(f"every word of {letters} letters or more", draws), flush=True)


def _mean(
    draws: Sequence[Sequence[str]],
    change: Callable[[str], str],
    model: IntentModel,
    encoded: Encoded,
    task: Task,
    questions: set[str],
) -> np.ndarray:
    found = [
        shares(model, encoded, task, [change(text) for text in texts], questions) for texts in draws
    ]
    return np.asarray(np.mean(found, axis=0))


if __name__ == "__main__":
    main()
