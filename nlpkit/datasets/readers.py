"""Readers of records from files: CoNLL columns, space-separated words, tab-separated columns, JSON lines.

Every record has the number of its first line, and every error names the file and the line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nlpkit.datasets.files import read_lines
from nlpkit.errors import DataError


class Columns(NamedTuple):
    """A sentence of a CoNLL file."""

    tokens: list[str]
    labels: list[str]
    line: int
    more: dict[str, list[str]] = {}  # noqa: RUF012
    """Other columns by name."""


class Words(NamedTuple):
    """A line of a segmented file."""

    words: list[str]
    line: int


class Row(NamedTuple):
    """A line of a file of columns."""

    fields: list[str]
    line: int


class Record(NamedTuple):
    """A line of a JSON lines file."""

    fields: dict
    line: int


def read_conll(path: str | Path, columns: Sequence[str] = ()) -> Iterator[Columns]:
    """Sentences of a column file: a token and its label on each line, an empty line after each sentence.

    Columns are separated by tabs, or by spaces where there is no tab.

    Args:
        path: the file.
        columns: names of the columns, with ``token`` and ``label`` among them; columns with the name ``_`` are skipped.
            Without names the first column is the token and the last its label.
    """
    rows: list[list[str]] = []
    begin, width = 0, len(columns)
    token = list(columns).index("token") if columns else 0  # may be white space
    for number, line in read_lines(path):
        if not line.strip():
            if rows:
                yield _columns(rows, begin, columns)
            rows, begin = [], 0
            continue
        fields = line.split("\t") if "\t" in line else line.split()
        width = width or len(fields)
        fields = [field if i == token else field.strip() for i, field in enumerate(fields)]
        if len(fields) < 2 or len(fields) != width or not all(fields):
            meaning = " ".join(columns) if columns else "the first a token, the last its label"
            raise DataError(
                f"{len(fields)} columns: {line[:40]!r}; expected {max(width, 2)} on every line, none of them empty "
                f"({meaning}), separated by tabs or spaces",
                path,
                number,
            )
        begin = begin or number
        rows.append(fields)
    if rows:
        yield _columns(rows, begin, columns)


def _columns(rows: Sequence[Sequence[str]], line: int, names: Sequence[str]) -> Columns:
    fields = [[*column] for column in zip(*rows)]
    if not names:
        return Columns(fields[0], fields[-1], line)
    named = {name: column for name, column in zip(names, fields) if name != "_"}
    return Columns(named.pop("token"), named.pop("label"), line, named)


def read_words(path: str | Path) -> Iterator[Words]:
    """Lines of words separated by spaces; empty lines are skipped."""
    for number, line in read_lines(path):
        words = line.split()
        if words:
            yield Words(words, number)


def read_tsv(path: str | Path, *columns: str) -> Iterator[Row]:
    """Lines of columns separated by tabs; empty lines are skipped.

    Args:
        path: the file.
        columns: descriptions of the columns, for errors.
    """
    for number, line in read_lines(path):
        if line.strip():
            fields = line.split("\t")
            if len(fields) != len(columns):
                expected = ", a tab and ".join(columns)
                raise DataError(f"expected {expected}. Received {len(fields)} column(s): {line[:40]!r}", path, number)
            yield Row(fields, number)


def read_jsonl(path: str | Path, **types: type) -> Iterator[Record]:
    """Lines of one JSON object each; empty lines are skipped.

    Args:
        path: the file.
        types: types of the required fields, such as ``text=str``.
    """
    for number, line in read_lines(path):
        if line.strip():
            yield Record(parse_json(line, path, number, **types), number)


def parse_json(line: str, path: str | Path, number: int, **types: type) -> dict[str, Any]:
    """One JSON object with the required fields, or a `DataError` that names the file and the line."""
    try:
        return parse_object(line, **types)
    except ValueError as error:
        raise DataError(str(error), path, number) from None


def parse_object(line: str, **types: type) -> dict[str, Any]:
    """One JSON object with the required fields, or a `ValueError` with its fault."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({error}): {line[:40]!r}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"expected a JSON object. Received: {line[:40]!r}")
    for name, kind in types.items():
        field_of(fields, name, kind)
    return fields


def field_of(fields: Mapping[str, Any], name: str, kind: type) -> Any:
    """A field of a JSON object; a `ValueError` if it is missing, of another type, or a text with lone surrogates."""
    if not isinstance(fields.get(name), kind):
        received = type(fields[name]).__name__ if name in fields else "nothing"
        raise ValueError(f'expected a {kind.__name__} in the field "{name}". Received: {received}')
    if kind is str and fields[name].encode("utf-8", "ignore").decode() != fields[name]:
        raise ValueError(f'the field "{name}" has half of a surrogate pair, which is no character')
    return fields[name]
