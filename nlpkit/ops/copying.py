"""Matches between a source and the last symbols of a target: the evidence for continuing or ending a copy.

For n = 1, 2, …, a position of the source *matches* n symbols at a step if the last n symbols of the target are the n
that end there. A copy continues right after a match; a position that has matched before has been copied already. Both
follow from the ids alone, so that all steps of training are computed at once, and a search carries a few bits for each
position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops

from nlpkit.text.vocabulary import FIRST_ID


def matches(source: Any, last: Sequence[Any]) -> list[Any]:
    """The positions of a source that match the last symbols of the target.

    Args:
        source: int32 ``(batch, time)``.
        last: for n = 1, 2, …, the n-th last symbol before each step, int32 ``(batch, steps)``, 0 where there is none.

    Returns:
        For each n, bool ``(batch, steps, time)``: whether the last n symbols end at this position of the source.

    Example:

        >>> import numpy as np
        >>> source = np.array([[5, 6, 7, 6]])
        >>> one, two = matches(source, [np.array([[6]]), np.array([[5]])])
        >>> np.asarray(one).astype(int).tolist(), np.asarray(two).astype(int).tolist()
        ([[[0, 1, 0, 1]]], [[[0, 1, 0, 0]]])
    """
    matched: list[Any] = []
    for back, ids in enumerate(last):
        here = shift_right(source, 1, back)  # (batch, time)
        is_known = ops.greater_equal(ids, FIRST_ID)[:, :, None]  # padding and the unknown match nothing
        is_equal = ops.logical_and(ops.equal(here[:, None, :], ids[:, :, None]), is_known)
        matched.append(ops.logical_and(is_equal, matched[-1]) if matched else is_equal)
    return matched


def shift_right(x: Any, axis: int, count: int = 1) -> Any:
    """A tensor shifted by `count` places along an axis, filled with zeros (or False)."""
    if count == 0:
        return x
    padding = [[0, 0] for _ in x.shape]
    padding[axis] = [count, 0]
    places = [slice(None)] * len(x.shape)
    places[axis] = slice(None, -count)
    return ops.pad(x, padding)[tuple(places)]


def last_symbols(previous: Any, count: int) -> list[Any]:
    """The n-th last symbols for n = 1 … `count` before each step, from the last one ``(batch, steps)``."""
    return [shift_right(previous, 1, back) for back in range(count)]


def last_of(history: Any, t: Any, count: int) -> list[Any]:
    """The last symbols at step `t` of a search, ``(batch, beams)`` each, from its history ``(batch, beams, steps)``."""
    return [ops.where(t > back, ops.take(history, ops.maximum(t - 1 - back, 0), axis=2), 0) for back in range(count)]


class SourceSymbols(NamedTuple):
    """The distinct symbols of a source.

    Attributes:
        ids: int32 ``(batch, time)``, the source.
        first: int32 ``(batch, time)``, position of the first occurrence of each symbol.
        is_first: bool ``(batch, time)``, whether a position is such a first occurrence.
        allowed: float32 ``(batch, time)``, 1 for positions that may be copied, else 0.
        occurs: bool ``(batch * size,)``, whether each id occurs in each row.
    """

    ids: Any
    first: Any
    is_first: Any
    allowed: Any
    occurs: Any


def source_symbols(source: Any, allowed: Any, size: int) -> SourceSymbols:
    """The distinct symbols of a source, for a search.

    Args:
        source: int32 ``(batch, time)`` from 0 to below `size`.
        allowed: bool ``(batch, time)``, positions that may be copied.
        size: int, number of ids.
    """
    source = ops.convert_to_tensor(source)
    batch, time = ops.shape(source)
    place = ops.arange(time, dtype="int32")
    is_same = ops.equal(source[:, :, None], source[:, None, :])  # (batch, time, time)
    first = ops.min(ops.where(is_same, place, time), axis=-1)  # (batch, time)
    places = ops.reshape(source + size * ops.arange(batch, dtype="int32")[:, None], (-1, 1))
    ones = ops.ones((batch * time,), dtype="int32")
    occurs = ops.scatter_update(ops.zeros((batch * size,), dtype="int32"), places, ones) > 0
    return SourceSymbols(source, first, ops.equal(first, place), ops.cast(allowed, "float32"), occurs)


def sum_by_symbol(weights: Any, symbols: SourceSymbols) -> Any:
    """Weights of positions, summed over each symbol at its first occurrence.

    Args:
        weights: float32 ``(batch, steps, time)``.
        symbols: symbols of the source. Positions that may not be copied do not count.

    Returns:
        float32 ``(batch, steps, time)``, 0 at all but the first occurrence of a symbol.

    Example:

        >>> import numpy as np
        >>> symbols = source_symbols(np.array([[5, 6, 5]], "int32"), np.array([[True, True, True]]), 7)
        >>> np.asarray(sum_by_symbol(ops.convert_to_tensor([[[0.2, 0.5, 0.3]]]), symbols)).round(1).tolist()
        [[[0.5, 0.5, 0.0]]]
    """
    batch, steps, time = ops.shape(weights)
    # The steps, or beams, of a position are contiguous, so that few rows are added instead of many numbers.
    rows = ops.reshape(ops.transpose(weights, (0, 2, 1)) * symbols.allowed[..., None], (batch * time, steps))
    places = ops.reshape(symbols.first + time * ops.arange(batch, dtype="int32")[:, None], (-1,))
    sums = ops.segment_sum(rows, places, num_segments=batch * time)
    return ops.transpose(ops.reshape(sums, (batch, time, steps)), (0, 2, 1))


def occur(ids: Any, symbols: SourceSymbols) -> Any:
    """Whether ids occur in the source of their row: int32 ``(batch, …)`` to bool."""
    batch = ops.shape(symbols.ids)[0]
    row = ops.reshape(ops.arange(batch, dtype="int32"), (-1, *[1] * (len(ids.shape) - 1)))
    return ops.take(symbols.occurs, ids + row * (ops.shape(symbols.occurs)[0] // batch), axis=0)
