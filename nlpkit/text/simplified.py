"""Conversion of traditional to simplified characters, one by one, so that offsets stay valid.

The pairs of `simplified.txt` are the one-to-one mappings of OpenCC's conversion (Apache-2.0,
https://github.com/BYVoid/OpenCC).
"""

from __future__ import annotations

import functools
from importlib import resources

import numpy as np

from nlpkit.text.characters import normal_form
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary


@functools.cache
def _pairs() -> tuple[np.ndarray, np.ndarray]:
    """Code points of traditional characters, and of their simplified forms."""
    text = resources.files("nlpkit.text").joinpath("simplified.txt").read_text("utf-8")
    traditional, simplified = text.splitlines()
    return np.array([*map(ord, traditional)]), np.array([*map(ord, simplified)], "uint32")


def simplified_table(known: CharacterVocabulary) -> np.ndarray:
    """A table for `FlatTexts` that simplifies the characters which a model does not know.

    Args:
        known: vocabulary of the model; its characters are not simplified.

    Returns:
        uint32 ``(0x10000,)``: the simplified form of each unknown traditional character, and the normal form of all
        other characters.

    Example:

        >>> table = simplified_table(CharacterVocabulary("国這"))
        >>> "".join(chr(table[ord(c)]) for c in "這國語")
        '這国语'
    """
    traditional, simplified = _pairs()
    table = normal_form().copy()
    is_unknown = known.encode_codes(traditional) == UNKNOWN
    table[traditional[is_unknown]] = simplified[is_unknown]
    return table
