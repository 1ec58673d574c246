"""A training run as a page for people."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlpkit.datasets.files import write_atomically
from nlpkit.runs.drawing import draw

if TYPE_CHECKING:
    from nlpkit.tasks.task import Data, Task

_SAMPLES = 16
_LONGEST = 160  # characters of a record that are shown

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em;overflow-wrap:anywhere}h2{font-size:1.15em;margin-top:1.6em}table{border-collapse:collapse}
td,th{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}svg{margin:.3em 1.2em .3em 0}
div.wide{overflow-x:auto}
.cyan{color:#0e7490}.yellow{color:#a16207}.green{color:#15803d}.red{color:#b91c1c}.magenta{color:#a21caf}
.wrong{background:#fdecea}.right{background:#eef7ee}small{color:#666}"""


def write_report(
    path: Path,
    title: str,
    model: Task,
    valid: Data,
    history: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> None:
    """One HTML page without outside parts: curves, final metrics, pictures, sample answers, and how it was trained.

    Args:
        path: the page.
        title: its title.
        model: the trained task, which answers some records of the validation data.
        valid: these data.
        history: a row of numbers for each epoch.
        run: settings, versions and the like.
        metrics: by the name of the data.
    """
    curves = [key for key in (history[0] if history else {}) if key not in ("epoch", "step") and _moves(history, key)]
    metric = model.metric
    best_of = {"loss": min, metric.name: max if metric.higher_is_better else min}
    parts = [
        "<!doctype html><meta charset='utf-8'>",
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><h1>{html.escape(title)}</h1>",
        "<h2>Curves</h2>",
        *(_curve(key, [row.get(key) for row in history], best_of.get(key)) for key in curves),
        "<h2>Result</h2>",
        _table(metrics),
        *(f"<h2>{html.escape(each.title)}</h2>{draw(each)}" for each in model.pictures(valid.examples)),
        *_samples(model, valid),
        "<h2>Run</h2>",
        _table(run),
    ]
    write_atomically(path, "\n".join(parts).encode("utf-8", "replace"))


def _moves(history, key):
    """Whether a number differs between epochs, so that there is something to see."""
    return len(history) < 2 or len({row.get(key) for row in history}) > 1


def _samples(model, valid):
    """A table of answers beside the right ones."""
    pairs = model.expected(valid.examples, _SAMPLES)
    answers = model.answer([record for record, _ in pairs]) if pairs else []
    legend = html.escape(answers[0].legend) if answers else ""
    yield f"<h2>Sample predictions</h2><p>{legend}</p><table><tr><th>expected</th><th>predicted</th></tr>"
    for (record, right), answer in zip(pairs, answers):
        found = _shown(answer)
        wanted = html.escape(str(record)) if right is None else _shown(right)
        kind = "" if right is None else f" class='{'right' if answer.agrees(right) else 'wrong'}'"
        text = "" if hasattr(answer, "text") else getattr(record, "text", "")  # what the answer does not show
        source = f"<br><small>{html.escape(text[:_LONGEST])}{'…' * (len(text) > _LONGEST)}</small>" if text else ""
        yield f"<tr{kind}><td>{wanted}{source}</td><td>{found}</td></tr>"
    yield "</table>"


def _shown(answer):
    """An answer as on a terminal, its colours as classes."""
    return answer.to_html()


def _table(values):
    if values and all(isinstance(row, dict) for row in values.values()):
        columns = list(dict.fromkeys(name for row in values.values() for name in row))
        if not any(isinstance(each, dict) for row in values.values() for each in row.values()):
            return _grid(values, columns)
    rows = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows.append(f"<tr><td>{html.escape(str(key))}</td><td>{_table(value)}</td></tr>")
            continue
        rows.append(f"<tr><td>{html.escape(str(key))}</td>{_cell(value)}</tr>")
    return f"<div class='wide'><table>{''.join(rows)}</table></div>"


def _grid(rows, columns):
    """Rows of the same numbers as one table."""
    names = "".join(f"<th>{html.escape(str(name))}</th>" for name in ("", *columns))
    cells = (
        f"<tr><td>{html.escape(str(key))}</td>{''.join(_cell(row.get(name, '')) for name in columns)}</tr>"
        for key, row in rows.items()
    )
    return f"<div class='wide'><table><tr>{names}</tr>{''.join(cells)}</table></div>"


def _cell(value):
    shown = f"{value:.4f}" if isinstance(value, float) else str(value)
    return f"<td class='n'>{html.escape(shown)}</td>"


def _curve(name, values, best_of, width=270, height=150):
    """An SVG line chart of one value per epoch, with its best point marked if `best_of`, max or min, says which."""
    points = [(i, v) for i, v in enumerate(values) if isinstance(v, (int, float))]
    if not points:
        return ""
    low, high = min(v for _, v in points), max(v for _, v in points)
    span = (high - low) or 1.0
    last = max(len(values) - 1, 1)

    def place(i, v):
        return f"{40 + i / last * (width - 50):.1f},{height - 25 - (v - low) / span * (height - 50):.1f}"

    mark = ""
    if best_of is not None:
        epoch, value = best_of(points, key=lambda point: point[1])
        x, y = place(epoch, value).split(",")
        mark = f"<circle cx='{x}' cy='{y}' r='4' fill='#dc2626'><title>epoch {epoch + 1}: {value:.4f}</title></circle>"
    return (
        f"<svg width='{width}' height='{height}' role='img' aria-label='{html.escape(name)} by epoch'>"
        f"<text x='40' y='14' font-size='13'>{html.escape(name)}</text>"
        f"<text x='2' y='{height - 22}' font-size='10'>{low:.3g}</text>"
        f"<text x='2' y='30' font-size='10'>{high:.3g}</text>"
        f"<text x='{width - 70}' y='{height - 6}' font-size='10'>epoch {len(values)}</text>"
        f"<polyline fill='none' stroke='#2563eb' stroke-width='2' points='{' '.join(place(*p) for p in points)}'/>"
        f"{mark}</svg>"
    )
