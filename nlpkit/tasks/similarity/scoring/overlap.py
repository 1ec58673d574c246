"""Features of the overlap of two sentences, symbol by symbol.

Sentence vectors hardly distinguish "is it for the civil affairs office" from "is it for the environment office", where
one word of many differs. The characters that one sentence has and the other lacks, and their rarity, do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nlpkit.datasets.padding import gather_padded
from nlpkit.tasks.similarity.scoring.symbols import SymbolWeights
from nlpkit.text.characters import FlatTexts
from nlpkit.text.features import TextFeatures
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary

_Padded = tuple[np.ndarray, np.ndarray, np.ndarray]
FEATURES = (
    *(f"{of} of the {what}" for what in ("share missing", "rarity missing", "rarest missing", "mean rarity missing")
      for of in ("sum", "larger")),
    "common beginning", "common end", "characters", "weights of symbols",
)  # fmt: skip
"""Names of the features of `Overlap.of_pairs`, in order. Each sentence lacks some characters of the other; the sum and
the larger of both numbers are features."""
_AT_ONCE = 2048  # pairs in a batch


class Overlap:
    """Features of the overlap of pairs of sentences.

    Args:
        features: text features with their vocabularies. Characters are in the order of their frequency: the rarity of a
            character is the logarithm of its place.
        max_length: longest part of a sentence to use, in characters.
        symbols: weights of symbols, or None.

    Example:

        >>> from nlpkit.text.vocabulary import CharacterVocabulary
        >>> overlap = Overlap(TextFeatures(CharacterVocabulary("找局")), 64)
        >>> dict(zip(FEATURES, overlap.of_pairs(["找民政局"], ["找公安局"])[0]))["common beginning"]
        np.float32(1.0)
    """

    def __init__(self, features: TextFeatures, max_length: int, symbols: SymbolWeights | None = None):
        self._features, self._max_length, self._symbols = features, max_length, symbols

    def of_pairs(self, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
        """Features of each pair, independent of the order of both sentences, float32 ``(pairs, len(FEATURES))``."""
        parts = [np.zeros((0, len(FEATURES)), "float32")]
        for start in range(0, len(first), _AT_ONCE):
            sides = [[text.strip() for text in texts[start : start + _AT_ONCE]] for texts in (first, second)]
            padded = [_padded(texts, self._features.characters, self._max_length) for texts in sides]
            features = _features(padded[0], padded[1])
            learnt = np.zeros(len(features))
            if self._symbols is not None:
                learnt = self._symbols.logits(self._features, self._max_length, *sides)
            parts.append(np.column_stack([features, learnt]).astype("float32"))
        return np.concatenate(parts)


def is_identical(features: np.ndarray) -> np.ndarray:
    """Whether two sentences are identical, bool ``(pairs,)``, from the features of `Overlap.of_pairs`."""
    return 2 * features[:, FEATURES.index("common beginning")] == features[:, FEATURES.index("characters")]


def _padded(texts: Sequence[str], characters: CharacterVocabulary, max_length: int) -> _Padded:
    """Code points ``(n, longest)``, 0 beyond the end, the rarity of each, and lengths ``(n,)``."""
    flat = FlatTexts([text[:max_length] for text in texts])
    ids = characters.encode_codes(flat.normal)
    rarity = np.log(np.where(ids == UNKNOWN, len(characters), np.maximum(ids, 1))).astype("float32")
    longest = max(1, int(flat.lengths.max(initial=0)))
    arrays = {"codes": flat.normal.astype("int32"), "rarity": rarity}
    padded = gather_padded(arrays, flat.starts, flat.lengths, longest)
    return padded["codes"], padded["rarity"], flat.lengths


def _features(first: _Padded, second: _Padded) -> np.ndarray:
    (a, rarity_a, length_a), (b, rarity_b, length_b) = first, second
    is_equal = a[:, :, None] == b[:, None, :]  # (pairs, first, second)
    missing = []
    for codes, rarity, is_found in ((a, rarity_a, is_equal.any(axis=2)), (b, rarity_b, is_equal.any(axis=1))):
        is_missing = ~is_found & (codes != 0)
        lost = np.where(is_missing, rarity, 0)
        total, count = lost.sum(axis=1), is_missing.sum(axis=1)
        missing.append(
            (total / np.maximum(rarity.sum(axis=1), 1e-6), total, lost.max(axis=1), total / np.maximum(count, 1))
        )
    both = [number for one, other in zip(*missing) for number in (one + other, np.maximum(one, other))]
    reversed_a, reversed_b = (_reversed(codes, length) for codes, length in ((a, length_a), (b, length_b)))
    edges = [_common(a, b), _common(reversed_a, reversed_b)]
    return np.stack([*both, *edges, length_a + length_b], axis=1).astype("float32")


def _reversed(codes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each row in reverse."""
    places = lengths[:, None] - 1 - np.arange(codes.shape[1])
    return np.where(places >= 0, np.take_along_axis(codes, np.maximum(places, 0), axis=1), 0)


def _common(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Length of the common prefix of each pair of rows."""
    size = min(a.shape[1], b.shape[1])
    is_same = (a[:, :size] == b[:, :size]) & (a[:, :size] != 0)
    return np.cumprod(is_same, axis=1).sum(axis=1)
