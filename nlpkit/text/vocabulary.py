"""Vocabularies: symbols to ids and back, saved as readable text files."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Self

import numpy as np

from nlpkit.text.characters import CODE_BITS, EDGE, code_points
from nlpkit.text.ngrams import NgramTable

PADDING, UNKNOWN = 0, 1
FIRST_ID = 2
"""Id of the first symbol; the ids before it are `PADDING` and `UNKNOWN`."""
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", " ": "\\s", chr(0x2028): "\\u2028", chr(0x85): "\\x85"}


class Vocabulary:
    """An ordered set of symbols; ids 0 and 1 are padding and unknown, symbols follow from 2.

    Args:
        symbols: distinct strings.

    Example:

        >>> v = Vocabulary.from_counts({"的": 9, "一": 7, "龘": 1}, min_count=2)
        >>> v.encode(["一", "龘"]).tolist()
        [3, 1]
    """

    def __init__(self, symbols: Iterable[str]):
        self.symbols = list(symbols)
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols, FIRST_ID)}
        if len(self._ids) != len(self.symbols):
            repeated = next(s for s, n in collections.Counter(self.symbols).items() if n > 1)
            raise ValueError(f"vocabulary holds {repeated!r} more than once")

    @classmethod
    def from_counts(cls, counts: dict[str, int], min_count: int = 1, max_size: int | None = None) -> Self:
        """The symbols seen at least `min_count` times, most frequent first, at most `max_size` of them."""
        ranked = sorted((s for s, n in counts.items() if n >= min_count), key=lambda s: (-counts[s], s))
        return cls(ranked[:max_size])

    def merged(self, other: Vocabulary) -> Self:
        """A vocabulary of these symbols, with the same ids, followed by the new symbols of another vocabulary."""
        return type(self)([*self.symbols, *(symbol for symbol in other.symbols if symbol not in self)])

    def __len__(self) -> int:
        """Number of ids, padding and unknown included."""
        return len(self.symbols) + FIRST_ID

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._ids

    def encode(self, symbols: Sequence[str]) -> np.ndarray:
        """Ids of symbols, int32; unknown ones get `UNKNOWN`."""
        return np.fromiter((self._ids.get(s, UNKNOWN) for s in symbols), "int32", len(symbols))

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Symbols of ids; padding and unknown become empty strings."""
        return [self.symbols[i - FIRST_ID] if i >= FIRST_ID else "" for i in ids]

    def write(self, file: IO[bytes]) -> None:
        """Write one symbol per line, white space and backslash escaped."""
        table = str.maketrans(_ESCAPES)
        file.write("".join(s.translate(table) + "\n" for s in self.symbols).encode("utf-8"))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `write` wrote."""
        plain = {escaped: symbol for symbol, escaped in _ESCAPES.items()}
        symbols = Path(path).read_text("utf-8").split("\n")[:-1]
        return cls(_unescape(s, plain) if "\\" in s else s for s in symbols)


class CharacterVocabulary(Vocabulary):
    """A vocabulary of single characters that encodes arrays of code points with one table look-up.

    Attributes:
        codes: uint32 ``(size,)``, the code point of each id; `nlpkit.text.characters.EDGE` for padding and unknown.
    """

    def __init__(self, symbols: Iterable[str]):
        super().__init__(symbols)
        self.codes = np.array([EDGE] * FIRST_ID + [ord(symbol) for symbol in self.symbols], "uint32")
        self._table = np.full(EDGE + 1, UNKNOWN, "int32")
        self._table[self.codes[FIRST_ID:]] = np.arange(FIRST_ID, len(self))
        self._table[EDGE] = PADDING

    def encode_codes(self, codes: np.ndarray) -> np.ndarray:
        """int32 ids of an array of code points; an edge becomes `PADDING`."""
        return self._table[codes]


class BigramVocabulary(Vocabulary):
    """A vocabulary of character pairs; `EDGE_SYMBOL` stands for the edge of a text."""

    EDGE_SYMBOL = "\0"

    def __init__(self, symbols: Iterable[str]):
        super().__init__(symbols)
        if any(len(symbol) != 2 for symbol in self.symbols):
            raise ValueError("a vocabulary of pairs has a symbol that is no pair")
        pairs = code_points("".join(self.symbols)).reshape(-1, 2).copy()
        pairs[pairs == 0] = EDGE
        self._table = NgramTable(_pair_keys(pairs[:, 0], pairs[:, 1]))

    def encode_codes(self, codes: np.ndarray) -> np.ndarray:
        """int32 ``(total,)``: the id of each code point with the one after it; the last has no partner: `PADDING`."""
        places = self._table.find(_pair_keys(codes[:-1], codes[1:]))
        return np.append(np.where(places < 0, UNKNOWN, places + FIRST_ID).astype("int32"), np.int32(PADDING))


def _pair_keys(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first.astype("uint64") << np.uint64(CODE_BITS) | second.astype("uint64")


def _unescape(text: str, plain: dict[str, str]) -> str:
    parts = []
    while text:
        for escaped in (text[:6], text[:4], text[:2]):
            if escaped in plain:
                parts.append(plain[escaped])
                text = text[len(escaped) :]
                break
        else:
            parts.append(text[0])
            text = text[1:]
    return "".join(parts)
