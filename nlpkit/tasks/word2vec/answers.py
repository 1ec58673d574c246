"""Words that answer a question about words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from nlpkit.tasks.answers import Answer


@dataclasses.dataclass(frozen=True)
class RelatedWord:
    """A word, and the cosine by which it is an answer."""

    word: str
    score: float


@dataclasses.dataclass(frozen=True)
class RelatedWords(Answer):
    """The answer to a question about words, best first; none where the question has an unknown word.

    To one word they are its nearest, to two their similarity, to three, a b c, what is to c as b is to a, to more the
    one that belongs least to the others.
    """

    text: str
    answers: tuple[RelatedWord, ...]

    def __iter__(self) -> Iterator[RelatedWord]:
        return iter(self.answers)

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "answers": [vars(answer) for answer in self]}

    def to_text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(answer.word for answer in self)

    def coloured(self) -> list[tuple[str, str]]:
        parts = [(self.text, "bold yellow")]
        for answer in self.answers[:6]:
            parts += [(f"  {answer.word}", "bold cyan"), (f" {answer.score:.2f}", "dim")]
        return parts
