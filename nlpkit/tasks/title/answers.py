"""Titles of a text."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from nlpkit.prediction.answers import Answer, AnswerOf
from nlpkit.prediction.rendering import StyledText


@dataclasses.dataclass(frozen=True)
class Title:
    """A title, and its score: the sum of the log probabilities of its characters, its end counted, over a power of
    their number, see the prediction option `length_penalty`; of a drawn title the sum."""

    title: str
    score: float | None = None
    copied: tuple[tuple[int, int], ...] = ()
    """Begin and end, in the title, of its parts of two characters or more that stand in the text."""

    def to_dict(self) -> dict[str, Any]:
        return {"title": self.title, "score": self.score, "copied": [list(span) for span in self.copied]}


@dataclasses.dataclass(frozen=True)
class Titles(AnswerOf[Title]):
    """The titles of a text, best first, or in the order in which they were drawn; none of an empty text."""

    titles: tuple[Title, ...]

    legend: ClassVar[str] = "Of titles, what stands in the text is blue, what does not is brown."

    @property
    def items(self) -> tuple[Title, ...]:
        return self.titles

    @property
    def title(self) -> str:
        """The first title, or nothing."""
        return self.titles[0].title if self.titles else ""

    def to_dict(self) -> dict[str, Any]:
        """The first title on top, as data files have it, and all of them with scores."""
        return {"title": self.title, "titles": [each.to_dict() for each in self]}

    def to_text(self) -> str:
        """The titles, separated by tabs."""
        return "\t".join(each.title for each in self)

    def agrees(self, right: Answer) -> bool:
        return isinstance(right, Titles) and self.title == right.title

    def styled(self) -> list[StyledText]:
        """The first title, what is copied in another colour than what is not."""
        parts, begin = [], 0
        for start, end in self.titles[0].copied if self.titles else ():
            parts += [StyledText(self.title[begin:start], "yellow"), StyledText(self.title[start:end], "cyan")]
            begin = end
        return [part for part in [*parts, StyledText(self.title[begin:], "yellow")] if part.text] or [StyledText("")]
