"""Looking up rows of a trainable table so that its gradient is these rows, and adding up rows that occur twice."""

from typing import Any, NamedTuple

import keras
from keras import ops


class RowGradient(NamedTuple):
    """The gradient of a table of which a step has read some rows.

    Attributes:
        ids: int32 ``(n,)``.
        values: float ``(n, size)``, the gradient of each of these rows.
    """

    ids: Any
    values: Any


def is_row_table(variable: Any) -> bool:
    """Whether a Keras variable is the table of a `nlpkit.layers.RowEmbedding`."""
    return getattr(variable, "is_row_table", False)


def ask_for_rows(variable: Any) -> None:
    """Let the gradient of a table be rows from now on; whoever asks takes them with `row_gradient` at each step."""
    variable.recorded_rows = []


def _wants_rows(variable):
    return hasattr(variable, "recorded_rows")


if keras.backend.backend() == "tensorflow":

    def look_up(variable: Any, ids: Any) -> Any:
        return variable.value.sparse_read(ids)  # its gradient is a tf.IndexedSlices

    def row_gradient(variable: Any, gradient: Any) -> RowGradient:
        return RowGradient(ops.cast(gradient.indices, "int32"), gradient.values)

elif keras.backend.backend() == "torch":
    import torch

    def look_up(variable: Any, ids: Any) -> Any:
        return torch.nn.functional.embedding(ids, variable.value, sparse=_wants_rows(variable))

    def row_gradient(variable: Any, gradient: Any) -> RowGradient:
        return RowGradient(gradient._indices()[0].int(), gradient._values())

else:
    import jax

    def look_up(variable: Any, ids: Any) -> Any:
        if not _wants_rows(variable):
            return variable.value[ids]
        # JAX knows no sparse gradients. The backward pass is traced in the same program as the optimizer's step,
        # so it can leave the rows for it. The gradient that it returns is never read and so never computed.
        recorded = variable.recorded_rows

        @jax.custom_vjp
        def rows_of(table, ids):
            return table[ids]

        def forward(table, ids):
            return table[ids], (ids, jax.numpy.zeros((), table.dtype), table.shape)

        def backward(residuals, gradient):
            ids, zero, shape = residuals
            recorded.append(RowGradient(ids, gradient))
            return jax.numpy.broadcast_to(zero, shape), None

        rows_of.defvjp(forward, backward)
        return rows_of(variable.value, ids)

    def row_gradient(variable: Any, gradient: Any) -> RowGradient:
        recorded, variable.recorded_rows[:] = [*variable.recorded_rows], []
        return RowGradient(
            ops.concatenate([each.ids for each in recorded]), ops.concatenate([each.values for each in recorded])
        )


look_up.__doc__ = """Rows of a table, through which gradients flow.

Args:
    variable: a Keras variable ``(rows, size)``.
    ids: int32 ``(n,)``.

Returns:
    ``(n, size)``.
"""

row_gradient.__doc__ = """The gradient of a table as rows; an id may occur more than once.

Args:
    variable: a Keras variable that `ask_for_rows` was called for before the step.
    gradient: what the backend gives as its gradient.
"""


def add_up(gradient: RowGradient) -> RowGradient:
    """A gradient whose rows with the same id have been added, the same bits each time.

    As many rows come back, so that a compiled program knows how many; after the distinct ids the last of them is
    repeated, with the same values, so that setting rows by them is setting each once.
    """
    ids, values = gradient
    order = ops.argsort(ids)
    ids = ops.take(ids, order)  # (n,), ascending
    is_first = ops.concatenate([ops.zeros((1,), "int32"), ops.cast(ids[1:] != ids[:-1], "int32")])
    place = ops.cumsum(is_first)  # (n,): which of the distinct ids it is
    count = ops.shape(ids)[0]
    totals = ops.segment_sum(ops.take(values, order, axis=0), place, num_segments=count)  # (n, size)
    distinct = ops.segment_max(ids, place, num_segments=count)
    repeated = ops.minimum(ops.arange(count, dtype="int32"), place[-1])
    return RowGradient(ops.take(distinct, repeated), ops.take(totals, repeated, axis=0))
