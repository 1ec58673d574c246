"""Random replacement of ids by the unknown id."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="TokenDropout")
class TokenDropout(keras.layers.Layer):
    """Replaces a random share of the ids by the unknown id in training, so that the model learns to do without them.

    Args:
        rate: float, share of replaced ids, from 0 to below 1.
        unknown: int, id of unknown symbols.
        whole_rows: bool, whether to replace all ids of a random share of the rows instead.
        seed: int or None, seed of the replacements.

    Call arguments:
        inputs: ids, integer, any shape. Id 0 is padding and stays.

    Returns:
        Ids of the same shape and dtype; outside of training the inputs.

    Raises:
        ValueError: if `rate` is not from 0 to below 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import TokenDropout
        >>> np.asarray(TokenDropout(0.999, unknown=1)(np.array([[7, 8, 0]]), training=True)).tolist()
        [[1, 1, 0]]
    """

    def __init__(self, rate: float, unknown: int = 1, whole_rows: bool = False, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be from 0 to below 1. Received: {rate!r}")
        self.rate, self.unknown, self.whole_rows, self.seed = rate, unknown, whole_rows, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        shape = ops.shape(inputs)
        shape = (shape[0], *[1] * (len(shape) - 1)) if self.whole_rows else shape
        dropped = keras.random.uniform(shape, seed=self.seed_generator) < self.rate
        return ops.where(ops.logical_and(dropped, inputs != 0), ops.cast(self.unknown, inputs.dtype), inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"rate": self.rate, "unknown": self.unknown, "whole_rows": self.whole_rows, "seed": self.seed}
        return {**super().get_config(), **own}
