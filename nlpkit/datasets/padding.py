"""Padded batches of parts of flat arrays."""

from collections.abc import Iterator

import numpy as np

_STEPS_AT_ONCE = 32_768  # steps in a batch of prediction: large enough for speed, small enough for memory


def gather_padded(
    arrays: dict[str, np.ndarray], starts: np.ndarray, lengths: np.ndarray, size: int
) -> dict[str, np.ndarray]:
    """A batch of parts of flat arrays, padded with zeros.

    Args:
        arrays: arrays ``(total, …)`` by name.
        starts, lengths: offsets and lengths of the parts, int64 ``(n,)``.
        size: padded length.

    Returns:
        Arrays ``(n, size, …)`` by name.

    Example:

        >>> gather_padded({"x": np.arange(10)}, np.array([2, 7]), np.array([3, 1]), 3)["x"].tolist()
        [[2, 3, 4], [7, 0, 0]]
    """
    real, places = _steps(starts, lengths, size)
    places, padding = np.where(real, places, 0).ravel(), np.flatnonzero(~real)
    batch = {name: array.take(places, axis=0) for name, array in arrays.items()}
    for array in batch.values():
        array[padding] = 0
    return {name: array.reshape(*real.shape, *array.shape[1:]) for name, array in batch.items()}


def scatter_places(starts: np.ndarray, lengths: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices for the inverse of `gather_padded`: ``flat[places] = batch[real]``.

    Returns:
        Bool ``(n, size)``, the steps that are no padding, and int64 ``(steps,)``, their places in the flat arrays.
    """
    real, places = _steps(starts, lengths, size)
    return real, places[real]


def _steps(starts: np.ndarray, lengths: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether each step is real, and its place in the flat arrays, both ``(n, size)``."""
    step = np.arange(size)
    return step < lengths[:, None], starts[:, None] + step


def shift_right(ids: np.ndarray) -> np.ndarray:
    """Ids shifted to the right by one step, with 0 at the first: the id before each step.

    Args:
        ids: int ``(n, time)``.

    Example:

        >>> shift_right(np.array([[5, 6, 7]])).tolist()
        [[0, 5, 6]]
    """
    return np.pad(ids[:, :-1], [[0, 0], [1, 0]])


def batches_by_length(
    lengths: np.ndarray, steps_at_once: int = _STEPS_AT_ONCE, multiple: int = 8
) -> Iterator[tuple[np.ndarray, int]]:
    """Batches for prediction, each of parts of similar length, with similar numbers of steps.

    Args:
        lengths: int ``(n,)``; parts of length 0 are left out.
        steps_at_once: approximate number of steps in a batch.
        multiple: divisor of all padded lengths, so that few shapes occur.

    Yields:
        Indices of the parts of a batch, and the padded length.
    """
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    begin = 0
    while begin < len(order):
        size = -(-int(lengths[order[begin]]) // multiple) * multiple
        rows = order[begin : begin + max(1, steps_at_once // size)]
        yield rows, size
        begin += len(rows)
