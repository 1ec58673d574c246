"""The nearest of many vectors, in the graph."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.ops.top_k import GROUP, top_k_of_many


class NearestRows(keras.layers.Layer):
    """The rows of a table with the highest cosine to each query.

    Args:
        vectors: float ``(rows, size)``; rows of zeros are never given. They are no weights: the layer is not saved
            with a model.
        count: int, how many.

    Call arguments:
        queries: float ``(batch, size)``.

    Returns:
        Cosines, float32 ``(batch, count)``, highest first, and int32 row numbers of the same shape.

    Example:

        >>> import numpy as np
        >>> table = np.array([[1, 0], [0, 2], [3, 3]], "float32")
        >>> _, rows = NearestRows(table, count=2)(np.array([[0.1, 0.9]], "float32"))
        >>> np.asarray(rows).tolist()
        [[1, 2]]
    """

    def __init__(self, vectors: Any, count: int, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)
        length = (vectors**2).sum(axis=-1, keepdims=True) ** 0.5
        self._count, self._rows = min(count, len(vectors)), len(vectors)
        more = -len(vectors) % GROUP
        self._none = ops.pad(
            ops.convert_to_tensor((length[:, 0] == 0) * -4.0, "float32"), [[0, more]], constant_values=-4
        )
        table = ops.convert_to_tensor(vectors / (length + (length == 0)), "float32")
        self._table = ops.pad(table, [[0, more], [0, 0]])

    def call(self, queries: Any) -> Any:
        queries = ops.normalize(queries, axis=-1)
        return top_k_of_many(ops.matmul(queries, ops.transpose(self._table)) + self._none, self._count)

    def compute_output_spec(self, queries: Any) -> Any:
        shape = (queries.shape[0], self._count)
        return keras.KerasTensor(shape, dtype="float32"), keras.KerasTensor(shape, dtype="int32")
