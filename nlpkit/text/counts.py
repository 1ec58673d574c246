"""How often each symbol of a vocabulary occurs, in a text file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Self


class Counts:
    """Whole numbers, one for each symbol of a vocabulary, in its order.

    Example:

        >>> Counts([3, 1]).values
        [3, 1]
    """

    def __init__(self, values: Iterable[int]):
        self.values = [int(value) for value in values]
        if self.values and not 0 <= min(self.values) <= max(self.values) < 1 << 62:
            raise ValueError(f"counts from {min(self.values):.3g} to {max(self.values):.3g}; none may be below 0")

    def write(self, file: IO[bytes]) -> None:
        """A number a line."""
        file.write("".join(f"{value}\n" for value in self.values).encode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `write` wrote."""
        return cls(map(int, Path(path).read_text("utf-8").split()))
