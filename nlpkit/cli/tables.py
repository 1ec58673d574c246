"""Tables on standard error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from nlpkit.terminal import console

if TYPE_CHECKING:
    from nlpkit.reports.mistakes import Mistakes


def print_metrics(metrics: Mapping[str, Any]) -> None:
    """Print a table of metrics; a nested dictionary of rows becomes its own table, transposed if it is very wide."""
    nested = {key: value for key, value in metrics.items() if isinstance(value, dict)}
    table = Table(show_header=False)
    for key, value in metrics.items():
        if key not in nested:
            table.add_row(escape(key), _show(value))
    out = console()
    out.print(table)
    for name, rows in nested.items():
        if not rows:
            continue
        columns = list(next(iter(rows.values())))
        if len(columns) > 2 * len(rows):
            rows = {column: {key: row[column] for key, row in rows.items()} for column in columns}
            columns = list(next(iter(rows.values())))
        table = Table(name, *columns)
        for key, row in rows.items():
            table.add_row(escape(key), *(_show(row[column]) for column in columns))
        out.print(table)


def _show(value: float) -> str:
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def print_benchmark(found: Mapping[str, Mapping[str, float]]) -> None:
    """Print a table of a benchmark, a column for each runtime."""
    units = {"first_answer": ("first answer", "s", 2), "p50": ("one record, median", "ms", 2),
             "p99": ("one record, slowest of a hundred", "ms", 2), "KB/s": ("text at most", "KB/s", 0),
             "memory": ("memory at most", "MB", 0)}  # fmt: skip
    table = Table("", *found)
    for key in next(iter(found.values())):
        name, unit, digits = units.get(key, (f"{key.rpartition(' ')[2]} at once", "records/s", 0))
        table.add_row(name, *(f"{figures[key]:,.{digits}f} {unit}" for figures in found.values()))
    console().print(table)


def print_mistakes(found: Mistakes, examples: int) -> None:
    """Print a table of the kinds of mistakes with their number and some examples."""
    out = console()
    out.print(str(found), markup=False)
    table = Table("kind", "number", "right", "answered")
    for kind, wrong in found.by_kind().items():
        cells = (escape("\n".join(side)) for side in zip(*found.examples(wrong, examples)))
        table.add_row(escape(kind), f"{len(wrong):,}", *cells)
    if table.row_count:
        out.print(table)


def print_report(title: str, report: Mapping[str, Any]) -> None:
    """Print a titled table of names and values."""
    table = Table(show_header=False)
    for key, value in report.items():
        table.add_row(escape(str(key)), _show(value) if isinstance(value, (int, float)) else escape(str(value)))
    out = console()
    out.print(title, markup=False)
    out.print(table)
