"""Words by jieba, with offsets."""

from __future__ import annotations

import functools


class WordTokenizer:
    """Cuts texts into jieba's words.

    Example:

        >>> WordTokenizer().words("我爱北京")
        [('我', 0), ('爱', 1), ('北京', 2)]
    """

    def __init__(self) -> None:
        self._jieba = _jieba()

    def words(self, text: str) -> list[tuple[str, int]]:
        """Words and where they begin. Put together they are the text, white space included."""
        words, start = [], 0
        for word in self._jieba.cut(text):
            words.append((word, start))
            start += len(word)
        return words


@functools.cache
def _jieba():
    """jieba's tokenizer, whose dictionary takes a second to load."""
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer()
