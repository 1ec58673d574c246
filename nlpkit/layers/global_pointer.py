"""Scores of all spans of a text."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_FAR_BELOW = -1e4  # below every score, and finite in half precision


@keras.saving.register_keras_serializable(package="nlpkit", name="GlobalPointer")
class GlobalPointer(keras.layers.Layer):
    """Scores of all spans of a text, nested and overlapping ones included, for each kind of span.

    A score is the dot product of a vector of the first step and one of the last, both rotated by their positions so
    that it depends on the length of the span, plus a bias from each of the two steps.

    Args:
        num_kinds: int, number of kinds of spans.
        key_dim: even int, size of the vectors of each kind.

    Call arguments:
        inputs: float ``(batch, time, channels)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float ``(batch, num_kinds, time, time)``, by first and last step; -10,000 where the last comes before the first
        or a step is masked. `nlpkit.losses.MultiLabelCrossEntropy` trains them to be above 0 for true spans.

    Raises:
        ValueError: if `num_kinds` is no integer from 1 or `key_dim` no even integer from 2.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import GlobalPointer
        >>> scores = GlobalPointer(2, 8)(np.ones((1, 5, 4), "float32"))
        >>> tuple(scores.shape), float(scores[0, 0, 3, 2])
        ((1, 2, 5, 5), -10000.0)

    References:
        Su et al. (2022), Global Pointer: Novel Efficient Span-based Approach for Named Entity Recognition;
        https://spaces.ac.cn/archives/8373. Su et al. (2021), RoFormer, for the rotation.
    """

    def __init__(self, num_kinds: int, key_dim: int = 48, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(num_kinds, int) or num_kinds < 1:
            raise ValueError(f"num_kinds must be an integer from 1. Received: {num_kinds!r}")
        if not isinstance(key_dim, int) or key_dim < 2 or key_dim % 2:
            raise ValueError(f"key_dim must be an even integer from 2. Received: {key_dim!r}")
        self.num_kinds, self.key_dim = num_kinds, key_dim
        shape = (num_kinds, None, key_dim)
        self.first, self.last = (
            keras.layers.EinsumDense("abc,cde->adbe", shape, bias_axes="de", name=name, dtype=self.dtype_policy)
            for name in ("first", "last")
        )
        self.edges = keras.layers.Dense(2 * num_kinds, name="edges", dtype=self.dtype_policy)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        for each in (self.first, self.last, self.edges):
            each.supports_masking = True
            each.build(input_shape)
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        first, last = self._rotated(self.first(inputs)), self._rotated(self.last(inputs))  # (batch, kinds, time, dim)
        scores = ops.matmul(first * self.key_dim**-0.5, ops.transpose(last, (0, 1, 3, 2)))
        edges = ops.transpose(self.edges(inputs), (0, 2, 1))  # (batch, 2 kinds, time)
        scores = scores + edges[:, : self.num_kinds, :, None] + edges[:, self.num_kinds :, None]
        place = ops.arange(ops.shape(inputs)[1])
        is_span = (place[:, None] <= place[None])[None]  # (1, time, time)
        if mask is not None:
            real = ops.cast(mask, "bool")
            is_span = ops.logical_and(is_span, ops.logical_and(real[:, :, None], real[:, None]))
        return ops.where(is_span[:, None], scores, ops.cast(_FAR_BELOW, scores.dtype))

    def _rotated(self, x: Any) -> Any:
        """Vectors with each pair of numbers rotated by an angle proportional to the position, at a rate per pair."""
        half = self.key_dim // 2
        rates = ops.exp(ops.arange(half, dtype="float32") * (-9.21034 / half))  # from 1 down to a ten-thousandth
        angles = ops.cast(ops.arange(ops.shape(x)[2]), "float32")[:, None] * rates  # (time, half)
        cos, sin = ops.cast(ops.cos(angles), x.dtype), ops.cast(ops.sin(angles), x.dtype)
        a, b = x[..., :half], x[..., half:]
        return ops.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, time = input_shape[:2]
        return (batch, self.num_kinds, time, time)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_kinds": self.num_kinds, "key_dim": self.key_dim}
