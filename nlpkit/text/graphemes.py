"""User-perceived characters of several code points: emoji sequences, letters with combining marks."""

from __future__ import annotations

import functools
import unicodedata

import numpy as np

from nlpkit.text.characters import EDGE, code_points, from_code_points

_JOINER = 0x200D
_FIRST_PICTURE = 0x2100  # first code point of emoji, which a joiner connects
_JAMO = (0x1100, 0x1160, 0x1200)  # initial consonants; vowels and final consonants, which continue a syllable; the end
_FLAGS = (0x1F1E6, 0x1F200)  # regional indicators; two make a flag
_MORE_MARKS = ((0x1F3FB, 0x1F400), (0xE0020, 0xE0080), (0xE0100, 0xE01F0))
"""Ranges of skin colours, tags, and variation selectors beyond the basic plane."""


def continues_character(codes: np.ndarray) -> np.ndarray:
    """Whether each code point continues the character of the one before it.

    Args:
        codes: uint32 ``(total,)``, code points; `nlpkit.text.characters.EDGE` continues nothing.

    Returns:
        bool ``(total,)``.

    Example:

        >>> continues_character(code_points("e\\u0301👍🏽👨\\u200d👩🇨🇳🇯🇵")).astype(int).tolist()
        [0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]

    References:
        Unicode Standard Annex 29, Text Segmentation; only its rules for marks, emoji, flags and Korean syllables.
    """
    marks = _is_mark(codes)
    flags = (codes >= _FLAGS[0]) & (codes < _FLAGS[1])
    joins = marks.copy()
    if marks.any():
        joins[1:] |= (codes[:-1] == _JOINER) & (codes[1:] >= _FIRST_PICTURE)
    if flags.any():
        # In a run of indicators, every second one ends a flag.
        places = np.arange(len(codes))
        before = np.maximum.accumulate(np.where(flags, -1, places))
        joins |= flags & ((places - before) % 2 == 0)
    jamo = (codes >= _JAMO[0]) & (codes < _JAMO[2])
    if jamo.any():
        joins[1:] |= jamo[:-1] & (codes[1:] >= _JAMO[1]) & (codes[1:] < _JAMO[2])
    joins[:1] = False
    joins[1:] &= codes[:-1] != EDGE
    joins[codes == EDGE] = False
    return joins


def graphemes(text: str) -> list[str]:
    """The user-perceived characters of a text.

    >>> [len(character) for character in graphemes("好👍🏽e\\u0301")]
    [1, 2, 2]
    """
    codes = code_points(text)
    begins = np.flatnonzero(~continues_character(codes))
    return [from_code_points(part) for part in np.split(codes, begins[1:])] if text else []


def _is_mark(codes: np.ndarray) -> np.ndarray:
    """Whether code points only modify the character before them."""
    table = _marks()
    inside = codes < len(table)
    marks = table[np.where(inside, codes, 0)]
    for first, end in _MORE_MARKS:
        marks |= (codes >= first) & (codes < end)
    return marks


@functools.cache
def _marks() -> np.ndarray:
    """bool ``(0x10000,)``: the combining marks of the basic plane, and the joiner."""
    table = np.array([unicodedata.category(chr(code)) in ("Mn", "Me", "Mc") for code in range(0x10000)])
    table[_JOINER] = True
    return table
