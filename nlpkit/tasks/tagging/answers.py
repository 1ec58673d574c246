"""Words, entities and labelled tokens of a text, with offsets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence

from nlpkit.tasks.answers import Answer
from nlpkit.text.graphemes import graphemes
from nlpkit.text.tag_schemes import split_label

_COLOURS = {"PER": "bold magenta", "LOC": "bold green", "ORG": "bold cyan"}


@dataclasses.dataclass(frozen=True)
class Word:
    """A word of a text, from its character `start` to before `end`."""

    text: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class Entity:
    """A span of a text and its type, from its character `start` to before `end`."""

    text: str
    start: int
    end: int
    type: str


@dataclasses.dataclass(frozen=True)
class Token:
    """A token or word of a text with its label, from its character `start` to before `end`."""

    text: str
    start: int
    end: int
    label: str


@dataclasses.dataclass(frozen=True)
class _Tagged(Answer):
    text: str
    labels: tuple[str, ...] = dataclasses.field(repr=False)
    """The label of each code point of the text, or of each token."""
    units: tuple[str, ...] | None = dataclasses.field(repr=False, default=None, kw_only=True)
    """The tokens, of a model of tokens."""

    def to_conll(self) -> str:
        """A character, or a token, and its label on each line, an empty line at the end; white space is written as a
        space."""
        if self.units is not None:
            return "".join(f"{token}\t{label}\n" for token, label in zip(self.units, self.labels))
        rows, place = [], 0
        for character in graphemes(self.text):
            label = _label_of(self.labels[place], self.labels[place + len(character) - 1])
            rows.append(f"{' ' if character.isspace() else character}\t{label}\n")
            place += len(character)
        return "".join(rows)


def _label_of(first, last):
    """The label of a character from those of its first and its last code point."""
    begin, end = split_label(first)[0], split_label(last)[0]
    if end != "E" or begin == end:
        return first
    return "S" + last[1:] if begin == "B" else last


@dataclasses.dataclass(frozen=True)
class Segmentation(_Tagged):
    """The words of a text; put together they are the text, white space and control characters included."""

    words: tuple[Word, ...]

    def __iter__(self) -> Iterator[Word]:
        return iter(self.words)

    def to_dict(self) -> dict:
        return {"text": self.text, "words": [vars(word) for word in self.words]}

    def to_text(self) -> str:
        """Words separated by spaces; white space of the text is a word boundary already and is not repeated."""
        return " ".join("".join((" " if c.isspace() else c) for word in self for c in f"{word.text} ").split())

    def coloured(self) -> list[tuple[str, str]]:
        return [(f"{word.text} ", "bold cyan" if i % 2 else "bold yellow") for i, word in enumerate(self)]


@dataclasses.dataclass(frozen=True)
class Entities(_Tagged):
    """The entities of a text, in order, none inside another."""

    entities: tuple[Entity, ...]

    def __iter__(self) -> Iterator[Entity]:
        return iter(self.entities)

    def to_dict(self) -> dict:
        return {"text": self.text, "entities": [vars(entity) for entity in self.entities]}

    def to_text(self) -> str:
        """A JSON list of the entities."""
        return json.dumps(self.to_dict()["entities"], ensure_ascii=False)

    def coloured(self) -> list[tuple[str, str]]:
        parts, end = [], 0
        for entity in self:
            parts += [(self.text[end : entity.start], ""), (entity.text, _COLOURS.get(entity.type, "bold"))]
            parts.append((f"[{entity.type or 'span'}]", "dim"))
            end = entity.end
        return [*parts, (self.text[end:], "")]


@dataclasses.dataclass(frozen=True)
class Tokens(_Tagged):
    """The tokens of a text, each with its label: its part of speech, for example."""

    tokens: tuple[Token, ...]

    def __iter__(self) -> Iterator[Token]:
        return iter(self.tokens)

    def to_dict(self) -> dict:
        return {"text": self.text, "tokens": [vars(token) for token in self.tokens]}

    def to_text(self) -> str:
        """Tokens separated by spaces, each with a slash and its label after it."""
        return " ".join(f"{token.text}/{token.label}" for token in self if not token.text.isspace())

    def coloured(self) -> list[tuple[str, str]]:
        parts = []
        for token in self:
            parts += [(token.text, "bold cyan"), (f"/{token.label} ", "dim")]
        return parts


def tagged(
    text: str,
    labels: Sequence[str],
    spans: Sequence[tuple[int, int, str]],
    kind: str,
    units: tuple[str, ...] | None = None,
) -> Segmentation | Entities | Tokens:
    """An answer from spans ``(start, end, type)``, of a kind: ``words``, ``entities`` or ``tokens``."""
    if kind == "words":
        return Segmentation(text, tuple(labels), tuple(Word(text[a:b], a, b) for a, b, _ in spans))
    if kind == "tokens":
        parts = tuple(Token(text[a:b], a, b, label) for a, b, label in spans)
        return Tokens(text, tuple(labels), parts, units=units)
    return Entities(text, tuple(labels), tuple(Entity(text[a:b], a, b, type_) for a, b, type_ in spans), units=units)
