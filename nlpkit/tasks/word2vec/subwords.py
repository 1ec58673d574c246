"""Subwords: n-grams of a word's characters, and its features, whose vectors make up the word's vector."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np

from nlpkit.text.vocabulary import FIRST_ID, PADDING, UNKNOWN, Vocabulary

_MOST = 32  # largest number of subwords of a word


class Subwords:
    """The subwords of words, each with a row of its own in the table of vectors, after those of the words.

    A word's vector is the mean of its own row and those of its subwords. So an unseen word has a vector if some of its
    subwords are known, and rare words share the vectors of their subwords with others.

    Args:
        vocabulary: vocabulary of the subwords.
        lengths: lengths of the character n-grams; longer ones include the marks ``<`` and ``>`` around a word.
        separator: separator of a word and its features, or empty.

    References:
        Bojanowski et al. (2017), Enriching Word Vectors with Subword Information.
    """

    def __init__(self, vocabulary: Vocabulary, lengths: Sequence[int], separator: str):
        self.vocabulary, self._lengths, self._separator = vocabulary, lengths, separator

    @classmethod
    def of_words(cls, counts: Mapping[str, int], min_count: int, lengths: Sequence[int], separator: str) -> Self:
        """The subwords that are frequent enough in words.

        Args:
            counts: counts by word.
            min_count: lowest count of a subword in them.
            lengths, separator: see `Subwords`.
        """
        every, totals = cls(Vocabulary([]), lengths, separator), collections.Counter[str]()
        for word, count in counts.items():
            for subword in every.cut(word):
                totals[subword] += count
        return cls(Vocabulary.from_counts(totals, min_count), lengths, separator)

    def cut(self, word: str) -> list[str]:
        """The distinct subwords of a word.

        >>> Subwords(Vocabulary([]), (2,), "|").cut("北京|ns")
        ['<北', '北京', '京>', '北京|', '|ns']
        """
        word, *features = word.split(self._separator) if self._separator else [word]
        parts: list[str] = []
        for n in self._lengths:
            marked = f"<{word}>" if n > 1 else word
            parts += [marked[i : i + n] for i in range(len(marked) - n + 1)]
        if self._separator:
            parts += [word + self._separator, *(self._separator + feature for feature in features)]
        return list(dict.fromkeys(parts))

    def rows(self, words: Iterable[str], first: int) -> np.ndarray:
        """Rows of the subwords of words, padded with `PADDING`, int32 ``(words, subwords)``.

        Args:
            words: the words; an empty word has no subwords.
            first: row of the first subword in the table of vectors.
        """
        rows = []
        for word in words:
            ids = self.vocabulary.encode(self.cut(word) if word else [])
            rows.append((ids[ids != UNKNOWN] - FIRST_ID + first)[:_MOST])
        table = np.full((len(rows), max(map(len, rows), default=0)), PADDING, "int32")
        for row, ids in zip(table, rows):
            row[: len(ids)] = ids
        return table
