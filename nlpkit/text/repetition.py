"""How often what a text says is said again in it."""

from __future__ import annotations

import numpy as np

from nlpkit.text.characters import CODE_BITS, EDGE, FlatTexts


def repetitions(texts: FlatTexts, longest: int = 3) -> np.ndarray:
    """How often each character, and the sequences of characters that hold it, occur in its own text.

    Args:
        texts: the texts; they are compared as they are normalised.
        longest: the length of the longest sequences.

    Returns:
        int64 ``(total, longest)``: in column n - 1 how often that sequence of n characters occurs which holds this
        character and occurs most often, at least 1; 0 at the edges.

    Example:

        >>> repetitions(FlatTexts(["春风又春风"]))[1:-1].T.tolist()
        [[2, 2, 1, 2, 2], [2, 2, 1, 2, 2], [1, 1, 1, 1, 1]]
    """
    edges = texts.normal == EDGE
    # Sequences that hold an edge occur once, since each edge has a number of its own.
    one = np.cumsum(edges) << CODE_BITS | texts.normal
    counts = np.ones((len(one), longest), "int64")  # of a text that is shorter than a sequence too
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
