"""Where in a source stands what a target has come to: the evidence by which copying goes on, or stops.

For n = 1, 2, …, a position of the source *matches* n symbols at a step if the n symbols that were written last are the
n that end there. Copying goes on right after a match; a position that has matched before has been copied already. Both
follow from the ids alone, so that all steps of training are computed at once, and a search carries a few bits for each
position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops

FIRST_ID = 2
"""Smaller ids stand for padding and for what is not known; they match nothing."""


def matches(source: Any, last: Sequence[Any]) -> list[Any]:
    """Which positions of a source match the symbols that were written last.

    Args:
        source: int32 ``(batch, time)``.
        last: for n = 1, 2, …, the n-th last symbol before each step, int32 ``(batch, steps)``, 0 where there is none.

    Returns:
        For each n, bool ``(batch, steps, time)``: the last n symbols stand at this position and the n - 1 before it.

    Example:

        >>> import numpy as np
        >>> source = np.array([[5, 6, 7, 6]])
        >>> one, two = matches(source, [np.array([[6]]), np.array([[5]])])
        >>> np.asarray(one).astype(int).tolist(), np.asarray(two).astype(int).tolist()
        ([[[0, 1, 0, 1]]], [[[0, 1, 0, 0]]])
    """
    found: list[Any] = []
    for back, ids in enumerate(last):
        here = shift_right(source, 1, back)  # (batch, time)
        is_known = ops.greater_equal(ids, FIRST_ID)[:, :, None]
        is_equal = ops.logical_and(ops.equal(here[:, None, :], ids[:, :, None]), is_known)
        found.append(ops.logical_and(is_equal, found[-1]) if found else is_equal)
    return found


def shift_right(x: Any, axis: int, count: int = 1) -> Any:
    """A tensor whose values stand `count` places later along an axis, zeros (or False) before them."""
    if count == 0:
        return x
    padding = [[0, 0] for _ in x.shape]
    padding[axis] = [count, 0]
    places = [slice(None)] * len(x.shape)
    places[axis] = slice(None, -count)
    return ops.pad(x, padding)[tuple(places)]


def last_symbols(previous: Any, count: int) -> list[Any]:
    """For n = 1 … `count` the n-th last symbol before each step, from the one before each step ``(batch, steps)``."""
    return [shift_right(previous, 1, back) for back in range(count)]


def last_of(history: Any, t: Any, count: int) -> list[Any]:
    """The same at step `t` of a search, ``(batch, beams)`` each, from its history ``(batch, beams, steps)``."""
    return [ops.where(t > back, ops.take(history, ops.maximum(t - 1 - back, 0), axis=2), 0) for back in range(count)]


class Repeats(NamedTuple):
    """Which positions of a source have the same symbol.

    Attributes:
        sums: float32 ``(batch, time, time)``: the product of weights ``(batch, steps, time)`` with it is the sums over
            positions with the same symbol, where that stands for the first time, and 0 elsewhere.
        is_first: bool ``(batch, time)``, where a symbol stands for the first time.
    """

    sums: Any
    is_first: Any


def merge_repeats(source: Any, allowed: Any) -> Repeats:
    """What adds up the weights of positions with the same symbol at the first of them.

    Args:
        source: int32 ``(batch, time)``.
        allowed: bool ``(batch, time)``, positions that count.

    Example:

        >>> import numpy as np
        >>> sums, _ = merge_repeats(np.array([[5, 6, 5]]), np.array([[True, True, True]]))
        >>> (np.array([[[0.2, 0.5, 0.3]]]) @ np.asarray(sums)).round(1).tolist()
        [[[0.5, 0.5, 0.0]]]
    """
    is_same = ops.equal(source[:, :, None], source[:, None, :])  # (batch, time, time)
    place = ops.arange(ops.shape(source)[1], dtype="int32")
    is_first = ops.logical_not(ops.any(ops.logical_and(is_same, place[:, None] < place), axis=1))  # (batch, time)
    sums = ops.logical_and(ops.logical_and(is_same, allowed[:, :, None]), is_first[:, None, :])
    return Repeats(ops.cast(sums, "float32"), is_first)
