"""The answers of word vectors: words related to those of a question."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

from nlpkit.prediction.answers import Answer, AnswerOf, bar
from nlpkit.prediction.rendering import StyledText

_SHOWN = 6  # number of answers on a terminal


@dataclasses.dataclass(frozen=True)
class RelatedWord:
    """A word in an answer, and its cosine."""

    word: str
    score: float


@dataclasses.dataclass(frozen=True)
class RelatedWords(AnswerOf[RelatedWord]):
    """The answers to a question about words, best first; none if the question has an unknown word.

    For one word these are its nearest words, for two words their similarity, for three the solutions of an analogy, for
    more the odd one out.
    """

    text: str
    answers: tuple[RelatedWord, ...]

    @property
    def items(self) -> tuple[RelatedWord, ...]:
        return self.answers

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "answers": [vars(answer) for answer in self]}

    def to_text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(answer.word for answer in self)

    def styled(self) -> list[StyledText]:
        parts = [StyledText(self.text, "yellow")]
        for answer in self.answers[:_SHOWN]:
            parts += [StyledText("  "), StyledText(answer.word, "cyan"), StyledText(f" {answer.score:.2f}", "dim")]
        return parts

    def to_html(self, right: Answer | None = None) -> str:
        """The question, and its answers with a bar each."""
        rows = (f"{html.escape(each.word)} {bar(each.score, f'{each.score:.3f}')}" for each in self)
        return f"<b>{html.escape(self.text)}</b> → {' · '.join(rows) or '–'}"
