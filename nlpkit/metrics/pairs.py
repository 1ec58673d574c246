"""Metrics of vectors of sentences: retrieval ranks, and the separation of similar from other pairs."""

import numpy as np

_AT_ONCE = 512  # sentences per block of cosines to all others


def retrieval_ranks(vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Rank of the nearest other sentence of the same group, for each sentence.

    Args:
        vectors: float ``(n, size)``, of length 1.
        groups: int ``(n,)``, -1 for a sentence without a group, which counts as a negative only.

    Returns:
        int ``(k,)``, from 0, for the sentences that are not alone in their group: number of sentences outside of the
        group that are nearer than the nearest one inside.

    Example:

        >>> retrieval_ranks(np.array([[1, 0], [0, 1], [0.8, 0.6]]), np.array([5, 5, 6])).tolist()
        [1, 1]
    """
    ranks = []
    queries = np.flatnonzero(groups >= 0)
    for start in range(0, len(queries), _AT_ONCE):
        rows = queries[start : start + _AT_ONCE]
        scores = vectors[rows] @ vectors.T
        own = groups[rows, None] == groups[None]
        own_others = own.copy()
        own_others[np.arange(len(rows)), rows] = False
        best = np.where(own_others, scores, -np.inf).max(axis=1)
        nearer = (~own & (scores > best[:, None])).sum(axis=1)
        ranks.append(nearer[np.isfinite(best)])
    return np.concatenate(ranks) if ranks else np.zeros(0, int)


def auc(is_same: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the probability that a positive scores higher than a negative; a tie counts half.

    Args:
        is_same: bool ``(n,)``, whether each pair is positive.
        scores: float ``(n,)``.

    Returns:
        From 0 to 1; NaN without positives or without negatives.

    Example:

        >>> auc(np.array([True, False, True]), np.array([0.9, 0.5, 0.3]))
        0.5
    """
    positives = int(is_same.sum())
    negatives = len(is_same) - positives
    if not positives or not negatives:
        return float("nan")
    ascending = np.sort(scores[~is_same])
    below = np.searchsorted(ascending, scores[is_same], "left") + np.searchsorted(ascending, scores[is_same], "right")
    return float(below.sum() / (2 * positives * negatives))


def best_threshold(is_same: np.ndarray, scores: np.ndarray) -> float:
    """The threshold with the highest accuracy, midway between two scores.

    Args:
        is_same: bool ``(n,)``, whether each pair is positive.
        scores: float ``(n,)``; scores from the threshold on count as positive.

    Example:

        >>> best_threshold(np.array([True, False, True]), np.array([0.9, 0.5, 0.7]))
        0.6
    """
    order = np.argsort(scores, kind="stable")
    same, scores = is_same[order], scores[order]
    # Right at a threshold below the i-th score: the negatives before it and the positives from it on.
    right = np.concatenate([[0], np.cumsum(~same)]) + same.sum() - np.concatenate([[0], np.cumsum(same)])
    edges = np.concatenate([[scores[0] - 1e-6], (scores[:-1] + scores[1:]) / 2, [scores[-1] + 1e-6]])
    right[1:-1][scores[:-1] == scores[1:]] = -1  # no threshold lies between equal scores
    return float(edges[right.argmax()])
