"""Reads and updates of single rows of a big table, without touching the rest of it."""

from typing import Any

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    def take_rows(table: Any, ids: Any) -> Any:
        return tf.raw_ops.ResourceGather(resource=table.handle, indices=ids, dtype=table.dtype)

    _ORDERED = 1023  # largest number of rows that TensorFlow adds in order, in one thread

    def add_to_rows(table: Any, ids: Any, values: Any) -> Any:
        for start in range(0, ids.shape[0], _ORDERED):
            some = slice(start, start + _ORDERED)
            tf.raw_ops.ResourceScatterAdd(resource=table.handle, indices=ids[some], updates=values[some])
        return table

    def set_rows(variable: Any, ids: Any, values: Any) -> None:
        tf.raw_ops.ResourceScatterUpdate(resource=variable.value.handle, indices=ids, updates=values)

elif keras.backend.backend() == "torch":
    import torch

    def take_rows(table: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:  # type: ignore[misc]
        return torch.index_select(table, 0, ids)

    def add_to_rows(  # type: ignore[misc]
        table: torch.Tensor, ids: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        # int32 indices are three times slower.
        return table.index_add_(0, ids.long(), values)

    def set_rows(variable: Any, ids: Any, values: Any) -> None:
        with torch.no_grad():
            variable.value.index_copy_(0, ids.long(), values)

else:

    def take_rows(table: Any, ids: Any) -> Any:
        return table[ids]

    def add_to_rows(table: Any, ids: Any, values: Any) -> Any:
        return table.at[ids].add(values)

    def set_rows(variable: Any, ids: Any, values: Any) -> None:
        variable.assign(variable.value.at[ids].set(values))


take_rows.__doc__ = """Rows of a table.

Args:
    table: native table of the backend, see `raw_table`.
    ids: int32 ``(n,)``.

Returns:
    float ``(n, size)``.
"""

add_to_rows.__doc__ = """Add to rows of a table; if an id occurs more than once, all of its values are added.

Stock layers convert a variable to a tensor first, which copies all of it; this function touches these rows only.

Args:
    table: native table of the backend, see `raw_table`. TensorFlow and PyTorch change it in place.
    ids: int32 ``(n,)``; n is static.
    values: float ``(n, size)``.

Returns:
    The changed table, deterministic to the bit.
"""

set_rows.__doc__ = """Replace rows of a Keras variable; repeated ids must have equal values.

Args:
    variable: a Keras variable ``(rows, size)``.
    ids: int32 ``(n,)``.
    values: float ``(n, size)``.
"""


def raw_table(variable: Any) -> Any:
    """The native table of a Keras variable: a `tf.Variable`, `torch.Tensor` or `jax.Array`."""
    return variable.value.detach() if keras.backend.backend() == "torch" else variable.value
