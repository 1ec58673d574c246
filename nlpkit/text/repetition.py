"""Frequencies of characters and n-grams within their own text."""

from __future__ import annotations

import numpy as np

from nlpkit.text.characters import CODE_BITS, EDGE, FlatTexts


def repetitions(texts: FlatTexts, longest: int = 3) -> np.ndarray:
    """Frequencies of each character, and of the n-grams that contain it, in its own text.

    Args:
        texts: the texts; their normalised forms are compared.
        longest: length of the longest n-grams.

    Returns:
        int64 ``(total, longest)``: column n - 1 holds the frequency of the most frequent n-gram that contains this
        character, at least 1; 0 at the edges.

    Example:

        >>> repetitions(FlatTexts(["春风又春风"]))[1:-1].T.tolist()
        [[2, 2, 1, 2, 2], [2, 2, 1, 2, 2], [1, 1, 1, 1, 1]]
    """
    edges = texts.normal == EDGE
    # N-grams that contain an edge occur once, since each edge has a distinct number.
    one = np.cumsum(edges) << CODE_BITS | texts.normal
    counts = np.ones((len(one), longest), "int64")  # also for texts shorter than n
    ids = one
    for n in range(1, longest + 1):
        _, ids, often = np.unique(ids, return_inverse=True, return_counts=True)
        if n == 1:
            one = ids
        often = often[ids]
        for place in range(min(n, len(one))):
            part = counts[place : place + len(often), n - 1]
            np.maximum(part, often, out=part)
        ids = ids[:-1] * len(one) + one[n:]
    counts[edges] = 0
    return counts
