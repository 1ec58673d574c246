"""Words and entities of a text, with offsets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence

from nlpkit.tasks.answers import Answer

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
class _Tagged(Answer):
    text: str
    labels: tuple[str, ...] = dataclasses.field(repr=False)
    """The label of each character."""

    def to_conll(self) -> str:
        """A character and its label on each line, an empty line at the end; white space is written as a space."""
        shown = (" " if character.isspace() else character for character in self.text)
        return "".join(f"{character}\t{label}\n" for character, label in zip(shown, self.labels))


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


def tagged(
    text: str, labels: Sequence[str], spans: Sequence[tuple[int, int, str]], words: bool
) -> Segmentation | Entities:
    """An answer from spans ``(start, end, type)``: a `Segmentation` if they are words, else `Entities`."""
    if words:
        return Segmentation(text, tuple(labels), tuple(Word(text[a:b], a, b) for a, b, _ in spans))
    return Entities(text, tuple(labels), tuple(Entity(text[a:b], a, b, kind) for a, b, kind in spans))
