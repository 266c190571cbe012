"""How well a trained model understands: everything that is measured before it may go live.

Each message of the test set is put to the model, a part of them once more with typing errors,
and the messages about emergencies (``release``). With it come the cross-validation and the
threshold's curve, which the training has left in the model. The whole is kept beside the model, so
that models can be compared later, message by message.
"""

from __future__ import annotations

import json
import math
import random
import subprocess
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from spinebot.db import now
from spinebot.files import write_whole
from spinebot.language.intent_names import EMERGENCY, FALLBACK, is_outside, is_question
from spinebot.settings import ROOT
from spinebot.training import changes, examples, release
from spinebot.training.examples import TESTS
from spinebot.training.rasa_process import RASA_PYTHON, environment
from spinebot.training.release import Measure, ReleaseError
from spinebot.training.typos import misspelt

MISSPELT_EVERY = 3  # of the messages in scope, so many is enough: the interval is 3.5 points
SHORTEST_MISSPELT = 4  # letters; a shorter word with an error is often another word
PROCESSES = 2
BINS = 10


@dataclass(frozen=True)
class Judged:
    """A message, what it is, what the model takes it for, and how surely."""

    text: str
    intent: str
    seen_as: str
    confidence: float

    @property
    def is_right(self) -> bool:
        """Whether it was understood; asking again is right where there is nothing to answer."""
        return self.seen_as == self.intent or (
            is_outside(self.intent) and (self.seen_as == FALLBACK or is_outside(self.seen_as))
        )


