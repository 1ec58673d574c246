"""What kind of character a code point is: Chinese, a mark, or a foreign letter."""

import functools
import unicodedata

import numpy as np

CHINESE, MARK, FOREIGN = 0, 1, 2

# Unified and compatibility ideographs with their extensions, the zero 〇 and the repetition mark 々.
_IDEOGRAPHS = ((0x3005, 0x3005), (0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
               (0x20000, 0x3FFFF))  # fmt: skip


@functools.cache
def _table():
    """uint8 for each code point of the basic plane."""
    table = np.full(0x10000, MARK, "uint8")
    for code in range(0x10000):
        table[code] = _kind(code)
    for first, last in _IDEOGRAPHS:
        table[first : last + 1] = CHINESE
    return table


def character_kinds(codes: np.ndarray) -> np.ndarray:
    """uint8: `CHINESE` for ideographs, `FOREIGN` for other letters, digits and control characters, `MARK` for the rest.

    Example:

        >>> from nlpkit.text.characters import code_points
        >>> character_kinds(code_points("春，A")).tolist()
        [0, 1, 2]
    """
    kinds = _table()[np.where(codes < 0x10000, codes, 0)]
    high = np.flatnonzero(codes >= 0x10000)
    if len(high):
        kinds[high] = [CHINESE if 0x20000 <= code <= 0x3FFFF else _kind(code) for code in codes[high].tolist()]
    return kinds


def _kind(code):
    category = unicodedata.category(chr(code)) if code < 0x110000 else "Zs"
    return FOREIGN if category[0] in "LNM" or category == "Cc" else MARK
