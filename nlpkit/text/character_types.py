"""Types of characters: Chinese, punctuation and signs, or foreign letters."""

import functools
import unicodedata

import numpy as np

from nlpkit.text.characters import code_points

CHINESE, MARK, FOREIGN = 0, 1, 2

# Unified and compatibility ideographs with their extensions, the zero 〇 and the repetition mark 々.
_IDEOGRAPHS = ((0x3005, 0x3005), (0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
               (0x20000, 0x3FFFF))  # fmt: skip


@functools.cache
def _table() -> np.ndarray:
    """uint8 ``(0x10000,)``, the type of each code point of the basic plane."""
    table = np.full(0x10000, MARK, "uint8")
    for code in range(0x10000):
        table[code] = _kind(code)
    for first, last in _IDEOGRAPHS:
        table[first : last + 1] = CHINESE
    return table


def character_types(codes: np.ndarray) -> np.ndarray:
    """The type of each code point, uint8.

    `CHINESE` for ideographs, `FOREIGN` for other letters, digits and control characters, `MARK` for the rest.

    Example:

        >>> from nlpkit.text.characters import code_points
        >>> character_types(code_points("春，A")).tolist()
        [0, 1, 2]
    """
    kinds = _table()[np.where(codes < 0x10000, codes, 0)]
    high = np.flatnonzero(codes >= 0x10000)
    if len(high):
        kinds[high] = [CHINESE if 0x20000 <= code <= 0x3FFFF else _kind(code) for code in codes[high].tolist()]
    return kinds


def _kind(code: int) -> int:
    category = unicodedata.category(chr(code)) if code < 0x110000 else "Zs"
    return FOREIGN if category[0] in "LNM" or category == "Cc" else MARK


# Scripts without spaces between words: kana, Thai, Lao, Burmese, Khmer, and the ideographs above.
_UNSPACED = ((0x3040, 0x30FF), (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))


def separates_words(text: str) -> bool:
    """Whether most letters of a text belong to scripts that put spaces between words.

    Example:

        >>> separates_words("Alan Bean was born in Wheeler.")
        True
        >>> separates_words("艾伦·比恩（Alan Bean）生于得克萨斯州惠勒。")
        False
    """
    codes = code_points(text)
    kinds = character_types(codes)
    letters = (kinds == FOREIGN) & ~((codes >= ord("0")) & (codes <= ord("9")))
    unspaced = kinds == CHINESE
    for first, last in _UNSPACED:
        unspaced |= (codes >= first) & (codes <= last)
    # An ideograph counts as much as three letters.
    return 2 * int((letters & ~unspaced).sum()) > 6 * int(unspaced.sum())