@dataclass(frozen=True)
class Score:
    """How well an intent is understood. Shares of 1; None where there is nothing to divide by.

    count: its messages; confused: what else they were taken for, the commonest first; validated:
    the mean recall of the cross-validations.
    """

    intent: str
    count: int
    precision: float | None
    recall: float | None
    confused: list[tuple[str, int]]
    validated: float | None = None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        if self.precision is None or self.recall is None:
            return None
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a model.

    curve: as ``thresholds.Curve.as_json``; validation: as the classifier leaves it.
    """

    model: str
    made_at: datetime
    seconds: float
    messages: list[Judged]
    misspelt: list[Judged]
    measures: list[Measure]
    curve: dict[str, Any]
    validation: dict[str, Any]

    @property
    def data(self) -> dict[str, list[str]]:
        """The examples that it was trained with, by intent."""
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.validation.get("examples", []):
            found[each["intent"]].append(each["text"])
        return dict(found)

    def scores(self) -> list[Score]:
        """Return the scores of each intent, the worst first."""
        recalls = self._validated()
        found = scores(self.messages)
        return sorted(
            (Score(**{**vars(each), "validated": recalls.get(each.intent)}) for each in found),
            key=lambda each: (each.f1 if each.f1 is not None else 2.0, each.intent),
        )

    def confusions(self) -> Counter[tuple[str, str]]:
        """Return how often an intent was taken for another one: (intent, seen as) -> messages."""
        return Counter((m.intent, m.seen_as) for m in self.messages if not m.is_right)

    def histogram(self) -> list[tuple[int, int]]:
        """Return for each tenth of confidence how many messages were right and wrong."""
        found = [[0, 0] for _ in range(BINS)]
        for message in self.messages:
            place = min(BINS - 1, int(message.confidence * BINS))
            found[place][0 if message.is_right else 1] += 1
        return [(right, wrong) for right, wrong in found]

    def noise(self, *, unseen: bool = True) -> list[float]:
        """Return the accuracy of each cross-validation: their spread is the noise of a figure.

        unseen: of those examples alone that the encoder was not tuned with.
        """
        chosen = [
            each for each in self.validation.get("examples", []) if each["unseen"] or not unseen
        ]
        count = len(self.validation.get("seeds", []))
        return [
            sum(each["seen_as"][seed] == each["intent"] for each in chosen) / len(chosen)
            for seed in range(count)
            if chosen
        ]

    def _validated(self) -> dict[str, float]:
        right: dict[str, list[float]] = defaultdict(list)
        for each in self.validation.get("examples", []):
            hits = [seen == each["intent"] for seen in each["seen_as"]]
            right[each["intent"]].append(sum(hits) / len(hits))
        return {intent: sum(found) / len(found) for intent, found in right.items()}

    def as_json(self) -> str:
        """Return it as it is kept beside the model."""
        return json.dumps({**asdict(self), "made_at": self.made_at.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """Read what ``as_json`` gave."""
        content = json.loads(text)
        for name, kind in (("messages", Judged), ("misspelt", Judged), ("measures", Measure)):
            content[name] = [kind(**each) for each in content[name]]
        return cls(**{**content, "made_at": datetime.fromisoformat(content["made_at"])})


def evaluate(model: Path) -> Evaluation:
    """Measure a model, keep what was found beside it, and return it.

    Raises:
        ReleaseError: the model cannot be asked.
    """
    began = now()
    tests = examples.read(changes.project() / TESTS)
    chance = random.Random(1)  # noqa: S311  nothing secret; the same errors each time
    in_scope = [each for each in tests if not is_outside(each.intent)]
    some = in_scope[::MISSPELT_EVERY]
    typed = [misspelt(each.text, SHORTEST_MISSPELT, chance) for each in some]
    sets = release.messages()
    texts = [each.text for each in tests] + typed + [t for name in sets for t in sets[name]]
    distinct = list(dict.fromkeys(texts))
    found = dict(zip(distinct, understand(model, distinct), strict=True))

    def judged(text: str, intent: str) -> Judged:
        return Judged(text, intent, found[text]["intent"], round(found[text]["confidence"], 4))

    messages = [judged(each.text, each.intent) for each in tests]
    wrong_letters = [judged(text, each.intent) for text, each in zip(typed, some, strict=True)]
    evaluation = Evaluation(
        model=model.name,
        made_at=began,
        seconds=round((now() - began).total_seconds(), 1),
        messages=messages,
        misspelt=wrong_letters,
        measures=[
            *release.measured(lambda asked: [found[t]["intent"] == EMERGENCY for t in asked]),
            *understanding(messages, wrong_letters),
        ],
        curve=_left_in(model, "threshold.json"),
        validation=_left_in(model, "cross_validation.json"),
    )
    write_whole(_file(model), evaluation.as_json())
    figures = json.dumps([asdict(measure) for measure in evaluation.measures], indent=1)
    write_whole(release.figures_of(model), figures)
    return evaluation


def check(model: Path) -> Evaluation:
    """Measure a model and hold the figures against ``release.yml``.

    Raises:
        ReleaseError: a figure does not reach its bar; the message names each, with examples.
    """
    evaluation = evaluate(model)
    if wrong := faults(evaluation):
        raise ReleaseError(
            f"{model.name} may not go live; the live model is untouched.\n" + "\n".join(wrong)
        )
    return evaluation


def faults(evaluation: Evaluation) -> list[str]:
    """Return which bars of release.yml are not reached, one text for each."""
    return release.faults(evaluation.measures, release.bars())


def read(model: Path) -> Evaluation | None:
    """Return what was measured of a model, or None if it was not."""
    try:
        return Evaluation.from_json(_file(model).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(model: Path) -> Path:
    return model.with_name(model.name.removesuffix(".tar.gz") + ".evaluation.json")


def understanding(messages: Sequence[Judged], typed: Sequence[Judged]) -> list[Measure]:
    """Return the figures of release.yml about understanding; ``wrong`` holds what was not."""
    in_scope = [m for m in messages if not is_outside(m.intent)]
    outside = [m for m in messages if is_outside(m.intent)]
    wrongly = [m for m in messages if is_question(m.seen_as) and m.seen_as != m.intent]
    return [
        _measure("in_scope", in_scope),
        _measure("questions", [m for m in messages if is_question(m.intent)]),
        _measure("out_of_scope", outside),
        _measure("misspelt", typed),
        Measure(
            "wrong_answers",
            len(wrongly) / len(messages) if messages else 0.0,
            len(messages),
            [_put(m) for m in wrongly],
        ),
    ]


def _measure(name: str, messages: Sequence[Judged]) -> Measure:
    wrong = [_put(m) for m in messages if not m.is_right]
    share = 1 - len(wrong) / len(messages) if messages else 1.0
    return Measure(name, share, len(messages), wrong)


def _put(message: Judged) -> str:
    return f"{message.text} ({message.intent}, taken for {message.seen_as})"


def scores(messages: Sequence[Judged]) -> list[Score]:
    """Return the scores of each intent that the messages have."""
    having = Counter(m.intent for m in messages)
    taken = Counter(m.seen_as for m in messages)
    right = Counter(m.intent for m in messages if m.seen_as == m.intent)
    others: dict[str, Counter[str]] = defaultdict(Counter)
    for m in messages:
        if m.seen_as != m.intent:
            others[m.intent][m.seen_as] += 1
    return [
        Score(
            intent=intent,
            count=count,
            precision=right[intent] / taken[intent] if taken[intent] else None,
            recall=right[intent] / count,
            confused=others[intent].most_common(3),
        )
        for intent, count in sorted(having.items())
    ]


@dataclass(frozen=True)
class Comparison:
    """Two models on the messages that both were asked.

    better, worse: what only the one or the other understood; chance: how likely such a difference
    would be between equal models (McNemar's test, exact); intents: (intent, messages, recall
    before, recall now), the largest change first.
    """

    common: int
    better: list[Judged]
    worse: list[Judged]
    chance: float
    intents: list[tuple[str, int, float, float]]


def compare(before: Evaluation, after: Evaluation) -> Comparison:
    """Return what a model understands that another did not, and the other way round."""
    known = {(m.text, m.intent): m for m in before.messages}
    pairs = [(known[m.text, m.intent], m) for m in after.messages if (m.text, m.intent) in known]
    better = [new for old, new in pairs if new.is_right and not old.is_right]
    worse = [new for old, new in pairs if old.is_right and not new.is_right]
    by_intent: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for old, new in pairs:
        by_intent[new.intent].append((old.is_right, new.is_right))
    rows = [
        (
            intent,
            len(found),
            sum(old for old, _ in found) / len(found),
            sum(new for _, new in found) / len(found),
        )
        for intent, found in by_intent.items()
    ]
    changed = [row for row in rows if row[2] != row[3]]
    changed.sort(key=lambda row: (row[3] - row[2], row[0]))
    return Comparison(len(pairs), better, worse, mcnemar(len(better), len(worse)), changed)


def mcnemar(one: int, other: int) -> float:
    """Return how likely a split as uneven as this is by chance (two-sided, exact)."""
    total, least = one + other, min(one, other)
    tail = sum(math.comb(total, k) for k in range(least + 1)) / 2**total if total else 1.0
    return min(1.0, 2 * tail)


@dataclass(frozen=True)
class Said:
    """A message as it stood in a talk.

    topic: the question's intent that was answered just before, None where none was; in_form:
    whether the form was asking.
    """

    text: str
    topic: str | None = None
    in_form: bool = False


def understand(model: Path, texts: Sequence[str | Said]) -> list[dict[str, Any]]:
    """Return what a model understands of each text: intent, confidence, findings, also_asked.

    A text is read by itself, what was ``Said`` in its talk.

    Raises:
        ReleaseError: the model cannot be asked; the message says why.
    """
    with ThreadPoolExecutor(PROCESSES) as pool:
        found = list(pool.map(lambda n: _ask(model, texts[n::PROCESSES]), range(PROCESSES)))
    together: list[dict[str, Any]] = [{}] * len(texts)
    for n, part in enumerate(found):
        together[n::PROCESSES] = part
    return together


def _ask(model: Path, texts: Iterable[str | Said]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        messages, out = Path(folder) / "messages.json", Path(folder) / "out.json"
        given = [text if isinstance(text, str) else asdict(text) for text in texts]
        messages.write_text(json.dumps(given), encoding="utf-8")
        done = subprocess.run(
            [str(RASA_PYTHON), "-m", "spinebot.bot.exam", str(model), str(messages), str(out)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ReleaseError(f"{model.name} could not be measured: {last}")
        return list(json.loads(out.read_text(encoding="utf-8")))


def _left_in(model: Path, name: str) -> dict[str, Any]:
    """Return what a component has left in the model's archive; empty where it has not."""
    with tarfile.open(model) as archive:
        for member in archive:
            if member.name.endswith(f"/{name}") and (file := archive.extractfile(member)):
                return dict(json.load(file) or {})
    return {}
