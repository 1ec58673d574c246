"""An embedding that shares its table with the output projection."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="TiedEmbedding")
class TiedEmbedding(keras.layers.Layer):
    """An embedding that is also the output projection: ids to vectors, and vectors to logits.

    It is `keras.layers.ReversibleEmbedding` with a bias for each id.

    Args:
        size: int, number of ids.
        dim: int, size of the vectors.
        stddev: float, standard deviation of the initial vectors.

    Call arguments:
        inputs: integer ids of any shape ``(…)``; with `reverse` float ``(…, dim)``.
        reverse: bool, whether to compute logits from vectors.

    Returns:
        float ``(…, dim)``; with `reverse` logits, float ``(…, size)``.

    Raises:
        ValueError: if `size` or `dim` is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import TiedEmbedding
        >>> layer = TiedEmbedding(9, 4)
        >>> vectors = layer(np.array([[1, 2]]))
        >>> tuple(vectors.shape), tuple(layer(vectors, reverse=True).shape)
        ((1, 2, 4), (1, 2, 9))

    References:
        Press and Wolf (2017), Using the Output Embedding to Improve Language Models.
    """

    def __init__(self, size: int, dim: int, stddev: float = 0.1, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("size", size), ("dim", dim)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer from 1. Received: {value!r}")
        self.size, self.dim, self.stddev = size, dim, stddev

    def build(self, _: Any = None) -> None:
        normal = keras.initializers.RandomNormal(stddev=self.stddev)
        self.embeddings = self.add_weight((self.size, self.dim), normal, name="embeddings")
        self.bias = self.add_weight((self.size,), "zeros", name="bias")
        self.built = True

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if reverse:
            return ops.matmul(inputs, ops.transpose(self.embeddings)) + self.bias
        return ops.cast(ops.take(self.embeddings, ops.cast(inputs, "int32"), axis=0), self.compute_dtype)

    def compute_mask(self, *_: Any) -> None:
        """None, as the result has no padding."""

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Any:
        shape = (*inputs.shape[:-1], self.size) if reverse else (*inputs.shape, self.dim)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "dim": self.dim, "stddev": self.stddev}
