"""What comes back for a record: an answer, or a problem."""

from __future__ import annotations

import abc
import dataclasses
import html
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from nlpkit.prediction.rendering import StyledText, styled_to_html

T = TypeVar("T")


class Problem(NamedTuple):
    """Something about a record that a person should know."""

    row: int
    """Index of the record among those that were encoded together."""
    reason: str
    is_error: bool = False
    """A record with an error is not answered; one with a warning is."""


class Mistake(NamedTuple):
    """A difference between an answer and the right one."""

    kind: str
    """Of which sort it is, such as ``PER missed``; mistakes are counted by it."""
    right: str
    """What is right."""
    found: str
    """What was answered instead."""
    labels: tuple[str, str] | None = None
    """The right label and the one that was given, where one was taken for the other."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """Base of the answers of all tasks: frozen dataclasses, one for each record.

    Notebooks show it as a picture.
    """

    legend: ClassVar[str] = ""
    """What the colours of `parts` mean, a sentence."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the object of a JSON line; fields that are None are left out."""
        return dataclasses.asdict(self, dict_factory=without_none)

    def to_text(self) -> str:
        """One line for people and for files, without its end: the values by tabs, unless a task has its own."""
        return "\t".join(str(value) for value in self.to_dict().values())

    def agrees(self, right: Answer) -> bool:
        """Whether it says what the right answer says; how sure it is does not matter."""
        return self == right

    def mistakes(self, right: Answer) -> list[Mistake]:
        """What differs from the right answer, in order."""
        return [] if self.agrees(right) else [Mistake("differs", right.to_text(), self.to_text())]

    def styled(self) -> list[StyledText]:
        """What a terminal shows, in one line."""
        return [StyledText(self.to_text())]

    def keys(self) -> set[Hashable]:
        """What its parts say."""
        return {part.key for part in self.styled() if part.key is not None}

    def to_html(self, right: Answer | None = None) -> str:
        """What a page shows; parts that the right answer does not have are marked."""
        return styled_to_html(self.styled(), None if right is None else right.keys())

    def _repr_html_(self) -> str:
        return f"<p>{self.to_html()}</p>"


@dataclasses.dataclass(frozen=True)
class AnswerOf(Answer, Generic[T]):
    """An answer that holds several things: it is iterated over, counted, and asked for one by its place."""

    @property
    @abc.abstractmethod
    def items(self) -> Sequence[T]:
        """What it holds, in order."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> T:
        return self.items[place]


def without_none(pairs: Any) -> dict[str, Any]:
    """A dictionary of pairs, without those whose value is None."""
    return {key: value for key, value in pairs if value is not None}


def bar(share: float, text: str) -> str:
    """A number from 0 to 1 as HTML: a bar, and its text."""
    width = max(0.0, min(1.0, share)) * 100
    ground = f"background:linear-gradient(to right,rgba(37,99,235,.3) {width:.0f}%,rgba(127,127,127,.12) 0)"
    style = f"display:inline-block;min-width:3.5em;padding:0 .4em;border-radius:.25em;{ground}"
    return f'<span style="{style}">{html.escape(text)}</span>'
