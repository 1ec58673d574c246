"""What the vector of a word is put together from: n-grams of its characters, and features that it carries."""

import collections
from collections.abc import Iterable, Sequence

import numpy as np

from nlpkit.text.vocabulary import PADDING, UNKNOWN, Vocabulary

_MOST = 32  # pieces of a word
_FIRST = UNKNOWN + 1  # id of the first symbol of a vocabulary


class Pieces:
    """The pieces of words, each with a row of its own in the table of vectors, after those of the words.

    A word of several pieces has the mean of their vectors and its own. So a word that training never saw has a vector
    too, if some of its pieces are known, and rare words share what their pieces have learnt.

    Args:
        vocabulary: of the pieces.
        lengths: of the n-grams of characters; the word stands between ``<`` and ``>``.
        separator: what stands between a word and its features, or nothing.

    References:
        Bojanowski et al. (2017), Enriching Word Vectors with Subword Information.
    """

    def __init__(self, vocabulary: Vocabulary, lengths: Sequence[int], separator: str):
        self.vocabulary, self._lengths, self._separator = vocabulary, lengths, separator

    @classmethod
    def of_words(cls, counts: dict[str, int], min_count: int, lengths: Sequence[int], separator: str):
        """The pieces that are in words often enough."""
        pieces, seen = cls(Vocabulary([]), lengths, separator), collections.Counter()
        for word, count in counts.items():
            for piece in pieces.cut(word):
                seen[piece] += count
        return cls(Vocabulary.from_counts(seen, min_count), lengths, separator)

    def cut(self, word: str) -> list[str]:
        """The pieces of a word, each once.

        >>> Pieces(Vocabulary([]), (2,), "|").cut("北京|ns")
        ['<北', '北京', '京>', '北京|', '|ns']
        """
        word, *features = word.split(self._separator) if self._separator else [word]
        found = []
        for n in self._lengths:
            marked = f"<{word}>" if n > 1 else word
            found += [marked[i : i + n] for i in range(len(marked) - n + 1)]
        if self._separator:
            found += [word + self._separator, *(self._separator + feature for feature in features)]
        return list(dict.fromkeys(found))

    def rows(self, words: Iterable[str], first: int) -> np.ndarray:
        """Rows of the pieces of words, int32 ``(words, pieces)``, `PADDING` where a word has fewer.

        Args:
            first: row of the first piece.
        """
        found = []
        for word in words:
            ids = self.vocabulary.encode(self.cut(word) if word else [])
            found.append((ids[ids != UNKNOWN] - _FIRST + first)[:_MOST])
        table = np.full((len(found), max(map(len, found), default=0)), PADDING, "int32")
        for row, ids in zip(table, found):
            row[: len(ids)] = ids
        return table
