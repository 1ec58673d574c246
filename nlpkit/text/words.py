"""Word segmentation by jieba, with offsets."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nlpkit.text.characters import EDGE, FlatTexts, from_code_points, normalize_text
from nlpkit.text.vocabulary import PADDING, Vocabulary


class WordTokenizer:
    """Cuts texts into the words of jieba.

    Example:

        >>> WordTokenizer().words("我爱北京")
        [('我', 0), ('爱', 1), ('北京', 2)]
    """

    def __init__(self) -> None:
        self._jieba = _jieba()

    def words(self, text: str) -> list[tuple[str, int]]:
        """Words and their offsets. Together the words are the text, white space included."""
        words, start = [], 0
        for word in self._jieba.cut(text):
            words.append((word, start))
            start += len(word)
        return words


def words_of_characters(texts: FlatTexts, vocabulary: Vocabulary) -> np.ndarray:
    """Ids of the jieba words that contain each character.

    Args:
        texts: the texts, segmented before normalisation.
        vocabulary: vocabulary of words, looked up normalised.

    Returns:
        int32 ``(total,)``, 0 at edges.

    Example:

        >>> words_of_characters(FlatTexts(["我爱北京"]), Vocabulary(["北京"])).tolist()
        [0, 1, 1, 2, 2, 0]
    """
    cut, words = _jieba().cut, [""]  # an edge counts as a word
    for start, length in zip(texts.starts, texts.lengths):
        words += cut(from_code_points(texts.codes[start : start + length]))
        words.append("")
    lengths = np.maximum(np.fromiter(map(len, words), "int64", len(words)), 1)
    ids = np.repeat(vocabulary.encode([normalize_text(word) for word in words]), lengths)
    ids[texts.codes == EDGE] = PADDING
    return ids


def word_bounds(texts: FlatTexts) -> np.ndarray:
    """Beginnings and ends of jieba's words.

    Args:
        texts: the texts, segmented before normalisation.

    Returns:
        bool ``(total, 2)``: whether a word begins with this character, and whether one ends with it.

    Example:

        >>> word_bounds(FlatTexts(["我爱北京"]))[1:-1].astype(int).T.tolist()
        [[1, 1, 1, 0], [1, 1, 0, 1]]
    """
    cut, lengths = _jieba().cut, [1]  # an edge counts as a word
    for start, length in zip(texts.starts, texts.lengths):
        lengths += map(len, cut(from_code_points(texts.codes[start : start + length])))
        lengths.append(1)
    stops = np.cumsum(lengths)
    bounds = np.zeros((len(texts.codes), 2), bool)
    bounds[stops - lengths, 0] = bounds[stops - 1, 1] = True
    bounds[texts.codes == EDGE] = False
    return bounds


@functools.cache
def _jieba() -> Any:
    """jieba's tokenizer, cached, as its dictionary takes a second to load."""
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer()
