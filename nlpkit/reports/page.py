"""Building blocks of the HTML pages: frame, sections, tables, numbers."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any


def page(title: str, lead: str, sections: Iterable[str]) -> bytes:
    """A self-contained page, as UTF-8."""
    files = resources.files("nlpkit.reports")
    style, script = ((files / f"page.{ending}").read_text("utf-8") for ending in ("css", "js"))
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<title>{html.escape(title)}</title><style>{style}</style>",
        f"<h1>{html.escape(title)}</h1><p class='lead'>{html.escape(lead)}</p>",
        *sections,
        f"<script>{script}</script></html>",
    ]
    return "\n".join(parts).encode("utf-8", "replace")


def section(title: str, *content: str) -> str:
    """A heading and its content; an empty string without content."""
    below = "".join(content)
    return f"<section><h2>{html.escape(title)}</h2>{below}</section>" if below else ""


def folded(title: str, content: str) -> str:
    """Content that is shown when its title is clicked."""
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>" if content else ""


def cards(values: Iterable[tuple[str, Any]]) -> str:
    """The most important numbers in large type, from pairs of a name and a value."""
    shown = (
        f"<div class='card'><b>{number(value)}</b><span>{html.escape(name)}</span></div>" for name, value in values
    )
    return f"<div class='cards'>{''.join(shown)}</div>"


def as_written(value: Any) -> Any:
    """A setting for a table: a float with all its digits."""
    return str(value) if isinstance(value, float) else value


def number(value: Any) -> str:
    """A value as HTML, with four decimals and separated thousands."""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return html.escape(", ".join(map(str, value)))
    return html.escape(str(value))


def grid(rows: Mapping[str, Mapping[str, Any]], corner: str = "", best: Mapping[str, Any] | None = None) -> str:
    """A table of rows with the same columns; the value of a row that `best`, such as max, picks is bold."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    heads = "".join(f"<th class='n'>{html.escape(str(name))}</th>" for name in columns)
    lines = []
    for name, row in rows.items():
        pick = (best or {}).get(name)
        known = [value for value in row.values() if isinstance(value, (int, float))]
        top = pick(known) if pick and len(known) > 1 else None
        cells = (_cell(row.get(column, ""), top) for column in columns)
        lines.append(f"<tr><td>{html.escape(str(name))}</td>{''.join(cells)}</tr>")
    table = f"<table><tr><th>{html.escape(corner)}</th>{heads}</tr>{''.join(lines)}</table>"
    return f"<div class='wide'>{table}</div>" if rows else ""


def _cell(value: Any, top: Any) -> str:
    kind = "n best" if top is not None and value == top else "n"
    return f"<td class='{kind}'>{number(value)}</td>"


def pairs(values: Mapping[str, Any]) -> str:
    """A table of names and values."""
    rows = (f"<tr><td>{html.escape(str(name))}</td><td>{number(value)}</td></tr>" for name, value in values.items())
    return f"<div class='wide'><table>{''.join(rows)}</table></div>" if values else ""


def listing(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table of rows under the names of the columns."""
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    lines = ("".join(f"<td>{number(value)}</td>" for value in row) for row in rows)
    return f"<div class='wide'><table><tr>{heads}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table></div>"
