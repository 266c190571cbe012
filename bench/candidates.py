"""Compares classifiers on public sets and our own: ``python -m bench.candidates --datasets DIR``.

Run in Rasa's environment; it takes some minutes. It prints one Markdown table, then how long the
assistant's own takes for a message and for training. What the sets are: ``bench.datasets``.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-not-found,unused-ignore]

from bench.classifiers import CANDIDATES, EXACT, TUNED, Answers, Classifier, ridge
from bench.data import question_intents
from bench.datasets import HINT3, OUTSIDE, ROOT, Task, banking77, clinc150, hint3, own
from bench.encoded import Encoded, learnt, with_names
from bench.processes import heartbeat
from spinebot.language.encoder import SentenceEncoder, load_encoder
from spinebot.language.intent_training import train, train_and_leave_out
from spinebot.language.thresholds import measure

THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(100))
TIMED = 300  # messages


@dataclass(frozen=True)
class Sets:
    """All that a candidate is put to. questions: our intents with an article."""

    banking77: Sequence[Task]
    clinc150: Sequence[Task]
    hint3: Mapping[str, Task]
    own: Task
    questions: set[str]


def right(task: Task, answers: Answers) -> np.ndarray:
    """Return for each message whether its likeliest intent is the right one."""
    return np.asarray(answers.intents == np.array([intent for intent, _ in task.asked]))


def mean_of(tasks: Sequence[Task], classifier: Classifier, encoded: Encoded) -> float:
    """Return the mean accuracy over the tasks, in percent."""
    return float(np.mean([100 * right(t, classifier(t, encoded)).mean() for t in tasks]))


def with_threshold(task: Task, answers: Answers, threshold: float) -> float:
    """Return the accuracy in percent when what is less sure counts as seen to be out of scope."""
    said = np.where(answers.sure >= threshold, answers.intents, OUTSIDE)
    return 100 * float(np.mean(said == np.array([intent for intent, _ in task.asked])))


def best_threshold(tasks: Mapping[str, Task], answers: Mapping[str, Answers]) -> float:
    """Return the threshold for all bots at which the worst one stands best beside HINT3's best."""

    def worst(threshold: float) -> float:
        return min(with_threshold(tasks[b], answers[b], threshold) - HINT3[b] for b in tasks)

    return max(THRESHOLDS, key=worst)


def row(name: str, classifier: Classifier, sets: Sets, encoded: Encoded) -> str:
    """Return the candidate's row of the table."""
    cells = [
        f"{mean_of(tasks, classifier, encoded):.1f}" for tasks in (sets.banking77, sets.clinc150)
    ]
    answers = {bot: classifier(task, encoded) for bot, task in sets.hint3.items()}
    threshold = best_threshold(sets.hint3, answers)
    bots = [f"{with_threshold(sets.hint3[bot], answers[bot], threshold):.1f}" for bot in answers]
    cells.append(f"{' / '.join(bots)} (at {threshold:.2f})")
    ours = right(sets.own, classifier(sets.own, encoded))
    asked_for = np.array([intent in sets.questions for intent, _ in sets.own.asked])
    cells += [f"{100 * ours[asked_for].mean():.1f}", f"{100 * ours.mean():.1f}"]
    return f"| {name} | {' | '.join(cells)} |"


def rows(candidates: Mapping[str, Classifier], sets: Sets, encoded: Encoded) -> Iterator[str]:
    """Yield the row of each candidate as soon as it is measured."""
    for name, classifier in candidates.items():
        with heartbeat(name):
            line = row(name, classifier, sets, encoded)
        yield line


def head(seeds: int) -> str:
    """Return the head of the table."""
    return (
        f"| percent right | BANKING77, 10 examples ({seeds} draws) | CLINC150, 10 examples "
        f"({seeds} draws) | HINT3 {' / '.join(HINT3)} | our test set, questions "
        "| our test set, all |\n|---|---:|---:|---:|---:|---:|"
    )


def speed(task: Task, encoder: SentenceEncoder) -> str:
    """Return how long a message and a training take. A message: one thread, one at a time."""
    examples = learnt(with_names(task.learnt), encoded := Encoded(encoder))
    model = train(examples)
    with threadpool_limits(1):
        texts = [text for _, text in task.asked][:: max(1, len(task.asked) // TIMED)]
        encoding = _median([functools.partial(encoder.encode_views, [text]) for text in texts])
        views = encoded.views(texts)
        ranking = _median(
            [functools.partial(model.rank, *pair) for pair in zip(views, texts, strict=True)]
        )
    solving = _seconds(functools.partial(train_and_leave_out, examples))
    left_out = train_and_leave_out(examples)
    measuring = _seconds(functools.partial(measure, examples, left_out, 0.03))
    return (
        f"One message, one thread, p50 of {len(texts)}: encoder {1000 * encoding:.1f} ms, "
        f"classifier {1000 * ranking:.1f} ms. Training on {len(examples.labels)} examples: "
        f"{solving:.1f} s, and {measuring:.1f} s to measure the threshold."
    )


def _median(calls: Sequence[Callable[[], object]]) -> float:
    for call in calls[:10]:
        call()
    return float(np.median([_seconds(call) for call in calls]))


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.candidates", description=__doc__)
    parser.add_argument("--datasets", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=5, help="draws of ten examples (default 5)")
    parser.add_argument(
        "--published", type=Path, required=True, metavar="FOLDER", help="see published_encoder.py"
    )
    return parser.parse_args()


def main() -> None:
    """Print the table and the times."""
    options = _options()
    folder, seeds = options.datasets, range(options.seeds)
    questions = question_intents(ROOT / "data/rules.yml")
    sets = Sets(banking77(folder, seeds), clinc150(folder, seeds), hint3(folder), own(), questions)
    print(head(options.seeds), flush=True)
    encoders = {
        "8": SentenceEncoder(options.published / "8"),
        "32": SentenceEncoder(options.published / "32"),
        "tuned": load_encoder(),
    }
    for name, candidates in (("8", CANDIDATES), ("32", {EXACT: ridge}), ("tuned", {TUNED: ridge})):
        for line in rows(candidates, sets, Encoded(encoders[name])):
            print(line, flush=True)
    for name in ("tuned", "32"):
        with heartbeat("measuring times"):
            times = speed(sets.own, encoders[name])
        print(f"\nEncoder {name}: {times}")


if __name__ == "__main__":
    main()
