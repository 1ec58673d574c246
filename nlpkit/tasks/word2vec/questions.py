"""Files of word pairs with scores, and of analogies."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from nlpkit.datasets.files import read_lines
from nlpkit.errors import DataError
from nlpkit.text.characters import normalize_text

_PEEK = 20  # number of lines to detect the kind of a file from


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two words and their similarity in the judgement of people."""

    words: tuple[str, str]
    score: float
    line: int


@dataclasses.dataclass(frozen=True)
class Analogy:
    """The first word is to the second as the third is to the fourth."""

    words: tuple[str, str, str, str]
    section: str
    line: int


def read_questions(path: str | Path) -> list[Pair] | list[Analogy] | None:
    """Word pairs (``word word score``) or analogies (four words, under headings ``: section``); None for other files.

    Raises:
        DataError: if a file begins as one of these, and a later line has another format.
    """
    first = []
    for _, line in read_lines(path):
        first += [line.split()] if line.strip() else []
        if len(first) == _PEEK:
            break
    if first and all(len(parts) == 3 and _number(parts[2]) is not None for parts in first):
        return _read_pairs(path)
    if first and first[0][0] == ":" and all(len(parts) == 4 or parts[0] == ":" for parts in first):
        return _read_analogies(path)
    return None


def _read_pairs(path: str | Path) -> list[Pair]:
    pairs = []
    for number, line in read_lines(path):
        parts = normalize_text(line).split()
        if not parts:
            continue
        score = _number(parts[2]) if len(parts) == 3 else None
        if score is None:
            raise DataError(f"expected two words and a score. Received: {line[:40]!r}", path, number)
        pairs.append(Pair((parts[0], parts[1]), score, number))
    return pairs


def _read_analogies(path: str | Path) -> list[Analogy]:
    analogies, section = [], ""
    for number, line in read_lines(path):
        parts = normalize_text(line).split()
        if parts and parts[0] == ":":
            section = " ".join(parts[1:])
        elif len(parts) == 4:
            analogies.append(Analogy((parts[0], parts[1], parts[2], parts[3]), section, number))
        elif parts:
            raise DataError(f"expected four words or a heading. Received: {line[:40]!r}", path, number)
    return analogies


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def spelling_like(word: str, words: Sequence[str], count: int = 3) -> list[str]:
    """Words with a spelling similar to that of a word, the most similar first."""
    wanted = set(word)

    def likeness(other: str) -> float:
        return len(wanted & set(other)) / len(wanted | set(other))

    near = sorted((other for other in words if len(other) > 1 and wanted & set(other)), key=likeness, reverse=True)[
        :count
    ]
    return [other for other in near if likeness(other) >= 0.3]
