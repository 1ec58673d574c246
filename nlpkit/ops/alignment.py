"""Moving the real steps of each row to its beginning, and back."""

from __future__ import annotations

from typing import Any

from keras import ops

from nlpkit.ops.visible import cond


def align_left(x: Any, mask: Any) -> tuple[Any, Any]:
    """Move the real steps of each row to its beginning, in their order.

    Args:
        x: tensor ``(batch, time, …)``.
        mask: bool ``(batch, time)``.

    Returns:
        A pair: the moved tensor, of the same shape, with undefined values after the real steps; and the number of real
        steps, int32 ``(batch,)``.

    Example:

        >>> from keras import ops
        >>> x, lengths = align_left(ops.convert_to_tensor([[7, 8, 9]]), ops.convert_to_tensor([[False, True, False]]))
        >>> int(x[0, 0]), int(lengths[0])
        (8, 1)
    """

    def sort() -> Any:
        place = ops.arange(ops.shape(mask)[1], dtype="int32")
        return _take_steps(x, ops.argsort(ops.where(mask, place, place + ops.shape(mask)[1]), axis=1))

    return cond(_is_aligned(mask), lambda: x, sort), _lengths(mask)


def restore(x: Any, mask: Any) -> Any:
    """Undo `align_left`.

    Args:
        x: tensor ``(batch, time, …)``, the real steps first.
        mask: bool ``(batch, time)``.

    Returns:
        A tensor of the same shape, zeros at masked steps.
    """

    def spread() -> Any:
        return _take_steps(x, ops.maximum(ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1, 0))

    visible = ops.reshape(mask, ops.shape(mask) + (1,) * (len(x.shape) - 2))
    return ops.where(visible, cond(_is_aligned(mask), lambda: x, spread), ops.cast(0, x.dtype))


def _is_aligned(mask: Any) -> Any:
    """Whether all padding is on the right, the usual case, which saves a sort as expensive as a loop."""
    return ops.all(mask == (ops.arange(ops.shape(mask)[1], dtype="int32") < _lengths(mask)[:, None]))


def _lengths(mask: Any) -> Any:
    return ops.sum(ops.cast(mask, "int32"), axis=1)


def restore_paths(paths: Any, mask: Any) -> Any:
    """`restore` for several paths per row, ``(batch, n, time)``."""
    return ops.transpose(restore(ops.transpose(paths, (0, 2, 1)), mask), (0, 2, 1))


def _take_steps(x: Any, order: Any) -> Any:
    """``x[b, order[b, t]]``."""
    batch, time = ops.shape(order)
    rows = ops.cast(ops.arange(batch), "int32")[:, None] * time
    flat = ops.reshape(x, (batch * time, *tuple(x.shape[2:])))
    return ops.take(flat, rows + ops.cast(order, "int32"), axis=0)
