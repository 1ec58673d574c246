"""The answers of taggers: words, entities and labelled tokens of a text, with offsets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from nlpkit.prediction.answers import Answer, AnswerOf, Mistake, without_none
from nlpkit.prediction.rendering import StyledText, colour_of
from nlpkit.tasks.tagging.mistakes import span_mistakes, word_mistakes
from nlpkit.text.graphemes import graphemes
from nlpkit.text.tag_schemes import split_label

T = TypeVar("T")
_COLOURS = {"PER": "magenta", "LOC": "green", "ORG": "cyan"}


class _Span:
    def __repr__(self) -> str:
        """The representation of a dataclass, without fields that are None."""
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if value is not None)
        return f"{type(self).__name__}({fields})"


@dataclasses.dataclass(frozen=True, repr=False)
class Word(_Span):
    """A word of a text, from its character `start` to before `end`.

    With ``confidence=True`` `probability` is the posterior probability of the word, given the text.
    """

    text: str
    start: int
    end: int
    probability: float | None = None


@dataclasses.dataclass(frozen=True, repr=False)
class Entity(_Span):
    """A span of a text with its type, from its character `start` to before `end`; `probability` as in `Word`."""

    text: str
    start: int
    end: int
    label: str
    probability: float | None = None


@dataclasses.dataclass(frozen=True, repr=False)
class Token(_Span):
    """A token of a text with its label, from its character `start` to before `end`; `probability` as in `Word`."""

    text: str
    start: int
    end: int
    label: str
    probability: float | None = None


@dataclasses.dataclass(frozen=True)
class _Tagged(AnswerOf[T]):
    text: str
    labels: tuple[str, ...] = dataclasses.field(repr=False)
    """The label of each code point of the text, or of each token."""
    units: tuple[str, ...] | None = dataclasses.field(repr=False, default=None, kw_only=True)
    """The tokens, for a model of tokens."""

    def agrees(self, right: Answer) -> bool:
        return isinstance(right, _Tagged) and self.keys() == right.keys()

    def to_conll(self) -> str:
        """A character or token and its label on each line, then an empty line; white space becomes a space."""
        if self.units is not None:
            return "".join(f"{token}\t{label}\n" for token, label in zip(self.units, self.labels))
        rows, place = [], 0
        for character in graphemes(self.text):
            label = _label_of(self.labels[place], self.labels[place + len(character) - 1])
            rows.append(f"{' ' if character.isspace() else character}\t{label}\n")
            place += len(character)
        return "".join(rows)


def _label_of(first: str, last: str) -> str:
    """The label of a grapheme from those of its first and its last code point."""
    begin, end = split_label(first)[0], split_label(last)[0]
    if end != "E" or begin == end:
        return first
    return "S" + last[1:] if begin == "B" else last


@dataclasses.dataclass(frozen=True)
class Segmentation(_Tagged[Word]):
    """The words of a text; joined they are the text, white space and control characters included."""

    words: tuple[Word, ...]

    @property
    def items(self) -> tuple[Word, ...]:
        return self.words

    def to_dict(self) -> dict:
        return {"text": self.text, "words": _plain(self.words)}

    def mistakes(self, right: Answer) -> list[Mistake]:
        return list(word_mistakes(right.words, self.words)) if isinstance(right, Segmentation) else []

    def to_text(self) -> str:
        """Words separated by single spaces; white space of the text is collapsed."""
        return " ".join("".join((" " if c.isspace() else c) for word in self for c in f"{word.text} ").split())

    def styled(self) -> list[StyledText]:
        parts = []
        for i, word in enumerate(self):
            parts += [StyledText(word.text, "cyan" if i % 2 else "yellow", key=(word.start, word.end)), StyledText(" ")]
        return parts[:-1]


@dataclasses.dataclass(frozen=True)
class Entities(_Tagged[Entity]):
    """The entities of a text, in order, none inside another."""

    entities: tuple[Entity, ...]

    @property
    def items(self) -> tuple[Entity, ...]:
        return self.entities

    def to_dict(self) -> dict:
        return {"text": self.text, "entities": _plain(self.entities)}

    def mistakes(self, right: Answer) -> list[Mistake]:
        return list(span_mistakes(right.entities, self.entities)) if isinstance(right, Entities) else []

    def to_text(self) -> str:
        """The entities, separated by tabs, each followed by a slash and its label; white space becomes a space."""
        return "\t".join(f"{' '.join(entity.text.split())}/{entity.label}" for entity in self)

    def styled(self) -> list[StyledText]:
        parts, end = [], 0
        for entity in self:
            colour = _COLOURS.get(entity.label) or colour_of(entity.label)
            key = (entity.start, entity.end, entity.label)
            parts += [
                StyledText(self.text[end : entity.start]),
                StyledText(entity.text, colour, entity.label or "span", key),
            ]
            end = entity.end
        return [part for part in (*parts, StyledText(self.text[end:])) if part.text]


@dataclasses.dataclass(frozen=True)
class Tokens(_Tagged[Token]):
    """The tokens of a text, each with its label, such as a part of speech."""

    tokens: tuple[Token, ...]

    @property
    def items(self) -> tuple[Token, ...]:
        return self.tokens

    def to_dict(self) -> dict:
        return {"text": self.text, "tokens": _plain(self.tokens)}

    def mistakes(self, right: Answer) -> list[Mistake]:
        return list(span_mistakes(right.tokens, self.tokens)) if isinstance(right, Tokens) else []

    def to_text(self) -> str:
        """Tokens separated by spaces, each followed by a slash and its label."""
        return " ".join(f"{token.text}/{token.label}" for token in self if not token.text.isspace())

    def styled(self) -> list[StyledText]:
        parts = []
        for token in self:
            key = (token.start, token.end, token.label)
            parts += [StyledText(token.text, colour_of(token.label), token.label, key), StyledText(" ")]
        return parts[:-1]


def _plain(spans: Sequence[Any]) -> list[dict[str, Any]]:
    return [without_none(vars(span).items()) for span in spans]


def tagged(
    text: str,
    labels: Sequence[str],
    spans: Sequence[tuple[int, int, str]],
    kind: str,
    units: tuple[str, ...] | None = None,
    probabilities: Sequence[float] | None = None,
) -> Segmentation | Entities | Tokens:
    """An answer from spans ``(start, end, label)``, of a kind: ``words``, ``entities`` or ``tokens``."""
    sure = [None] * len(spans) if probabilities is None else probabilities
    if kind == "words":
        words = tuple(Word(text[a:b], a, b, p) for (a, b, _), p in zip(spans, sure))
        return Segmentation(text, tuple(labels), words)
    of_spans = Token if kind == "tokens" else Entity
    parts: Any = tuple(of_spans(text[a:b], a, b, label, p) for (a, b, label), p in zip(spans, sure))
    return (Tokens if kind == "tokens" else Entities)(text, tuple(labels), parts, units=units)
