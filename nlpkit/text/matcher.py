"""Search for every occurrence of many words in many texts at once."""

from collections.abc import Iterator

import numpy as np

from nlpkit.text.characters import FlatTexts
from nlpkit.text.ngrams import KeyFilter, NgramTable


class WordMatcher:
    """Matches words in texts by the hashes of n-grams.

    Longer n-grams are looked up only where a word may continue: most places of a text are skipped after two characters.

    Args:
        codes: uint32, the normalised code points of all words.
        starts, lengths: int ``(n,)``, offset of each word in `codes`, and its length.
    """

    def __init__(self, codes: np.ndarray, starts: np.ndarray, lengths: np.ndarray):
        self._tables, self._beginnings = {}, {}
        words = np.argsort(lengths, kind="stable")
        starts, lengths = starts[words], lengths[words]
        keys = np.zeros(len(words), "uint64")
        for length in range(1, int(lengths.max(initial=0)) + 1):
            first, end = np.searchsorted(lengths, [length, length + 1])
            keys[first:] = _extend(keys[first:], codes[starts[first:] + length - 1])
            if first < end:
                distinct, chosen = np.unique(keys[first:end], return_index=True)
                self._tables[length] = NgramTable(distinct), words[first:end][chosen]
            if length > 1 and end < len(words):
                self._beginnings[length] = KeyFilter(keys[end:])

    def find(self, texts: FlatTexts) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """For each length of words: the length, the places in the flat texts where a word begins, and its index."""
        codes = texts.normal
        places, keys = np.arange(len(codes)), np.zeros(len(codes), "uint64")
        for length in range(1, max(self._tables, default=0) + 1):
            if length > 1:
                places = places[: np.searchsorted(places, len(codes) - length, side="right")]
            keys = _extend(keys[: len(places)], codes[places + length - 1])
            if length in self._tables:
                table, words = self._tables[length]
                found = table.find(keys)
                hit = np.flatnonzero(found >= 0)
                yield length, places[hit], words[found[hit]]
            if length in self._beginnings:
                going_on = np.flatnonzero(self._beginnings[length].may_have(keys))
                places, keys = places[going_on], keys[going_on]


def _extend(keys: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Hashes of n-grams extended by one code point each."""
    # Each code point is spread over all 64 bits first, so that two n-grams share a key by chance only. An edge is not a
    # character of a word, so no match spans two texts.
    spread = (codes.astype("uint64") + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93)
    return (keys ^ (spread ^ (spread >> np.uint64(32)))) * np.uint64(0x100000001B3)
