"""What a person takes for one character, though it has several code points: emoji sequences, letters with marks."""

from __future__ import annotations

import functools
import unicodedata

import numpy as np

from nlpkit.text.characters import EDGE, code_points, from_code_points

_JOINER = 0x200D
_FIRST_PICTURE = 0x2100  # emoji, which a joiner ties together, stand from here on
_JAMO = (0x1100, 0x1160, 0x1200)  # first consonants; vowels and last consonants, which go on a syllable; the end
_FLAGS = (0x1F1E6, 0x1F200)  # regional indicators, of which two make a flag
_MORE_MARKS = ((0x1F3FB, 0x1F400), (0xE0020, 0xE0080), (0xE0100, 0xE01F0))
"""Skin colours, tags, and variation selectors, beyond the basic plane."""


def continues_character(codes: np.ndarray) -> np.ndarray:
    """Whether a code point belongs to one character with the one before it.

    Args:
        codes: uint32 ``(total,)``, code points; `nlpkit.text.characters.EDGE` belongs to nothing.

    Returns:
        bool ``(total,)``.

    Example:

        >>> continues_character(code_points("e\\u0301👍🏽👨\\u200d👩🇨🇳🇯🇵")).astype(int).tolist()
        [0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]

    References:
        Unicode Standard Annex 29, Text Segmentation, of which this keeps the rules for marks, emoji, flags and Korean
        syllables.
    """
    marks = _is_mark(codes)
    flags = (codes >= _FLAGS[0]) & (codes < _FLAGS[1])
    joins = marks.copy()
    if marks.any():
        joins[1:] |= (codes[:-1] == _JOINER) & (codes[1:] >= _FIRST_PICTURE)
    if flags.any():
        # Of a row of indicators each second one ends a flag.
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
    """The characters of a text as a person counts them.

    >>> [len(character) for character in graphemes("好👍🏽e\\u0301")]
    [1, 2, 2]
    """
    codes = code_points(text)
    begins = np.flatnonzero(~continues_character(codes))
    return [from_code_points(part) for part in np.split(codes, begins[1:])] if text else []


def _is_mark(codes):
    """Whether code points only change the character before them."""
    table = _marks()
    inside = codes < len(table)
    marks = table[np.where(inside, codes, 0)]
    for first, end in _MORE_MARKS:
        marks |= (codes >= first) & (codes < end)
    return marks


@functools.cache
def _marks():
    table = np.array([unicodedata.category(chr(code)) in ("Mn", "Me", "Mc") for code in range(0x10000)])
    table[_JOINER] = True
    return table
