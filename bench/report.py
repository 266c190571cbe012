"""Figures in, table out: what stands beside what, and which bars are cleared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.assistants import NAMES
from bench.latency import NO_REPLY
from bench.measure import Result, spread


@dataclass(frozen=True)
class Figure:
    """A figure with its lowest and highest: of the rounds, or of the 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bar:
    """What a figure of spinebot must be beside default's.

    holds: (spinebot, default) -> cleared; of_training: it means nothing if default was not trained.
    """

    key: str
    text: str
    holds: Callable[[float, float], bool]
    of_training: bool = True


BARS = (
    Bar("p50", "at most 0.25 of default", lambda ours, theirs: ours <= 0.25 * theirs, False),
    Bar("accuracy", "5 points over default", lambda ours, theirs: ours >= theirs + 5),
    Bar("training", "10 times faster than default", lambda ours, theirs: 10 * ours <= theirs),
)

# (key, what it is, unit); percents are compared by their difference, all else by ratio.
ROWS = (
    ("p50", "turn over REST, alone, p50", "ms"),
    ("p95", "turn over REST, alone, p95", "ms"),
    ("crowd_p50", "turn over REST, {visitors} visitors at once, p50", "ms"),
    ("crowd_p95", "turn over REST, {visitors} visitors at once, p95", "ms"),
    ("turns_per_second", "turns with {visitors} visitors", "/s"),
    ("web_p50", "turn through the web process, alone, p50 (others: REST)", "ms"),
    ("web_p95", "the same, p95", "ms"),
    ("web_crowd_p50", "the same, {visitors} visitors at once, p50", "ms"),
    ("web_turns_per_second", "turns through the web process with {visitors} visitors", "/s"),
    ("training", "training, empty cache", "s"),
    ("start", "start until the first answer", "s"),
    ("memory", "memory of Rasa after the run", "MiB"),
    ("peak_memory", "memory of Rasa, highest", "MiB"),
    ("accuracy", "test set, all intents right", "%"),
    ("questions", "questions right", "%"),
    ("in_scope", "everything in scope right", "%"),
    ("out_of_scope", "out of scope caught", "%"),
    ("emergency", "emergencies caught by the intent", "%"),
    ("wrong_answers", "wrong answers shown, of all messages", "%"),
    ("no_reply", "turns without any reply", "%"),
    ("answered", "turns answered from an article", "%"),
)

Figures = dict[str, dict[str, Figure]]


def figures(results: Mapping[str, Result]) -> Figures:
    """Return assistant -> key -> figure."""
    found = {name: _figures(results[name]) for name in NAMES if name in results}
    web = results.get("web")
    for name, own in found.items():
        # Beside the whole way through our web process stands the others' REST channel.
        timed = web if name == "spinebot" else results[name]
        if web is not None and timed is not None:
            way = _timing(timed)
            own.update({f"web_{key}": figure for key, figure in way.items()})
    return found


def _figures(result: Result) -> dict[str, Figure]:
    found = _timing(result)
    if result.start_seconds:
        found["start"] = Figure(*spread(result.start_seconds))
    single = {
        "training": result.training_seconds,
        "memory": result.memory,
        "peak_memory": result.peak_memory,
    }
    found.update({key: Figure(v, v, v) for key, v in single.items() if v is not None})
    for key, share in result.understanding.items():
        found[key] = Figure(share.percent, *share.interval)
    if total := sum(result.timing.kinds.values()):
        for key, kind in (("no_reply", NO_REPLY), ("answered", "answer")):
            percent = 100 * result.timing.kinds.get(kind, 0) / total
            found[key] = Figure(percent, percent, percent)
    return found


def _timing(result: Result) -> dict[str, Figure]:
    timing = result.timing
    rounds = {
        "p50": timing.p50,
        "p95": timing.p95,
        "crowd_p50": timing.crowd_p50,
        "crowd_p95": timing.crowd_p95,
        "turns_per_second": timing.turns_per_second,
    }
    return {key: Figure(*spread(values)) for key, values in rounds.items() if values}


def verdicts(found: Figures, *, quick: bool) -> dict[str, bool | None]:
    """Return key -> whether the bar is cleared; None where there is nothing to compare.

    quick: default was hardly trained, so that what hangs on its training says nothing.
    """
    return {bar.key: None if quick and bar.of_training else _verdict(bar, found) for bar in BARS}


def _verdict(bar: Bar, found: Figures) -> bool | None:
    ours, theirs = (found.get(name, {}).get(bar.key) for name in ("spinebot", "default"))
    return None if ours is None or theirs is None else bar.holds(ours.value, theirs.value)


def table(found: Figures, cleared: Mapping[str, bool | None], visitors: int) -> str:
    """Return the Markdown table. cleared: the verdicts."""
    texts = {bar.key: bar.text for bar in BARS}
    lines = [
        "| figure | spinebot | default | floor | to default | to floor | bar |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for key, label, unit in ROWS:
        row = {name: found.get(name, {}).get(key) for name in NAMES}
        if not any(row.values()):
            continue
        cells = [label.format(visitors=visitors)]
        cells += [_cell(row[name], unit) for name in NAMES]
        cells += [_beside(row["spinebot"], row[other], unit) for other in ("default", "floor")]
        cells.append(f"{texts[key]}: {_word(cleared[key])}" if key in texts else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _word(verdict: bool | None) -> str:
    return {True: "**PASS**", False: "**FAIL**", None: "not measured"}[verdict]


def _cell(figure: Figure | None, unit: str) -> str:
    if figure is None:
        return "–"
    text = f"{_number(figure.value)} {unit}"
    if figure.low == figure.high:
        return text
    return f"{text} ({_number(figure.low)}–{_number(figure.high)})"


def _beside(ours: Figure | None, other: Figure | None, unit: str) -> str:
    if ours is None or other is None:
        return "–"
    if unit == "%":
        return f"{ours.value - other.value:+.1f} points"
    return f"{ours.value / other.value:.2f}" if other.value else "–"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 200 else f"{value:.1f}"


def as_json(
    results: Mapping[str, Result], found: Figures, cleared: Mapping[str, bool | None]
) -> dict[str, Any]:
    """Return the figures, the bars and what they were made of."""
    return {
        "figures": {
            name: {key: asdict(figure) for key, figure in own.items()}
            for name, own in found.items()
        },
        "bars": {bar.key: {"bar": bar.text, "cleared": cleared[bar.key]} for bar in BARS},
        "raw": {name: asdict(result) for name, result in results.items()},
    }
