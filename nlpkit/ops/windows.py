"""Sliding windows over blocks of a sequence, so that one matrix product serves many windows at once."""

import numpy as np


def window_table(size: int, window: int) -> np.ndarray:
    """The neighbours inside each possible window of the steps of a block.

    Args:
        size: number of steps of a block, which is read with `window` more steps on both sides.
        window: largest distance of a neighbour.

    Returns:
        float32 ``(size, (window + 1) ** 2, size + 2 * window)``, 1 inside and 0 outside: for each step of the block
        and each window. The window with `before` steps back and `after` steps ahead has the index
        ``before * (window + 1) + after``. The step itself is never inside.

    Example:

        >>> window_table(size=2, window=1)[1, 1 * 2 + 0].tolist()  # the second step sees the one before
        [0.0, 1.0, 0.0, 0.0]
    """
    before, after = np.divmod(np.arange((window + 1) ** 2), window + 1)
    distance = np.arange(size + 2 * window) - window - np.arange(size)[:, None]
    distance, before, after = distance[:, None], before[:, None], after[:, None]
    inside = (distance >= -before) & (distance <= after) & (distance != 0)
    return inside.astype("float32")
