"""Spans from their boundaries."""

from __future__ import annotations

import numpy as np


def pair_boundaries(begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spans from flags of beginnings and ends: each beginning is paired with the nearest end from there on.

    Spans may nest and overlap; of two that begin at the same step only the shorter one is found.

    Args:
        begins, ends: bool ``(rows, time)``, whether a span begins, or ends, at a step.

    Returns:
        int ``(n,)`` each: the row, the first and the last step of each span.

    Example:

        >>> begins, ends = np.array([[1, 1, 0, 1, 0, 1]], bool), np.array([[0, 1, 0, 0, 1, 0]], bool)
        >>> [each.tolist() for each in pair_boundaries(begins, ends)]
        [[0, 0, 0], [0, 1, 3], [1, 1, 4]]
    """
    time = ends.shape[1]
    place = np.where(ends, np.arange(time), time)
    nearest = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]  # (rows, time), `time` where there is no end
    rows, first = np.nonzero(begins & (nearest < time))
    return rows, first, nearest[rows, first]
