"""Metrics of word vectors."""

from collections.abc import Sequence

import numpy as np

_AT_ONCE = 256  # analogies per block of scores of all words


def spearman(expected: Sequence[float] | np.ndarray, predicted: Sequence[float] | np.ndarray) -> float:
    """Spearman's rank correlation; ties have their mean rank.

    Args:
        expected, predicted: equally many numbers.

    Returns:
        From -1 to 1; NaN if either side is constant.

    Example:

        >>> round(spearman([1, 2, 3, 4], [0.1, 0.2, 0.9, 0.8]), 6)
        0.8
    """
    ranks = [_ranks(np.asarray(values)) for values in (expected, predicted)]
    if len(expected) < 2 or any(np.ptp(r) == 0 for r in ranks):
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of numbers from 1; ties have their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def analogy_hits(vectors: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """Solved analogies: a is to b as c is to d, if d is the word nearest to ``b - a + c``.

    The three words of the question are excluded from the answers (3CosAdd).

    Args:
        vectors: float ``(words, size)``, each of length 1.
        questions: int ``(n, 4)``, rows of `vectors`.

    Returns:
        bool ``(n,)``.

    References:
        Mikolov et al. (2013), Linguistic Regularities in Continuous Space Word Representations; Li et al. (2018),
        Analogical Reasoning on Chinese Morphological and Semantic Relations, for the protocol on Chinese (CA8).
    """
    hits = np.zeros(len(questions), bool)
    for start in range(0, len(questions), _AT_ONCE):
        a, b, c, d = questions[start : start + _AT_ONCE].T
        scores = (vectors[b] - vectors[a] + vectors[c]) @ vectors.T
        rows = np.arange(len(a))
        for given in (a, b, c):
            scores[rows, given] = -np.inf
        hits[start : start + len(a)] = scores.argmax(axis=1) == d
    return hits
