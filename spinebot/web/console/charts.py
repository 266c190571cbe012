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


def _svg(title: str, width: float, height: float, parts: Sequence[str], kind: str) -> Markup:
    return Markup(  # noqa: S704  numbers, and texts that were escaped
        f'<svg class="chart {kind}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def histogram(title: str, bins: Sequence[tuple[int, int]]) -> Markup:
    """Return right and wrong, one on the other, by confidence. bins: (right, wrong) a step."""
    highest = max((right + wrong for right, wrong in bins), default=1) or 1
    step, room = WIDTH / max(1, len(bins)), HEIGHT - FOOT - 18
    parts = []
    for place, (right, wrong) in enumerate(bins):
        left, width = place * step + step * 0.1, step * 0.8
        foot = float(HEIGHT - FOOT)
        for count, kind in ((right, "right"), (wrong, "wrong")):
            height = room * count / highest
            foot -= height
            parts.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{foot:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}"><title>{count} {kind}</title></rect>'
            )
        middle = left + width / 2
        parts.append(
            f'<text x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{place / len(bins):.1f}</text>"
        )
        if right + wrong:
            parts.append(
                f'<text x="{middle:.1f}" y="{foot - 4:.1f}" text-anchor="middle">'
                f"{right + wrong}</text>"
            )
    return _svg(title, WIDTH, HEIGHT, parts, "bins")


def curve(
    title: str, names: Sequence[str], rows: Sequence[tuple[float, Sequence[float]]], chosen: float
) -> Markup:
    """Return lines over a threshold. rows: (threshold, a share of 1 for each name)."""
    height, foot, left = 220, 24, 34
    room = height - foot - 10
    last = max((at for at, _ in rows), default=1.0)

    def x(at: float) -> float:
        return left + (WIDTH - left - 90) * at / last

    def y(share: float) -> float:
        return 10 + room * (1 - share)

    parts = [
        f'<line class="grid" x1="{left}" x2="{x(last):.1f}" y1="{y(s):.1f}" y2="{y(s):.1f}"/>'
        f'<text x="{left - 4}" y="{y(s) + 4:.1f}" text-anchor="end">{s:.0%}</text>'
        for s in (0.0, 0.5, 1.0)
    ]
    for place, name in enumerate(names):
        points = " ".join(f"{x(at):.1f},{y(shares[place]):.1f}" for at, shares in rows)
        end = rows[-1][1][place] if rows else 0.0
        parts.append(f'<polyline class="line l{place}" points="{points}"/>')
        parts.append(f'<text x="{x(last) + 5:.1f}" y="{y(end) + 4:.1f}">{escape(name)}</text>')
    parts.append(
        f'<line class="chosen" x1="{x(chosen):.1f}" x2="{x(chosen):.1f}" y1="10" '
        f'y2="{height - foot}"/><text x="{x(chosen):.1f}" y="{height - 8}" '
        f'text-anchor="middle">{chosen:.2f}</text>'
    )
    return _svg(title, WIDTH, height, parts, "curve")


def matrix(
    title: str, rows: Sequence[str], columns: Sequence[str], cells: dict[tuple[str, str], int]
) -> Markup:
    """Return a confusion matrix as a picture; each cell links to its sentences, ``#c-<row>-<n>``.

    cells: (row, column) -> count; what is missing is empty.
    """
    size, side, top = 17, 190, 190
    width, height = side + size * len(columns) + 10, top + size * len(rows) + 10
    highest = max(cells.values(), default=1)
    parts = []
    for place, name in enumerate(columns):
        at = side + size * place + 12
        parts.append(
            f'<text transform="translate({at},{top - 6}) rotate(-60)">{escape(name)}</text>'
        )
    for line, row in enumerate(rows):
        at = top + size * line
        parts.append(f'<text x="{side - 6}" y="{at + 12}" text-anchor="end">{escape(row)}</text>')
        parts.append(
            f'<line class="grid" x1="{side}" x2="{width - 10}" y1="{at + size}" y2="{at + size}"/>'
        )
        for place, column in enumerate(columns):
            count = cells.get((row, column), 0)
            if not count:
                continue
            left = side + size * place
            parts.append(
                f'<a href="#c-{escape(row)}-{escape(column)}"><title>{escape(row)}, taken for '
                f'{escape(column)}: {count}</title><rect class="h{shade(count, highest)}" '
                f'x="{left}" y="{at}" width="{size}" height="{size}"/>'
                f'<text x="{left + size / 2}" y="{at + 12}" text-anchor="middle">{count}</text></a>'
            )
    return _svg(title, width, height, parts, "matrix")
