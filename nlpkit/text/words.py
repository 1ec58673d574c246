"""Words by jieba, with offsets, and their ids."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nlpkit.text.vocabulary import Vocabulary


class WordTokenizer:
    """Cuts texts into jieba's words.

    Args:
        vocabulary: of words, for `encode`.
        user_words: words that jieba is told about beside its own dictionary.

    Example:

        >>> tokenizer = WordTokenizer(Vocabulary(["北京", "我"]))
        >>> tokenizer.words("我爱北京")
        [('我', 0), ('爱', 1), ('北京', 2)]
        >>> tokenizer.encode("我爱北京").tolist()
        [3, 1, 2]
    """

    def __init__(self, vocabulary: Vocabulary | None = None, user_words: Iterable[str] = ()):
        import logging

        import jieba

        jieba.setLogLevel(logging.WARNING)
        self.vocabulary = vocabulary if vocabulary is not None else Vocabulary([])
        self._jieba = jieba.Tokenizer()
        for word in user_words:
            self._jieba.add_word(word)

    def words(self, text: str) -> list[tuple[str, int]]:
        """Words and where they begin. Put together they are the text, white space included."""
        found, start = [], 0
        for word in self._jieba.cut(text):
            found.append((word, start))
            start += len(word)
        return found

    def encode(self, text: str) -> np.ndarray:
        """int32 ids of the words."""
        return self.vocabulary.encode([word for word, _ in self.words(text)])
