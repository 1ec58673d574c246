"""Line charts by epoch, with axes; the values under the pointer are shown."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

COLOURS = ("#2563eb", "#ea580c", "#16a34a", "#c026d3", "#0891b2", "#dc2626", "#854d0e", "#64748b")
_WIDTH, _HEIGHT = 860, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, _WIDTH - 32, 14, _HEIGHT - 30


class Series(NamedTuple):
    """A line of a chart, with its name."""

    name: str
    values: Sequence[float | None]
    """Value of each epoch; None if it is missing."""


def chart(title: str, series: Sequence[Series], best: tuple[int, int] | None = None) -> str:
    """A chart of lines by epoch as HTML; an empty string without numbers.

    Args:
        title: name of the vertical axis.
        series: lines of the chart.
        best: index of a series and of its epoch to mark.
    """
    numbers = [value for each in series for value in each.values if value is not None and _is_number(value)]
    if not numbers:
        return ""
    count = max(len(each.values) for each in series)
    ticks = _ticks(min(numbers), max(numbers))
    low, high = ticks[0], ticks[-1]

    def x(epoch: float) -> float:
        return _LEFT + (epoch / (count - 1) if count > 1 else 0) * (_RIGHT - _LEFT)

    def y(value: float) -> float:
        return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    parts = []
    for tick in ticks:
        parts.append(f"<line class='grid' x1='{_LEFT}' x2='{_RIGHT}' y1='{y(tick):.1f}' y2='{y(tick):.1f}'/>")
        parts.append(f"<text class='tick' x='{_LEFT - 8}' y='{y(tick) + 4:.1f}' text-anchor='end'>{tick:g}</text>")
    step = max(1, math.ceil(count / 12))
    for epoch in range(0, count, step):
        place = f"x='{x(epoch):.1f}' y='{_BOTTOM + 18}' text-anchor='middle'"
        parts.append(f"<text class='tick' {place}>{epoch + 1}</text>")
    parts.append(f"<line class='cursor grid' y1='{_TOP}' y2='{_BOTTOM}' style='visibility:hidden'/>")
    for number, each in enumerate(series):
        parts += _line(each, COLOURS[number % len(COLOURS)], x, y)
    if best is not None:
        line, epoch = best
        value = series[line].values[epoch]
        place = f"cx='{x(epoch):.1f}' cy='{y(value):.1f}'"  # type: ignore[arg-type]
        text = f"the best epoch, {epoch + 1}: {value:.4f}"
        colour = COLOURS[line % len(COLOURS)]
        ring = f"r='7' fill='none' stroke='{colour}' stroke-width='2'"
        parts.append(f"<circle {place} {ring}><title>{text}</title></circle>")
    known = [{"name": each.name, "values": [_shown(value) for value in each.values]} for each in series]
    data = json.dumps({"left": _LEFT, "right": _RIGHT, "count": count, "series": known}, ensure_ascii=False)
    legend = "".join(
        f"<span><i style='border-color:{COLOURS[i % len(COLOURS)]}'></i>{html.escape(each.name)}</span>"
        for i, each in enumerate(series)
    )
    label = html.escape(f"{title} by epoch", quote=True)
    return (
        f"<div><div class='legend'>{legend}<span>by epoch</span></div>"
        f"<svg class='chart' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' "
        f"aria-label='{label}' data-series='{html.escape(data, quote=True)}'>{''.join(parts)}</svg>"
        "<div class='readout'></div></div>"
    )


def _line(series: Series, colour: str, x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    """The line of a series, interrupted where numbers are missing, and a point for each number."""
    pieces: list[list[str]] = [[]]
    points = []
    for epoch, value in enumerate(series.values):
        if value is None or not _is_number(value):
            pieces.append([])
            continue
        pieces[-1].append(f"{x(epoch):.1f},{y(value):.1f}")
        title = f"<title>{html.escape(series.name)}, epoch {epoch + 1}: {value:.4f}</title>"
        points.append(f"<circle cx='{x(epoch):.1f}' cy='{y(value):.1f}' r='3' fill='{colour}'>{title}</circle>")
    lines = [
        f"<polyline fill='none' stroke='{colour}' stroke-width='2' points='{' '.join(piece)}'/>"
        for piece in pieces
        if piece
    ]
    return [*lines, *points]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _shown(value: float | None) -> float | None:
    return float(f"{value:.5g}") if _is_number(value) else None


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers, which enclose the lowest and the highest value.

    >>> _ticks(0.13, 0.88)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if low == high:
        low, high = (low - abs(low) / 10, high + abs(high) / 10) if low else (0.0, 1.0)
    power = 10 ** math.floor(math.log10((high - low) / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]
