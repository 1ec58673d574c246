"""Strings as arrays of code points, normalised without moving a character.

All later steps work on one flat array for many texts, so that none of them loops over characters in Python.
"""

import functools
from collections.abc import Sequence

import numpy as np

EDGE = 0x110000
"""Separator before, between and after the texts of a `FlatTexts`; one above the last Unicode code point."""
CODE_BITS = 21
"""Number of bits of a code point, or of `EDGE`, within a key."""


def code_points(text: str) -> np.ndarray:
    """uint32 array of the code points of a string, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def from_code_points(codes: np.ndarray) -> str:
    """The inverse of `code_points`."""
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


@functools.cache
def normal_form() -> np.ndarray:
    """Half-width, lower-case form of each code point of the basic plane, uint32 ``(0x10000,)``.

    Holds only mappings of one character to one character, so that offsets stay valid.
    """
    table = np.arange(0x10000, dtype="uint32")
    table[0xFF01:0xFF5F] -= 0xFEE0
    table[0x3000] = 0x20
    for code in range(0x10000):
        lower = chr(int(table[code])).lower()
        if len(lower) == 1:
            table[code] = ord(lower)
    return table


def normalize(codes: np.ndarray, table: np.ndarray | None = None) -> np.ndarray:
    """Full-width to half-width and upper to lower case, code point by code point: the length never changes.

    Args:
        codes: uint32, code points.
        table: replacement of `normal_form`.
    """
    table = normal_form() if table is None else table
    if len(codes) and codes.max() >= len(table):
        inside = codes < len(table)
        return np.where(inside, table[np.where(inside, codes, 0)], codes)
    return table[codes]


def normalize_text(text: str) -> str:
    """`normalize` for a string; ``len`` and offsets are those of the input.

    >>> normalize_text("ＮＬＰ　２０２６年")
    'nlp 2026年'
    """
    return from_code_points(normalize(code_points(text)))


class FlatTexts:
    """Many texts in one array, with an `EDGE` before, between and after them.

    Args:
        texts: the texts.
        table: uint32 ``(0x10000,)``, replacement of `normal_form`; see `nlpkit.text.simplified.simplified_table`.

    Attributes:
        codes: uint32 ``(total,)``, the original code points.
        normal: uint32 ``(total,)``, the code points after the table.
        starts: int64 ``(n,)``, offset of each text in the arrays.
        lengths: int64 ``(n,)``, length of each text.
    """

    def __init__(self, texts: Sequence[str], table: np.ndarray | None = None):
        joined = code_points("\0".join(["", *texts, ""])).copy()
        self.lengths = np.fromiter(map(len, texts), "int64", len(texts))
        self.starts = np.cumsum(self.lengths + 1) - self.lengths
        self.normal = normalize(joined, table)
        self.codes = joined
        for array in (self.codes, self.normal):
            array[self.starts - 1] = EDGE
            array[-1] = EDGE

    def __len__(self) -> int:
        return len(self.starts)
