"""Lower lines that answer an upper one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from nlpkit.tasks.answers import Answer


@dataclasses.dataclass(frozen=True)
class LowerLine:
    """A lower line, and the sum of the scores of its characters, see `nlpkit.tasks.couplet.decode.LineSearch`."""

    lower: str
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class Couplet(Answer):
    """An upper line and the lower lines that answer it, best first; none if it can't be answered under the rules."""

    upper: str
    answers: tuple[LowerLine, ...]

    def __iter__(self) -> Iterator[LowerLine]:
        return iter(self.answers)

    @property
    def lower(self) -> str:
        """The best answer, or nothing."""
        return self.answers[0].lower if self.answers else ""

    def to_dict(self) -> dict[str, Any]:
        return {"upper": self.upper, "answers": [vars(answer) for answer in self]}

    def to_text(self) -> str:
        """The lower lines, separated by tabs."""
        return "\t".join(answer.lower for answer in self)

    def coloured(self) -> list[tuple[str, str]]:
        return [(f"{self.upper}  ", "bold yellow"), (self.lower, "bold cyan")]
