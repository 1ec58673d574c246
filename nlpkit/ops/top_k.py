"""The k largest of many values."""

from __future__ import annotations

from typing import Any

from keras import ops

GROUP = 16
"""Size of a group; `top_k_of_many` is fastest if the size of the axis is a multiple of it."""


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two numbers, each an int or a scalar."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else ops.minimum(a, b)


def top_k_of_many(x: Any, k: Any) -> tuple[Any, Any]:
    """`keras.ops.top_k` over a long last axis, in a fraction of the time on a CPU.

    The `k` largest values lie in the `k` groups with the largest maxima, so only these groups are searched.

    Args:
        x: float ``(…, size)`` with a static size.
        k: int or int32 scalar, at most the size.

    Returns:
        Values, largest first, and int32 indices, ``(…, k)``.

    Example:

        >>> import numpy as np
        >>> values, indices = top_k_of_many(np.arange(1000.0)[None], 2)
        >>> np.asarray(indices).tolist()
        [[999, 998]]
    """
    size, shape = x.shape[-1], ops.shape(x)
    groups = -(-size // GROUP)
    if groups < 2 * GROUP:
        values, indices = ops.top_k(x, k)
        return values, ops.cast(indices, "int32")
    if size % GROUP:  # copies everything; a size that is a multiple avoids it
        ends = [[0, 0]] * (len(shape) - 1) + [[0, groups * GROUP - size]]
        x = ops.pad(x, ends, constant_values=-float("inf"))
    grouped = ops.reshape(x, (-1, groups, GROUP))
    wanted = smaller(k, groups)
    _, best = ops.top_k(ops.max(grouped, axis=-1), wanted)  # (rows, wanted)
    best = ops.cast(best, "int32")
    rows = ops.shape(grouped)[0]
    flat = ops.reshape(grouped, (rows * groups, GROUP))
    inside = ops.take(flat, best + groups * ops.arange(rows, dtype="int32")[:, None], axis=0)
    values, places = ops.top_k(ops.reshape(inside, (rows, wanted * GROUP)), k)
    places = ops.cast(places, "int32")
    indices = ops.take_along_axis(best, places // GROUP, axis=1) * GROUP + places % GROUP
    out = (*shape[:-1], k)
    return ops.reshape(values, out), ops.reshape(indices, out)
