"""Pictures of numbers as SVG, drawn on the server: they need no script and print well."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, FOOT = 640, 150, 22


def bars(title: str, labels: Sequence[str], values: Sequence[float | None]) -> Markup:
    """Return a bar chart with the numbers on its bars.

    values: one a label; None where there is nothing.
    """
    highest = max((value for value in values if value), default=1) or 1
    step = WIDTH / max(1, len(values))
    parts = []
    for place, (label, value) in enumerate(zip(labels, values, strict=True)):
        left, width = place * step + step * 0.15, step * 0.7
        height = (HEIGHT - FOOT - 18) * (value or 0) / highest
        top = HEIGHT - FOOT - height
        parts.append(
            f'<rect class="bar" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="2"/>'
        )
        middle = left + width / 2
        shown = "" if value is None else f"{value:g}"
        parts.append(
            f'<text x="{middle:.1f}" y="{top - 4:.1f}" text-anchor="middle">{shown}</text>'
        )
        parts.append(
            f'<text x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(label)}</text>'
        )
    drawn = "".join(parts)
    return Markup(  # noqa: S704  numbers, and escaped texts
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{drawn}</svg>'
    )


def shade(value: int, highest: int) -> int:
    """Return one of five steps, 0 to 4, for a cell of a heat map."""
    return 0 if not value else min(4, 1 + int(3.999 * value / max(1, highest)))
