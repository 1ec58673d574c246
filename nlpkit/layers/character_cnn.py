"""Vectors of tokens from their characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="nlpkit", name="CharacterCNN")
class CharacterCNN(keras.layers.Layer):
    """Vectors of tokens by convolutions over their characters and max pooling over each token.

    Padding after a token, of any length, does not change the result.

    Args:
        vocabulary_size: int, number of ids of characters, 0 being padding.
        dim: int, size of the character vectors.
        filters: int, number of filters per kernel size.
        kernel_sizes: ints, widths of the convolutions in characters.
        dropout: float, dropout rate of the character vectors.

    Call arguments:
        inputs: ids, int ``(…, characters)``.

    Returns:
        float ``(…, filters * len(kernel_sizes))``, not negative; 0 for a token without characters.

    Raises:
        ValueError: if a size is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CharacterCNN
        >>> layer = CharacterCNN(vocabulary_size=30, dim=8, filters=4)
        >>> one, longer = np.array([[3, 5, 7]]), np.array([[3, 5, 7, 0, 0]])
        >>> tuple(layer(one).shape), bool(np.allclose(layer(one), layer(longer), atol=1e-6))
        ((1, 8), True)

    References:
        dos Santos and Zadrozny (2014), Learning Character-level Representations for Part-of-Speech Tagging. Ma and Hovy
        (2016), End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF.
    """

    def __init__(
        self,
        vocabulary_size: int,
        dim: int = 32,
        filters: int = 32,
        kernel_sizes: Sequence[int] = (2, 3),
        dropout: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, size in (("vocabulary_size", vocabulary_size), ("dim", dim), ("filters", filters)):
            _check(name, size)
        for size in kernel_sizes:
            _check("kernel_sizes", size)
        self.vocabulary_size, self.dim, self.filters = vocabulary_size, dim, filters
        self.kernel_sizes, self.dropout = tuple(kernel_sizes), dropout
        self._dropout = layers.Dropout(dropout)

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight((self.vocabulary_size, self.dim), "uniform", name="embeddings")
        self._kernels = [
            self.add_weight((size * self.dim, self.filters), "glorot_uniform", name=f"kernel_{size}")
            for size in self.kernel_sizes
        ]
        self._biases = [self.add_weight((self.filters,), "zeros", name=f"bias_{size}") for size in self.kernel_sizes]
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        real = inputs != 0
        x = ops.take(ops.convert_to_tensor(self.embeddings), inputs, axis=0)
        x = self._dropout(ops.cast(x, self.compute_dtype), training=training)
        x = ops.where(real[..., None], x, 0)  # (…, characters, dim)
        pooled = []
        for size, kernel, bias in zip(self.kernel_sizes, self._kernels, self._biases):
            # Only places where the kernel covers a character; a token may be shorter than the kernel.
            seen = _shifted(ops.cast(real, "int32")[..., None], size)  # (…, characters + size - 1, size)
            y = ops.relu(ops.matmul(_shifted(x, size), ops.cast(kernel, x.dtype)) + ops.cast(bias, x.dtype))
            y = ops.where(ops.any(seen > 0, axis=-1, keepdims=True), y, 0)
            pooled.append(ops.max(y, axis=-2))
        return ops.concatenate(pooled, axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.filters * len(self.kernel_sizes))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "dim": self.dim,
            "filters": self.filters,
            "kernel_sizes": list(self.kernel_sizes),
            "dropout": self.dropout,
        }


def _shifted(x: Any, count: int) -> Any:
    """Each step concatenated with the `count - 1` before it; steps before the first and after the last are 0.

    ``(…, time, channels)`` to ``(…, time + count - 1, count * channels)``.
    """
    if count == 1:
        return x
    rank = len(x.shape)
    padded = [
        ops.pad(x, [[0, 0]] * (rank - 2) + [[count - 1 - i, i], [0, 0]])  # shifted by count - 1 - i steps
        for i in range(count)
    ]
    return ops.concatenate(padded, axis=-1)


def _check(name: str, size: Any) -> None:
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"{name} must be integers from 1. Received: {size!r}")
