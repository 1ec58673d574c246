"""Level and oblique tones of characters, for verse."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from nlpkit.errors import MissingPackageError

LEVEL, OBLIQUE = 1, 2


@functools.cache
def tones_of(character: str) -> int:
    """The tones of a character's readings in modern Mandarin: bits `LEVEL` (first, second) and `OBLIQUE`.

    A character with readings of both kinds has both bits, and so has one without a known reading.

    Raises:
        MissingPackageError: without pypinyin.

    Example:

        >>> tones_of("天"), tones_of("地"), tones_of("长")  # doctest: +SKIP
        (1, 2, 3)
    """
    try:
        from pypinyin import Style, pinyin
    except ImportError:
        raise MissingPackageError("pypinyin", "tone") from None
    bits = 0
    for reading in pinyin(character, style=Style.TONE3, heteronym=True)[0]:
        bits |= {"1": LEVEL, "2": LEVEL, "3": OBLIQUE, "4": OBLIQUE}.get(reading[-1], 0)
    return bits or LEVEL | OBLIQUE


def tone_table(symbols: Sequence[str]) -> np.ndarray:
    """The `tones_of` each symbol, uint8 ``(n,)``."""
    return np.fromiter(map(tones_of, symbols), "uint8", len(symbols))
