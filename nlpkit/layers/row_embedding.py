"""An embedding with gradients of single rows instead of the whole table."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.ops.row_gradients import look_up


@keras.saving.register_keras_serializable(package="nlpkit", name="RowEmbedding")
class RowEmbedding(keras.layers.Layer):
    """An embedding with a big table, of which a training step reads and updates only the rows of its batch.

    `keras.layers.Embedding` gives the optimizer a gradient of the size of the table, on JAX and PyTorch, and stock
    optimizers change all rows and their slots at each step, on every backend. With this layer and an optimizer of
    `nlpkit.optimizers`, the cost of a step depends on the number of its rows only. With a stock optimizer it trains
    like `keras.layers.Embedding`.

    Args:
        input_dim: int, number of rows.
        output_dim: int, size of a row.
        embeddings_initializer: initializer of the table.
        mask_zero: bool, whether id 0 is padding, and the layer returns a mask.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: int ``(…)``, ids from 0 to `input_dim` - 1.

    Returns:
        float ``(…, output_dim)``.

    Raises:
        ValueError: if a size is no positive integer.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import RowEmbedding
        >>> tuple(RowEmbedding(1000, 4)(np.array([[7, 7, 8]])).shape)
        (1, 3, 4)
    """

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform", mask_zero: bool = False,
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**kwargs)
        for name, size in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} must be a positive integer. Received: {size!r}")
        self.input_dim, self.output_dim = input_dim, output_dim
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.mask_zero = self.supports_masking = mask_zero

    def build(self, input_shape: Any = None) -> None:
        # No cast, which would copy the table.
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.input_dim, self.output_dim), initializer=self.embeddings_initializer,
            autocast=False,
        )  # fmt: skip
        self.embeddings.is_row_table = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        ids = ops.cast(inputs, "int32")
        rows = look_up(self.embeddings, ops.reshape(ids, (-1,)))
        return ops.cast(ops.reshape(rows, (*ops.shape(ids), self.output_dim)), self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "mask_zero": self.mask_zero,
        }
