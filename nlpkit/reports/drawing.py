"""Plots of a task as HTML and SVG."""

from __future__ import annotations

import html
from collections.abc import Iterable

import numpy as np

from nlpkit.reports.page import listing
from nlpkit.tasks.shared.plots import Arcs, Attention, Distribution, Map, Plot

_FONT = 14  # font size of the texts on a map
_SHORT = 16  # characters shown of a text on a map
_FAINT = 0.05  # weight below which a cell is left out, relative to the largest of its row
_MIDDLE = "font-size='12' text-anchor='middle'"
_COLOURS = ("#15803d", "#dc2626", "#2563eb")


def draw(picture: Plot) -> str:
    """Draw a plot as HTML."""
    if isinstance(picture, Map):
        return _map(picture)
    if isinstance(picture, Arcs):
        return _arcs(picture)
    if isinstance(picture, Attention):
        return _attention(picture)
    return _distribution(picture) if isinstance(picture, Distribution) else listing(picture.columns, picture.rows)


def _attention(picture: Attention, cell: int = 15) -> str:
    """A square for each pair of characters, the darker the larger its weight; the source above, the target left."""
    rows, columns = picture.weights.shape
    width, height = cell * (columns + 1) + 4, cell * (rows + 1) + 4
    parts = []
    for j, symbol in enumerate(picture.source):
        parts.append(f"<text x='{cell * (j + 1.5)}' y='{cell - 3}' {_MIDDLE}>{html.escape(symbol)}</text>")
    for i, symbol in enumerate(picture.target):
        parts.append(f"<text x='{cell / 2}' y='{cell * (i + 2) - 3}' {_MIDDLE}>{html.escape(symbol)}</text>")
        shades = picture.weights[i] / max(picture.weights[i].max(initial=0), 1e-9)
        for j in np.flatnonzero(shades > _FAINT).tolist():
            weight = picture.weights[i, j]
            place = f"x='{cell * (j + 1)}' y='{cell * (i + 1)}' width='{cell}' height='{cell}'"
            title = f"<title>{html.escape(symbol)} ← {html.escape(picture.source[j])} {weight:.0%}</title>"
            parts.append(f"<rect {place} fill='#2563eb' fill-opacity='{shades[j]:.2f}'>{title}</rect>")
    svg = _svg(width, height, picture.title, parts)
    return f"<div class='wide'><div style='min-width:{width * 0.8:.0f}px'>{svg}</div></div>"


_KINDS = {
    "right": ("#15803d", ""), "wrong": ("#dc2626", ""), "missed": ("#9ca3af", "stroke-dasharray='5 4'"),
    "": ("#2563eb", ""),
}  # fmt: skip


def _arcs(picture: Arcs, cell: int = 15) -> str:
    """The text on a line under labelled arcs, the wider the higher."""
    ends = np.cumsum([0, *(cell if ord(symbol) > 0x2E7F else cell * 0.58 for symbol in picture.text)])
    middles = [tuple((ends[a] + ends[b]) / 2 for a, b in (arc.start, arc.end)) for arc in picture.arcs]
    order = sorted(range(len(middles)), key=lambda i: abs(middles[i][1] - middles[i][0]))
    heights = {row: 30 + 22 * place for place, row in enumerate(order)}  # all different
    top = max(heights.values(), default=0) + 16
    parts = [
        f"<text x='{(a + b) / 2:.1f}' y='{top + 18}' font-size='13' text-anchor='middle'>{html.escape(symbol)}</text>"
        for symbol, a, b in zip(picture.text, ends[:-1], ends[1:])
    ]
    for row, (arc, (x, y)) in enumerate(zip(picture.arcs, middles)):
        (colour, dashes), peak = _KINDS[arc.kind], top - heights[row]
        curve = f"M{x:.1f},{top} C{x:.1f},{peak} {x:.1f},{peak} {(x + y) / 2:.1f},{peak} S{y:.1f},{peak} {y:.1f},{top}"
        line = f"fill='none' stroke='{colour}' stroke-width='1.5' {dashes}"
        head = f"M{y - 4:.1f},{top - 7} L{y:.1f},{top} L{y + 4:.1f},{top - 7}"
        place = f"x='{(x + y) / 2:.1f}' y='{peak - 3}' font-size='12' text-anchor='middle' fill='{colour}'"
        parts += [f"<path d='{curve}' {line}/><path d='{head}' {line}/>"]
        parts.append(f"<text {place}>{html.escape(arc.label)}</text>")
        for a, b in (arc.start, arc.end):
            parts.append(f"<path d='M{ends[a]:.1f},{top + 23} H{ends[b]:.1f}' {line}/>")
    width, height = max(float(ends[-1]), 120) + 8, top + 30
    svg = _svg(f"{width:.0f}", height, picture.title, parts)
    kinds = {} if all(not arc.kind for arc in picture.arcs) else _KINDS
    legend = " · ".join(f"<span style='color:{colour}'>{kind}</span>" for kind, (colour, _) in kinds.items() if kind)
    return f"<div class='wide'><div style='min-width:{width * 0.8:.0f}px'>{svg}</div></div><small>{legend}</small>"


