"""Nearest neighbours by exhaustive search."""

from __future__ import annotations

import numpy as np

_ROWS_AT_ONCE = 16_384
_QUERIES_AT_ONCE = 256


def nearest_rows(vectors: np.ndarray, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a table with the highest dot products with each query, by exhaustive search in blocks.

    Args:
        vectors: float32 ``(n, size)``, may be a memory map.
        queries: float32 ``(q, size)``.
        count: number of rows per query.

    Returns:
        Scores, float32 ``(q, min(count, n))``, highest first, and rows, int64 of the same shape; equal scores in row
        order.

    Example:

        >>> scores, rows = nearest_rows(np.eye(3, dtype="float32"), np.array([[0, 1, 0.5]], "float32"), 2)
        >>> rows.tolist()
        [[1, 2]]
    """
    count = min(count, len(vectors))
    parts = [
        _nearest(vectors, queries[i : i + _QUERIES_AT_ONCE], count) for i in range(0, len(queries), _QUERIES_AT_ONCE)
    ]
    if not parts:
        return np.zeros((0, count), "float32"), np.zeros((0, count), int)
    scores, rows = zip(*parts)
    return np.concatenate(scores), np.concatenate(rows)


def _nearest(vectors: np.ndarray, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows for one block of queries."""
    best, places = np.zeros((len(queries), 0), "float32"), np.zeros((len(queries), 0), int)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        scores = queries @ vectors[start : start + _ROWS_AT_ONCE].T
        if best.shape[1] == count and not (scores.max(axis=1) > best[:, -1]).any():
            continue
        rows = np.broadcast_to(np.arange(start, start + scores.shape[1]), scores.shape)
        if scores.shape[1] > count:
            chosen = np.argpartition(-scores, count - 1, axis=1)[:, :count]
            scores, rows = np.take_along_axis(scores, chosen, 1), np.take_along_axis(rows, chosen, 1)
        best, places = np.concatenate([best, scores], axis=1), np.concatenate([places, rows], axis=1)
        order = np.lexsort((places, -best), axis=1)[:, :count]
        best, places = np.take_along_axis(best, order, 1), np.take_along_axis(places, order, 1)
    return best, places
