"""Finds every occurrence of many words in many texts at once."""

from collections.abc import Iterator

import numpy as np

from nlpkit.text.characters import FlatTexts
from nlpkit.text.ngrams import NgramTable


class WordMatcher:
    """Words given as one array of normalised code points, matched by the hash of each n-gram of their lengths.

    Args:
        codes: uint32, the code points of all words.
        starts, lengths: int ``(n,)``, where each word begins in them and how long it is.
    """

    def __init__(self, codes: np.ndarray, starts: np.ndarray, lengths: np.ndarray):
        self._tables = {}
        for length in np.unique(lengths):
            same = np.flatnonzero(lengths == length)
            keys = _hash([codes[starts[same] + i] for i in range(length)])
            keys, first = np.unique(keys, return_index=True)
            self._tables[int(length)] = NgramTable(keys), same[first]

    def find(self, texts: FlatTexts) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """For each length of a word: the length, the places in the flat texts where one begins, and which it is."""
        codes = texts.normal
        keys, hashed = np.zeros(len(codes), "uint64"), 0
        for length, (table, words) in self._tables.items():
            if length > len(codes):
                return
            for i in range(hashed, length):
                keys = _extend(keys[: len(codes) - i], codes[i:])
            hashed = length
            places = table.find(keys)
            begins = np.flatnonzero(places >= 0)
            yield length, begins, words[places[begins]]


def _hash(columns):
    """64-bit keys of n-grams given column by column. An edge is not a character, so that no match spans two texts."""
    keys = np.zeros(len(columns[0]), "uint64")
    for column in columns:
        keys = _extend(keys, column)
    return keys


def _extend(keys, codes):
    # Each code point is spread over all 64 bits before it enters, so that two n-grams share a key by chance only.
    spread = (codes.astype("uint64") + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93)
    return (keys ^ (spread ^ (spread >> np.uint64(32)))) * np.uint64(0x100000001B3)
