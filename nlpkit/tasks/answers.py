"""What every answer can do: be a JSON object, a line of text, and coloured parts for a terminal."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True)
class Answer:
    """Base of the answers of all tasks: frozen dataclasses, one for each record."""

    legend: ClassVar[str] = ""
    """What the colours of `coloured` mean, a sentence."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the object of a JSON line; fields that are None are left out."""
        return dataclasses.asdict(self, dict_factory=_without_none)

    def to_text(self) -> str:
        """One line for people and for files, without its end: the values by tabs, unless a task has its own."""
        return "\t".join(str(value) for value in self.to_dict().values())

    def agrees(self, right: Answer) -> bool:
        """Whether it says what the right answer says; how sure it is does not matter."""
        return self == right

    def coloured(self) -> list[tuple[str, str]]:
        """Parts of a line and the style of each, such as ``bold cyan``, for a terminal."""
        return [(self.to_text(), "")]


def _without_none(pairs):
    return {key: value for key, value in pairs if value is not None}
