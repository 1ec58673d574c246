"""The answers of title models: titles of a text."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from nlpkit.prediction.answers import Answer, AnswerOf
from nlpkit.prediction.rendering import StyledText


@dataclasses.dataclass(frozen=True)
class Title:
    """A title, and its score: the sum of the log probabilities of its characters, its end included, over a power of
    their number, see the prediction option `length_penalty`; for a sample the sum alone."""

    title: str
    score: float | None = None
    copied: tuple[tuple[int, int], ...] = ()
    """Begins and ends, in the title, of its spans of two or more characters copied from the text."""

    def to_dict(self) -> dict[str, Any]:
        return {"title": self.title, "score": self.score, "copied": [list(span) for span in self.copied]}


@dataclasses.dataclass(frozen=True)
class Titles(AnswerOf[Title]):
    """The titles of a text, best first, or in the order of sampling; none for an empty text."""

    titles: tuple[Title, ...]

    legend: ClassVar[str] = "In titles, spans copied from the text are blue, others brown."

    @property
    def items(self) -> tuple[Title, ...]:
        return self.titles

    @property
    def title(self) -> str:
        """The first title, or an empty string."""
        return self.titles[0].title if self.titles else ""

    def to_dict(self) -> dict[str, Any]:
        """The first title as ``title``, as in data files, and all of them with scores."""
        return {"title": self.title, "titles": [each.to_dict() for each in self]}

    def to_text(self) -> str:
        """The titles, separated by tabs."""
        return "\t".join(each.title for each in self)

    def agrees(self, right: Answer) -> bool:
        return isinstance(right, Titles) and self.title == right.title

    def styled(self) -> list[StyledText]:
        """The first title, with copied spans in another colour."""
        parts, begin = [], 0
        for start, end in self.titles[0].copied if self.titles else ():
            parts += [StyledText(self.title[begin:start], "yellow"), StyledText(self.title[start:end], "cyan")]
            begin = end
        return [part for part in [*parts, StyledText(self.title[begin:], "yellow")] if part.text] or [StyledText("")]
