"""Mistakes of a model as a section of the report, a page, or a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from nlpkit.datasets.files import check_place, ending_of, written_atomically
from nlpkit.errors import ConfigError
from nlpkit.reports.mistakes import Mistakes, counted
from nlpkit.reports.page import folded, grid, listing, page

_EXAMPLES = 3  # examples of each kind of mistake
_KINDS = 12  # kinds of mistakes in a table
_ON_PAGE = 50  # answers of each kind on a page


def shown_mistakes(found: Mistakes, examples: int = _EXAMPLES) -> Iterator[str]:
    """The number of mistakes and `mistakes_by_kind`; nothing if they have no kinds."""
    if not set(found.by_kind()) <= {"differs"}:
        yield f"<p>{found} compared.</p>"
        yield from mistakes_by_kind(found, examples)


def mistakes_by_kind(found: Mistakes, examples: int = _EXAMPLES) -> Iterator[str]:
    """Table of the kinds of mistakes with their number and examples, and the confusion matrix."""
    kinds, rows = found.by_kind(), []
    for kind, wrong in list(kinds.items())[:_KINDS]:
        rows.append((kind, len(wrong), "; ".join(f"{a} → {b}" for a, b in found.examples(wrong, examples))))
    yield listing(("kind", "number", "examples: right → answered"), rows)
    confusion = found.confusion()
    if len(confusion) > 1:
        yield folded("confusion matrix: a row for each right label", grid(confusion, "right"))


def check_mistakes_file(path: str | Path | None) -> None:
    """Raise a `ConfigError` or `DataError` if mistakes can't be written to this path."""
    if path is None:
        return
    if ending_of(path) not in (".jsonl", ".html"):
        raise ConfigError(f"{path}: the name must end in .jsonl or .html")
    check_place(path)


def write_mistakes(found: Mistakes, path: str | Path, title: str) -> None:
    """Write all mistakes to a file, one a line if its name ends in ``.jsonl``, else as a page."""
    check_mistakes_file(path)
    with written_atomically(Path(path)) as file:
        if ending_of(path) == ".html":
            file.write(_page(found, title))
            return
        for each in found.wrong:
            kind, right, answered, _ = each.mistake
            fields = {"record": each.number, "kind": kind, "right": right, "answered": answered}
            fields |= {"right_answer": each.right.to_dict(), "answer": each.found.to_dict()}
            file.write(json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")


def _page(found: Mistakes, title: str) -> bytes:
    parts = [*mistakes_by_kind(found)]
    for kind, wrong in found.by_kind().items():
        records = list({each.number: each for each in wrong}.values())
        cells = ((each.right.to_html(each.found), each.found.to_html(each.right)) for each in records[:_ON_PAGE])
        rows = "".join(f"<tr><td data-is='right'>{a}</td><td data-is='answered'>{b}</td></tr>" for a, b in cells)
        more = f", of which the first {_ON_PAGE} are shown" if len(records) > _ON_PAGE else ""
        answers = counted(len(records), "answer")
        table = f"<table class='samples'><tr><th>right</th><th>answered</th></tr>{rows}</table>"
        parts.append(folded(f"{kind}: {len(wrong):,} in {answers}{more}", table))
    return page(title, str(found), parts)
