"""Release notes of a model: what was taught since the one that is live, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from spinebot.training.changes import Change
from spinebot.training.evaluation import Evaluation, compare

SHOWN = 8
WEAK = 0.8  # recall of the test set, below which an intent is a known gap
FEWEST = 5  # messages, with fewer a recall says little


def write(before: Evaluation | None, after: Evaluation, changes: list[Change]) -> str:
    """Return the notes as Markdown.

    before: the model that is live, if one is and was measured; changes: what trainers changed since
    it was measured, the newest first.
    """
    parts = [f"# {after.model.removesuffix('.tar.gz')}", _figures(before, after)]
    if before is not None:
        parts += ["## What was taught", "\n".join(_data(before, after)) or "Nothing new."]
        if changes:
            made = [f"- {each.subject} ({each.who.split('@')[0]})" for each in changes]
            parts += ["## Changes", "\n".join(made)]
        parts += _differences(before, after)
    gaps = [
        f"- {score.intent}: {score.recall:.0%} of {score.count}; "
        + ", ".join(f"{other} ({count})" for other, count in score.confused)
        for score in after.scores()
        if score.recall is not None and score.recall < WEAK and score.count >= FEWEST
    ]
    parts += [
        "## Known gaps",
        "\n".join(gaps) or "None: every intent is understood in 80 % or more.",
    ]
    return "\n\n".join(parts) + "\n"


def _figures(before: Evaluation | None, after: Evaluation) -> str:
    old = {each.name: each.share for each in before.measures} if before else {}
    lines = ["| figure | before | now | change |", "| --- | ---: | ---: | ---: |"]
    for each in after.measures:
        was = old.get(each.name)
        change = "" if was is None else f"{100 * (each.share - was):+.1f}"
        shown = "" if was is None else f"{was:.1%}"
        lines.append(f"| {each.name.replace('_', ' ')} | {shown} | {each.share:.1%} | {change} |")
    noise = after.noise()
    if noise:
        lines += [
            "",
            f"Cross-validation with {len(noise)} seeds, of examples that the encoder was not tuned "
            f"with: {min(noise):.1%} to {max(noise):.1%}. Differences below this spread are noise.",
        ]
    return "\n".join(lines)


def _data(before: Evaluation, after: Evaluation) -> Iterator[str]:
    old, new = before.data, after.data
    for intent in sorted(set(new) - set(old)):
        yield f"- **{intent}** is new, with {len(new[intent])} examples"
    for intent in sorted(set(old) - set(new)):
        yield f"- **{intent}** is gone"
    for intent in sorted(set(old) & set(new)):
        known = set(old[intent])
        added = [text for text in new[intent] if text not in known]
        gone = known - set(new[intent])
        if added or gone:
            shown = "; ".join(added[:SHOWN]) + ("; ..." if len(added) > SHOWN else "")
            counts = f"{len(added)} more, {len(gone)} less"
            yield f"- {intent}: {counts}{': ' + shown if shown else ''}"


def _differences(before: Evaluation, after: Evaluation) -> list[str]:
    found = compare(before, after)
    parts = [
        "## Messages that are understood differently",
        f"Of {found.common} messages of the test set {len(found.better)} are understood now and "
        f"were not, {len(found.worse)} the other way round (by chance as uneven as this in "
        f"{found.chance:.0%} of cases, McNemar).",
    ]
    for title, messages in (("Better", found.better), ("Worse", found.worse)):
        if messages:
            lines = [f"- {m.text} ({m.intent}, now {m.seen_as})" for m in messages[:SHOWN]]
            parts.append(f"{title}:\n\n" + "\n".join(lines))
    return parts
