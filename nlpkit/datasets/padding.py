"""Parts of flat arrays to padded batches."""

from collections.abc import Iterator

import numpy as np

_STEPS_AT_ONCE = 32_768  # in a batch of prediction: large enough for speed, small enough for memory


def gather_padded(
    arrays: dict[str, np.ndarray], starts: np.ndarray, lengths: np.ndarray, size: int
) -> dict[str, np.ndarray]:
    """Parts of flat arrays side by side, padded with zeros.

    Args:
        arrays: by name, ``(total, …)``.
        starts, lengths: where the parts begin and how long they are, int64 ``(n,)``.
        size: the padded length.

    Returns:
        By name, ``(n, size, …)``.

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
    """The way back from a batch of `gather_padded`: ``flat[places] = batch[real]``.

    Returns:
        Bool ``(n, size)``, which steps are no padding, and int64 ``(steps,)``, where these stand in the flat arrays.
    """
    real, places = _steps(starts, lengths, size)
    return real, places[real]


def _steps(starts, lengths, size):
    step = np.arange(size)
    return step < lengths[:, None], starts[:, None] + step


def shift_right(ids: np.ndarray) -> np.ndarray:
    """Ids one step later, 0 at the first step: what stands before each of them.

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
    """Batches for prediction: parts of about the same length, in each about the same number of steps.

    Args:
        lengths: int ``(n,)``; parts of length 0 are left out.
        steps_at_once: about the number of steps in a batch.
        multiple: of which the padded lengths are, so that few shapes occur.

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
