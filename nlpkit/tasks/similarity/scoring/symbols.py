"""Learnt weights of the symbols that two sentences share, and of those that only one of them has.

A difference in 不 or 民政局 matters more than one in 请问. Sentence vectors blur it, and the rarity of characters does
not express it. Symbols are characters and bigrams.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

import numpy as np

from nlpkit.datasets.vector_files import load_array
from nlpkit.text.characters import FlatTexts
from nlpkit.text.features import TextFeatures
from nlpkit.text.vocabulary import UNKNOWN

_STEPS = 60
_PENALTY = 30.0


class SymbolWeights:
    """A logistic regression over the symbols that two sentences share and those that one of them lacks.

    Args:
        weights: float32 ``(2 symbols,)``: weights of shared symbols, then of symbols of one sentence alone; characters
            come before bigrams. Unknown symbols have none.
    """

    def __init__(self, weights: np.ndarray):
        self.weights = weights

    @classmethod
    def fit(
        cls, features: TextFeatures, max_length: int, first: Sequence[str], second: Sequence[str], targets: np.ndarray
    ) -> Self:
        """Weights fitted to labelled pairs, with an L2 penalty.

        The method is accelerated descent, in which the step of each weight is divided by a bound of its curvature.

        Args:
            features: text features with their vocabularies.
            max_length: longest part of a sentence to use, in characters.
            first, second: sentences of each pair.
            targets: similarity of each pair, from 0 to 1, float ``(pairs,)``.

        References:
            Nesterov (1983), A Method for Solving the Convex Programming Problem with Convergence Rate O(1/k²).
        """
        pairs, columns = symbols_of_pairs(features, max_length, first, second)
        count, size = len(targets), 2 * _num_symbols(features)
        per_pair = np.bincount(pairs, minlength=count)
        bound = _PENALTY + 0.25 * np.bincount(columns, weights=per_pair[pairs], minlength=size)
        weights = ahead = np.zeros(size)
        constant = constant_ahead = 0.0
        pace = 1.0
        for _ in range(_STEPS):
            logits = np.bincount(pairs, weights=ahead[columns], minlength=count) + constant_ahead
            errors = 0.5 * (1 + np.tanh(logits / 2)) - targets
            slope = np.bincount(columns, weights=errors[pairs], minlength=size) + _PENALTY * ahead
            before, constant_before = weights, constant
            weights, constant = ahead - slope / bound, constant_ahead - 4 * errors.mean()
            later = (1 + np.sqrt(1 + 4 * pace**2)) / 2
            ahead = weights + (pace - 1) / later * (weights - before)
            constant_ahead = constant + (pace - 1) / later * (constant - constant_before)
            pace = later
        return cls(weights.astype("float32"))

    def logits(
        self, features: TextFeatures, max_length: int, first: Sequence[str], second: Sequence[str]
    ) -> np.ndarray:
        """Sums of the weights of each pair of sentences, independent of their order, float64 ``(pairs,)``."""
        pairs, columns = symbols_of_pairs(features, max_length, first, second)
        return np.bincount(pairs, weights=self.weights[columns], minlength=len(first))

    def check(self, features: TextFeatures) -> None:
        """Raise a `ValueError` if the number of weights does not fit the symbols."""
        if len(self.weights) != 2 * _num_symbols(features):
            raise ValueError(f"{len(self.weights):,} weights of {_num_symbols(features):,} symbols")

    def write(self, file: IO[bytes]) -> None:
        """Write one array in the format of `numpy.load`."""
        np.lib.format.write_array(file, self.weights, allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Weights from a file of `write`."""
        return cls(np.array(load_array(path, (None,))))


def symbols_of_pairs(
    features: TextFeatures, max_length: int, first: Sequence[str], second: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The known symbols of pairs of sentences, each once.

    Args:
        features, max_length, first, second: as of `SymbolWeights.fit`.

    Returns:
        Pairs and columns, int64 ``(n,)``, in the order of the pairs: a column is the place of a shared symbol, or for a
        symbol of one sentence alone its place plus the number of symbols.

    Example:

        >>> from nlpkit.text.vocabulary import CharacterVocabulary
        >>> symbols_of_pairs(TextFeatures(CharacterVocabulary("甲乙丙")), 64, ["甲乙"], ["甲丙"])[1].tolist()
        [2, 8, 9]
    """
    places = {text: i for i, text in enumerate(dict.fromkeys([*first, *second]))}
    symbols, starts = _symbols_of_texts([*places], features, max_length)
    size, keys = _num_symbols(features), [np.zeros(0, int)]
    for side in (first, second):
        rows = np.fromiter((places[text] for text in side), int, len(side))
        counts = starts[rows + 1] - starts[rows]
        chosen = symbols[_places(starts[rows], counts)]
        keys.append(np.repeat(np.arange(len(side)), counts) * size + chosen)
    distinct, times = np.unique(np.concatenate(keys), return_counts=True)
    return distinct // size, distinct % size + size * (times == 1)


def _num_symbols(features: TextFeatures) -> int:
    return len(features.characters) + (len(features.bigrams) if features.bigrams else 0)


def _places(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Runs of consecutive places, given by their starts and lengths, one after the other."""
    return np.arange(counts.sum()) + np.repeat(starts - np.cumsum(counts) + counts, counts)


def _symbols_of_texts(texts: Sequence[str], features: TextFeatures, max_length: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct symbols of one text after the other, and the start of each text's, ``(texts + 1,)``."""
    flat = FlatTexts([text[:max_length] for text in texts])
    arrays, size = features.encode(flat), _num_symbols(features)
    texts_of = np.repeat(np.arange(len(texts)), flat.lengths)
    rows = _places(flat.starts, flat.lengths)
    ids = [arrays["characters"][rows]]
    if features.bigrams is not None:
        with_next = arrays["bigrams"][rows, 1]
        ids.append(np.where(with_next > UNKNOWN, with_next + len(features.characters), 0))
    joined = np.concatenate(ids).astype(int)
    keys = np.unique((np.tile(texts_of, len(ids)) * size + joined)[joined > UNKNOWN])
    return keys % size, np.searchsorted(keys // size, np.arange(len(texts) + 1))
