"""Look-ups of rows of a trainable table with row gradients, and sums of the gradients of repeated rows."""

from typing import Any, NamedTuple

import keras
from keras import ops


class RowGradient(NamedTuple):
    """The gradient of the rows of a table that a step has read.

    Attributes:
        ids: int32 ``(n,)``, ids of the rows.
        values: float ``(n, size)``, gradient of each of these rows.
    """

    ids: Any
    values: Any


def is_row_table(variable: Any) -> bool:
    """Whether a Keras variable is the table of a `nlpkit.layers.RowEmbedding`."""
    return getattr(variable, "is_row_table", False)


def ask_for_rows(variable: Any) -> None:
    """Request row gradients for a table from now on; the caller takes them with `row_gradient` at each step."""
    variable.recorded_rows = []


def _wants_rows(variable: Any) -> bool:
    return hasattr(variable, "recorded_rows")


if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    def look_up(variable: Any, ids: Any) -> Any:
        return variable.value.sparse_read(ids)  # its gradient is a tf.IndexedSlices

    def is_rows(variable: Any, gradient: Any) -> bool:
        return isinstance(gradient, tf.IndexedSlices)

    def row_gradient(variable: Any, gradient: Any) -> RowGradient:
        return RowGradient(ops.cast(gradient.indices, "int32"), gradient.values)

elif keras.backend.backend() == "torch":
    import torch

    def look_up(variable: Any, ids: Any) -> Any:
        return torch.nn.functional.embedding(ids, variable.value, sparse=_wants_rows(variable))

    def is_rows(variable: Any, gradient: Any) -> bool:
        return gradient is not None and gradient.is_sparse

    def row_gradient(variable: Any, gradient: Any) -> RowGradient:
        return RowGradient(gradient._indices()[0].int(), gradient._values())

else:
    import jax

    def look_up(variable: Any, ids: Any) -> Any:
        if not _wants_rows(variable):
            return variable.value[ids]
        # JAX has no sparse gradients. The backward pass is traced in the same program as the optimizer's step, so it
        # can record the rows for it. The gradient that it returns is never read, and so never computed.
        recorded = variable.recorded_rows

        @jax.custom_vjp
        def rows_of(table: Any, ids: Any) -> Any:
            return table[ids]

        def forward(table: Any, ids: Any) -> tuple[Any, tuple]:
            return table[ids], (ids, jax.numpy.zeros((), table.dtype), table.shape)

        def backward(residuals: tuple, gradient: Any) -> tuple[Any, None]:
            ids, zero, shape = residuals
            recorded.append(RowGradient(ids, gradient))
            return jax.numpy.broadcast_to(zero, shape), None

        rows_of.defvjp(forward, backward)
        return rows_of(variable.value, ids)

    def is_rows(variable: Any, gradient: Any) -> bool:
        return bool(getattr(variable, "recorded_rows", None))

    def row_gradient(variable: Any, gradient: Any) -> RowGradient:
        recorded, variable.recorded_rows[:] = [*variable.recorded_rows], []
        return RowGradient(
            ops.concatenate([each.ids for each in recorded]), ops.concatenate([each.values for each in recorded])
        )


look_up.__doc__ = """Rows of a table, with gradients.

Args:
    variable: a Keras variable ``(rows, size)``.
    ids: int32 ``(n,)``.

Returns:
    ``(n, size)``.
"""

is_rows.__doc__ = """Whether the gradient of a table consists of rows: a step may also have read all of it, or none.

Args:
    variable: a Keras variable for which `ask_for_rows` was called before the step.
    gradient: gradient of the variable from the backend.
"""

row_gradient.__doc__ = """The rows of a gradient for which `is_rows` holds; an id may occur more than once."""


class SummedGradient(NamedTuple):
    """The gradient of the rows of a table that a step has read, summed over repeated rows.

    Attributes:
        ids: int32 ``(n,)``, ids of the rows; an id may occur more than once.
        sums: float ``(n, size)``, the sum for each distinct id, then zeros.
        place: int32 ``(n,)``, the row of `sums` for each id; None if it is the identity.
    """

    ids: Any
    sums: Any
    place: Any


def add_up(gradient: RowGradient) -> SummedGradient:
    """Sum the rows with the same id, deterministically. All sizes are those of the input, so that it compiles."""
    ids, values = gradient
    if keras.backend.backend() == "torch":  # sizes may depend on values, which saves most of the work
        distinct, place = torch.unique(ids, return_inverse=True)
        sums = torch.zeros((len(distinct), values.shape[1]), dtype=values.dtype, device=values.device)
        return SummedGradient(distinct, sums.index_add_(0, place, values), None)
    order = ops.argsort(ids)
    ascending = ops.take(ids, order)
    is_new = ops.cast(ascending[1:] != ascending[:-1], "int32")
    place = ops.concatenate([ops.zeros((1,), "int32"), ops.cumsum(is_new)])  # (n,), for the sorted ids
    place = ops.take(place, ops.argsort(order))
    return SummedGradient(ids, ops.segment_sum(values, place, num_segments=ops.shape(ids)[0]), place)
