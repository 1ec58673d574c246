"""Files of one example per line, with bad lines skipped and reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nlpkit.datasets.files import read_lines
from nlpkit.errors import DataError

T = TypeVar("T")
_SHOWN = 5  # number of bad lines reported one by one


def read_good_lines(
    path: str | Path, parse: Callable[[str, int], T], on_error: str, noun: str
) -> tuple[list[T], list[str], int]:
    """The examples of a file with one per line.

    Args:
        path: the file.
        parse: function of a line and its number that returns an example, or raises a `ValueError` with the fault of the
            line.
        on_error: ``skip`` to skip bad lines, ``stop`` to raise a `DataError` at the first.
        noun: name of an example in messages.

    Returns:
        The examples, messages about the first few bad lines, and the number of bad lines.

    Raises:
        DataError: if the file can't be read, or no line is good.
    """
    examples: list[T] = []
    notes: list[str] = []
    bad = 0
    for number, line in read_lines(path):
        try:
            examples.append(parse(line, number))
        except ValueError as reason:
            error = DataError(str(reason), path, number)
            if on_error == "stop":
                raise error from None
            bad += 1
            if bad <= _SHOWN:
                notes.append(f"{error}; passed over")
    if bad > _SHOWN:
        notes.append(f"{path}: and {bad - _SHOWN} more bad lines, passed over")
    if not examples:
        raise DataError(f"holds no {noun}; {notes[0]}", path)
    return examples, notes, bad
