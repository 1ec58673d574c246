"""Frequencies of the symbols of a vocabulary, in a text file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Self


class Counts:
    """Frequencies of the symbols of a vocabulary, in its order.

    Args:
        values: whole numbers from 0.

    Example:

        >>> Counts([3, 1]).values
        [3, 1]
    """

    def __init__(self, values: Iterable[int]):
        self.values = [int(value) for value in values]
        if self.values and not 0 <= min(self.values) <= max(self.values) < 1 << 62:
            raise ValueError(f"counts from {min(self.values):.3g} to {max(self.values):.3g}; they must not be negative")

    def write(self, file: IO[bytes]) -> None:
        """Write one number per line."""
        file.write("".join(f"{value}\n" for value in self.values).encode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `write` wrote."""
        return cls(map(int, Path(path).read_text("utf-8").split()))
