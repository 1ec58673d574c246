"""The answers of similarity models: vectors, neighbours, scores of pairs."""

from __future__ import annotations

import dataclasses
import html

from nlpkit.prediction.answers import Answer, AnswerOf, Mistake, bar
from nlpkit.prediction.rendering import StyledText


@dataclasses.dataclass(frozen=True)
class SentenceVector(AnswerOf[float]):
    """A sentence and its unit vector, which is empty for an empty sentence."""

    text: str
    vector: tuple[float, ...]

    @property
    def items(self) -> tuple[float, ...]:
        return self.vector

    def to_text(self) -> str:
        """The numbers, separated by spaces."""
        return " ".join(f"{number:.6g}" for number in self.vector)

    def styled(self) -> list[StyledText]:
        return [StyledText(self.text, "yellow"), StyledText(f"  {len(self.vector)} numbers", "dim")]


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A sentence of an index, the score of its similarity to the question, from 0 to 1, and their cosine."""

    text: str
    score: float
    cosine: float


@dataclasses.dataclass(frozen=True)
class Neighbours(AnswerOf[Neighbour]):
    """A sentence and the most similar ones of an index, best first; none for an empty sentence."""

    text: str
    nearest: tuple[Neighbour, ...]

    @property
    def items(self) -> tuple[Neighbour, ...]:
        return self.nearest

    def to_text(self) -> str:
        """The sentences and their scores, all separated by tabs."""
        return "\t".join(f"{each.text}\t{each.score:.4f}" for each in self.nearest)

    def styled(self) -> list[StyledText]:
        parts = [StyledText(self.text, "yellow")]
        for each in self.nearest:
            parts += [StyledText("  "), StyledText(each.text, "cyan"), StyledText(f" {each.score:.4f}", "dim")]
        return parts

    def to_html(self, right: Answer | None = None) -> str:
        """The question, and below it each sentence with a bar for its score."""
        rows = (f"<br>{bar(each.score, f'{each.score:.3f}')} {html.escape(each.text)}" for each in self)
        return f"<b>{html.escape(self.text)}</b>{''.join(rows)}"


@dataclasses.dataclass(frozen=True)
class SentencePair(AnswerOf[float]):
    """Two sentences, the score of their similarity, from 0 to 1, the cosine of their vectors, and the decision.

    They are the same from a score of 0.5 on. All three are None if a sentence is empty.
    """

    first: str
    second: str
    score: float | None
    cosine: float | None
    same: bool | None

    @property
    def items(self) -> tuple[float, ...]:
        return () if self.score is None else (self.score,)

    def agrees(self, right: Answer) -> bool:
        return isinstance(right, SentencePair) and self.same == right.same

    def mistakes(self, right: Answer) -> list[Mistake]:
        if self.agrees(right):
            return []
        pair = f"{self.first} / {self.second}"
        return [Mistake("taken for the same" if self.same else "taken for different", pair, self.to_text())]

    def to_text(self) -> str:
        """The score, a tab, and yes or no."""
        if self.score is None:
            return ""
        return f"{self.score:.4f}\t{'yes' if self.same else 'no'}"

    def styled(self) -> list[StyledText]:
        number = "" if self.score is None else f"  {self.score:.4f}"
        says = StyledText("yes" if self.same else "no", "green" if self.same else "red", key=self.same)
        return [
            StyledText(self.first, "yellow"),
            StyledText(" / "),
            StyledText(self.second, "yellow"),
            StyledText(f"{number}  "),
            says,
        ]
