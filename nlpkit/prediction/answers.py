"""Answers to records, and problems with them."""

from __future__ import annotations

import abc
import dataclasses
import html
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from nlpkit.prediction.rendering import StyledText, styled_to_html

T = TypeVar("T")


class Problem(NamedTuple):
    """A problem of a record: an error or a warning."""

    row: int
    """Index of the record in its batch."""
    reason: str
    is_error: bool = False
    """Whether the record can't be answered; one with a warning can."""


class Mistake(NamedTuple):
    """A difference between an answer and the expected one."""

    kind: str
    """Category by which mistakes are counted, such as ``PER missed``."""
    right: str
    """Expected text."""
    found: str
    """Predicted text."""
    labels: tuple[str, str] | None = None
    """Expected and predicted label, if one was confused with the other."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """Base of the answers of all tasks: frozen dataclasses, one for each record. Notebooks render them."""

    legend: ClassVar[str] = ""
    """Sentence that explains the colours of `styled`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a JSON line, without the fields that are None."""
        return dataclasses.asdict(self, dict_factory=without_none)

    def to_text(self) -> str:
        """One line of text without its line end; by default the values, separated by tabs."""
        return "\t".join(str(value) for value in self.to_dict().values())

    def agrees(self, right: Answer) -> bool:
        """Whether the answer equals the expected one; confidences are ignored."""
        return self == right

    def mistakes(self, right: Answer) -> list[Mistake]:
        """Differences from the expected answer, in order."""
        return [] if self.agrees(right) else [Mistake("differs", right.to_text(), self.to_text())]

    def styled(self) -> list[StyledText]:
        """Styled parts of one line for a terminal."""
        return [StyledText(self.to_text())]

    def keys(self) -> set[Hashable]:
        """Keys of the parts, for comparison with another answer."""
        return {part.key for part in self.styled() if part.key is not None}

    def to_html(self, right: Answer | None = None) -> str:
        """HTML for a page; parts that the expected answer lacks are marked."""
        return styled_to_html(self.styled(), None if right is None else right.keys())

    def _repr_html_(self) -> str:
        return f"<p>{self.to_html()}</p>"


@dataclasses.dataclass(frozen=True)
class AnswerOf(Answer, Generic[T]):
    """An answer that is a sequence of items: it supports iteration, ``len`` and indexing."""

    @property
    @abc.abstractmethod
    def items(self) -> Sequence[T]:
        """Items of the answer, in order."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> T:
        return self.items[place]


def without_none(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Dictionary of the pairs whose value is not None."""
    return {key: value for key, value in pairs if value is not None}


def bar(share: float, text: str) -> str:
    """A number from 0 to 1 as an HTML bar with a text."""
    width = max(0.0, min(1.0, share)) * 100
    ground = f"background:linear-gradient(to right,rgba(37,99,235,.3) {width:.0f}%,rgba(127,127,127,.12) 0)"
    style = f"display:inline-block;min-width:3.5em;padding:0 .4em;border-radius:.25em;{ground}"
    return f'<span style="{style}">{html.escape(text)}</span>'
