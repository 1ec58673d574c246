"""Lexicons by name: jieba's dictionary, the words of the training data, or a file of words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nlpkit.datasets.files import read_lines
from nlpkit.errors import DataError
from nlpkit.text.lexicon import Lexicon, jieba_words

_LEAST_SEEN = 3  # least frequency of the training words in the lexicon `train`


def read_lexicon(name: str | Path, training_words: Mapping[str, int]) -> Lexicon:
    """A lexicon by its name.

    Args:
        name: ``jieba`` for jieba's dictionary, ``train`` for the training words, or a file with a word per line and, if
            known, its frequency after a space or tab.
        training_words: words of the training data and their frequencies.

    Raises:
        DataError: if the file can't be read, or a line has another format.
    """
    if name == "train":
        # Rare words are left out, so that the model learns to read words outside of the lexicon.
        return Lexicon({word: count for word, count in training_words.items() if count >= _LEAST_SEEN})
    if name == "jieba":
        return Lexicon(jieba_words())
    words: dict[str, int | None] = {}
    for number, line in read_lines(name):
        word, *more = line.split()[:2] or [""]
        try:
            words[word] = int(more[0]) if more else None
        except ValueError:
            raise DataError(f"expected a word and its frequency. Received: {line[:40]!r}", name, number) from None
    return Lexicon(words)
