"""Figures in, picture out: a line as a Mermaid chart, which the documents show without a file."""

from __future__ import annotations

import math
from collections.abc import Sequence


def line(
    title: str, across: str, up: str, points: Sequence[tuple[float, float]], from_zero: bool = True
) -> str:
    """Return a Mermaid ``xychart-beta`` block of one line.

    across, up: what stands at the axes, with units; points: (across, up), of which there must be
    one; from_zero: an axis that begins elsewhere makes a ripple look like a flood.

    Source: https://mermaid.js.org/syntax/xyChart.html
    """
    heights = [height for _, height in points]
    top = _round_up(max(heights)) or 1
    bottom = 0 if from_zero else math.floor(min(heights))
    ticks = ", ".join(
        f'"{place:,.4g}"' if place < 1e4 else f'"{place:,.0f}"' for place, _ in points
    )
    values = ", ".join(f"{height:.4g}" for height in heights)
    return (
        "```mermaid\nxychart-beta\n"
        f'    title "{title}"\n'
        f'    x-axis "{across}" [{ticks}]\n'
        f'    y-axis "{up}" {bottom} --> {top:g}\n'
        f"    line [{values}]\n"
        "```"
    )


def _round_up(value: float) -> float:
    """Return the next number with one digit that counts, or one and a half."""
    if value <= 0:
        return 0
    size = 10.0 ** math.floor(math.log10(value))
    steps = (1.0, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return next(size * step for step in steps if size * step >= value)
