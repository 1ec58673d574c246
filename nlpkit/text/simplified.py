"""Traditional characters as their simplified forms, character by character, so that offsets stay what they are.

The pairs of `simplified.txt` are those of OpenCC's conversion of traditional to simplified Chinese (Apache-2.0,
https://github.com/BYVoid/OpenCC) in which one character becomes one other.
"""

from __future__ import annotations

import functools
from importlib import resources

import numpy as np

from nlpkit.text.characters import normal_form
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary


@functools.cache
def _pairs() -> tuple[np.ndarray, np.ndarray]:
    text = resources.files("nlpkit.text").joinpath("simplified.txt").read_text("utf-8")
    traditional, simplified = text.splitlines()
    return np.array([*map(ord, traditional)]), np.array([*map(ord, simplified)], "uint32")


def simplified_table(known: CharacterVocabulary) -> np.ndarray:
    """What a model with this vocabulary reads each code point as.

    Args:
        known: the characters that the model knows; they stay what they are.

    Returns:
        uint32 ``(0x10000,)``: for a traditional character that is not known its simplified form, else the normal form
        of the character.

    Example:

        >>> table = simplified_table(CharacterVocabulary("国這"))
        >>> "".join(chr(table[ord(c)]) for c in "這國語")
        '這国语'
    """
    traditional, simplified = _pairs()
    table = normal_form().copy()
    reads = known.encode_codes(traditional) == UNKNOWN
    table[traditional[reads]] = simplified[reads]
    return table
