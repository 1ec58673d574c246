"""A training run as a table for programs and a page for people."""

import csv
import html
import io
from pathlib import Path

import numpy as np

from nlpkit.training.checkpoint import write_atomically

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.6em}table{border-collapse:collapse}
td,th{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}svg{margin:.3em 1.2em .3em 0}
.wrong{background:#fdecea}.right{background:#eef7ee}small{color:#666}"""


def write_history(path: Path, history: list[dict]):
    """CSV, a row an epoch."""
    buffer = io.StringIO()
    columns = list(dict.fromkeys(key for row in history for key in row))
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_atomically(path, buffer.getvalue().encode())


def write_report(path: Path, title: str, history: list[dict], facts: dict, metrics: dict, samples: list[dict], maps=()):
    """One HTML page without outside parts: curves, facts, final metrics, sample predictions.

    Args:
        samples: rows ``{"expected": str, "predicted": str, "right": bool}``.
        maps: ``(title, labels, points)`` of pictures of labels at their places, points ``(n, 2)``.
    """
    curves = [key for key in (history[0] if history else {}) if key not in ("epoch", "step")]
    parts = [
        "<!doctype html><meta charset='utf-8'>",
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><h1>{html.escape(title)}</h1>",
        "<h2>Curves</h2>",
        *(_curve(key, [row.get(key) for row in history]) for key in curves),
        "<h2>Result</h2>",
        _table(metrics),
        *(f"<h2>{html.escape(name)}</h2>{_map(labels, points)}" for name, labels, points in maps),
        "<h2>Sample predictions</h2><table><tr><th>expected</th><th>predicted</th></tr>",
        *(
            f"<tr class='{'right' if s['right'] else 'wrong'}'><td>{html.escape(s['expected'])}</td>"
            f"<td>{html.escape(s['predicted'])}</td></tr>"
            for s in samples
        ),
        "</table><h2>Run</h2>",
        _table(facts),
    ]
    write_atomically(path, "\n".join(parts).encode("utf-8", "replace"))


def _table(values):
    rows = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows.append(f"<tr><td>{html.escape(str(key))}</td><td>{_table(value)}</td></tr>")
            continue
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        rows.append(f"<tr><td>{html.escape(str(key))}</td><td class='n'>{html.escape(shown)}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _map(labels, points, width=900, height=700):
    """An SVG picture of labels, of which the first are drawn largest and last."""
    low, high = points.min(axis=0), points.max(axis=0)
    places = 20 + (points - low) / np.where(high > low, high - low, 1) * (width - 80, height - 40)
    texts = []
    for rank in reversed(range(len(labels))):
        x, y = places[rank]
        share = rank / len(labels)
        style = f"font-size='{15 - 6 * share:.1f}' fill='hsl({220 + 120 * share:.0f} 60% 35%)'"
        texts.append(f"<text x='{x:.0f}' y='{y:.0f}' {style}>{html.escape(labels[rank])}</text>")
    return f"<svg width='{width}' height='{height}' role='img' aria-label='map'>{''.join(texts)}</svg>"


def _curve(name, values, width=270, height=150):
    """An SVG line chart of one value per epoch, its best point marked."""
    points = [(i, v) for i, v in enumerate(values) if isinstance(v, (int, float))]
    if not points:
        return ""
    low, high = min(v for _, v in points), max(v for _, v in points)
    span = (high - low) or 1.0
    last = max(len(values) - 1, 1)

    def place(i, v):
        return f"{40 + i / last * (width - 50):.1f},{height - 25 - (v - low) / span * (height - 50):.1f}"

    best = (min if name in ("loss", "cross_entropy", "perplexity", "seconds") else max)(points, key=lambda p: p[1])
    x, y = place(*best).split(",")
    return (
        f"<svg width='{width}' height='{height}' role='img' aria-label='{html.escape(name)} by epoch'>"
        f"<text x='40' y='14' font-size='13'>{html.escape(name)}</text>"
        f"<text x='2' y='{height - 22}' font-size='10'>{low:.3g}</text>"
        f"<text x='2' y='30' font-size='10'>{high:.3g}</text>"
        f"<text x='{width - 70}' y='{height - 6}' font-size='10'>epoch {len(values)}</text>"
        f"<polyline fill='none' stroke='#2563eb' stroke-width='2' points='{' '.join(place(*p) for p in points)}'/>"
        f"<circle cx='{x}' cy='{y}' r='4' fill='#dc2626'><title>epoch {best[0] + 1}: {best[1]:.4f}</title></circle>"
        "</svg>"
    )