def _distribution(picture: Distribution, width: int = 640, height: int = 220, bins: int = 40) -> str:
    """Overlaid histograms, one for each kind of value, and a line at the mark."""
    shares = {
        name: np.histogram(values, bins, (0, 1))[0] / max(len(values), 1) for name, values in picture.values.items()
    }
    top = max((float(share.max()) for share in shares.values()), default=0.0) or 1.0
    parts = []
    for i, (name, share) in enumerate(shares.items()):
        colour, step = _COLOURS[i], (width - 40) / bins
        for j, part in enumerate(share):
            bar = part / top * (height - 60)
            place = f"x='{20 + j * step:.1f}' y='{height - 30 - bar:.1f}' width='{step:.1f}' height='{bar:.1f}'"
            parts.append(f"<rect {place} fill='{colour}' fill-opacity='.5'><title>{part:.1%}</title></rect>")
        parts.append(f"<text x='{20 + i * 240}' y='14' font-size='13' fill='{colour}'>{html.escape(name)}</text>")
    mark = 20 + picture.mark * (width - 40)
    parts.append(f"<line x1='{mark}' x2='{mark}' y1='24' y2='{height - 30}' stroke='#222' stroke-dasharray='4 3'/>")
    for tick in (0, picture.mark, 1):
        place = f"x='{20 + tick * (width - 40)}' y='{height - 12}' text-anchor='middle'"
        parts.append(f"<text {place} font-size='11'>{tick:g}</text>")
    return _svg(width, height, picture.title, parts)


def _places(points: np.ndarray, width: int, height: int) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    return 20 + (points - low) / np.where(high > low, high - low, 1) * (width - 180, height - 40)


def _svg(width: int | str, height: int, label: str, parts: Iterable[str]) -> str:
    size = f"viewBox='0 0 {width} {height}' style='width:100%;max-width:{width}px'"
    return f"<svg {size} role='img' aria-label='{html.escape(label)}'>{''.join(parts)}</svg>"


def _map(picture: Map, width: int = 900, height: int = 640) -> str:
    """Points with their texts; of two that overlap, the less important one is hidden until the map is zoomed.

    A point shows its text under the pointer. The hidden texts are in the page, for its script.
    """
    circles, texts = [], []
    taken: list[tuple[float, float, float, float]] = []
    groups = picture.groups if picture.groups is not None else [0] * len(picture.labels)
    for (x, y), label, group in zip(_places(picture.places, width, height).tolist(), picture.labels, groups):
        colour = f"hsl({(group * 137.5 + 220) % 360:.0f} 60% 50%)"
        short = label if len(label) <= _SHORT else f"{label[:_SHORT]}…"
        box = (x, y - _FONT, x + 4 + _FONT * len(short), y + 0.3 * _FONT)
        is_free = all(box[0] > b[2] or box[2] < b[0] or box[1] > b[3] or box[3] < b[1] for b in taken)
        taken += [box] if is_free else []
        title = f"<title>{html.escape(label)}</title>"
        circles.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'>{title}</circle>")
        hidden = "" if is_free else " class='hidden'"
        place = f"x='{x + 4:.1f}' y='{y:.1f}' data-x='{x:.1f}' data-y='{y:.1f}' font-size='{_FONT}'{hidden}"
        texts.append(f"<text {place}>{html.escape(short)}</text>")
    buttons = "".join(
        f"<button hidden data-zoom='{factor}'>{sign}</button>" for factor, sign in ((0.5, "+"), (2, "−"), (1000, "all"))
    )
    label = html.escape(picture.title)
    return (
        f"<div>{buttons}<svg class='map' viewBox='0 0 {width} {height}' role='img' aria-label='{label}'>"
        f"{''.join(circles)}{''.join(texts)}</svg></div>"
    )
