"""Sliding windows over a sequence as blocks that overlap, so that one matrix product does many windows at once."""

import numpy as np
from keras import ops


def to_blocks(x, size: int, reach: int):
    """Cut a sequence into blocks, each with its neighbours within reach on both sides.

    Args:
        x: ``(blocks * size + 2 * reach, …)``, the sequence with `reach` more steps at both ends.
        size: steps of a block.
        reach: how far a window reaches to either side.

    Returns:
        ``(blocks, size + 2 * reach, …)``.

    Example:

        >>> np.asarray(to_blocks(np.arange(6), size=2, reach=1)).tolist()
        [[0, 1, 2, 3], [2, 3, 4, 5]]
    """
    blocks = (x.shape[0] - 2 * reach) // size
    places = size * np.arange(blocks)[:, None] + np.arange(size + 2 * reach)
    return ops.take(x, places.astype("int32"), axis=0)


def sum_blocks(x, size: int, reach: int):
    """The transpose of `to_blocks`: what overlapping blocks say of the same step is added. `reach` is at most `size`.

    Args:
        x: ``(blocks, size + 2 * reach, width)``.

    Returns:
        ``(blocks * size + 2 * reach, width)``.

    Example:

        >>> np.asarray(sum_blocks(np.ones((2, 4, 1)), size=2, reach=1))[:, 0].tolist()
        [1.0, 1.0, 2.0, 2.0, 1.0, 1.0]
    """
    blocks, width = x.shape[0], x.shape[2]
    own, before, after = x[:, reach : reach + size], x[:, :reach], x[:, reach + size :]
    edge = ops.zeros((1, reach, width), x.dtype)
    own = own + ops.pad(ops.concatenate([edge, after[:-1]], axis=0), [[0, 0], [0, size - reach], [0, 0]])
    own = own + ops.pad(ops.concatenate([before[1:], edge], axis=0), [[0, 0], [size - reach, 0], [0, 0]])
    return ops.concatenate([before[0], ops.reshape(own, (blocks * size, width)), after[-1]], axis=0)


def window_weights(size: int, window: int) -> np.ndarray:
    """How often each neighbour is inside of a window whose reach is drawn evenly from 1 to `window`.

    Returns:
        float32 ``(size, size + 2 * window)`` for the blocks of `to_blocks`: ``(window - d + 1) / window`` at distance
        d, 0 beyond it and at the step itself.

    References:
        Mikolov et al. (2013), Efficient Estimation of Word Representations in Vector Space, draw the reach for each
        word; this is the expectation of that.
    """
    distance = np.abs(np.arange(size)[:, None] - (np.arange(size + 2 * window) - window))
    inside = (distance > 0) & (distance <= window)
    return np.where(inside, (window - distance + 1) / window, 0).astype("float32")
