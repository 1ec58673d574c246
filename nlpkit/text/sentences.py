"""Splitting of texts into sentences."""

from __future__ import annotations

import re

# Marks within 《》 belong to a title; a full stop ends a sentence only before a space and at the end of the text.
_MARKS = re.compile('《[^《》]*》|(?:[。！？；!?;\n]|(?<=\\w)\\s?\\.(?=\\s|$))[。！？；!?;\n”’」』）)"\\s]*')


def sentence_ends(text: str) -> list[int]:
    """Offsets behind each sentence; the last one is the length of the text. An empty text has none.

    Closing quotes, brackets and white space belong to the sentence before them.

    Example:

        >>> sentence_ends("“走吧！”他说。《你好！》上映了")
        [5, 8, 16]
        >>> sentence_ends("It costs 3.5 m. Nobody pays.")
        [16, 28]
    """
    ends = [match.end() for match in _MARKS.finditer(text) if text[match.start()] != "《"]
    return ends if not text or (ends and ends[-1] == len(text)) else [*ends, len(text)]
