"""Attention that returns its weights, and projects its memory once for many steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_FAR_BELOW = -1e4  # below every score, and finite in half precision


@keras.saving.register_keras_serializable(package="nlpkit", name="VisibleAttention")
class VisibleAttention(keras.layers.Layer):
    """Multi-head attention of queries over a memory that returns its weights beside its result.

    `keys_and_values` projects the memory once; `attend` then serves any number of steps or beams, so that a decoder
    that works step by step pays for its memory once.

    Args:
        num_heads: int, number of heads.
        key_dim: int, size of each head's queries, keys and values.

    Call arguments:
        queries: float ``(batch, steps, features)``.
        memory: float ``(batch, time, channels)``.
        memory_mask: optional bool ``(batch, time)``, real steps of the memory; by default the memory's own Keras mask.
            A row without real steps attends to all of them.

    Returns:
        A pair: the result, float ``(batch, steps, num_heads * key_dim)``, the heads concatenated, without an output
        projection; and the weights, float ``(batch, num_heads, steps, time)``, which sum to 1 over time.

    Raises:
        ValueError: if `num_heads` or `key_dim` is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import VisibleAttention
        >>> read, weights = VisibleAttention(2, 4)(np.ones((1, 3, 8), "float32"), np.ones((1, 5, 6), "float32"))
        >>> tuple(read.shape), tuple(weights.shape)
        ((1, 3, 8), (1, 2, 3, 5))

    References:
        Vaswani et al. (2017), Attention Is All You Need.
    """

    def __init__(self, num_heads: int, key_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("num_heads", num_heads), ("key_dim", key_dim)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer from 1. Received: {value!r}")
        self.num_heads, self.key_dim = num_heads, key_dim
        heads = (num_heads, key_dim)
        self.query, self.key, self.value = (
            keras.layers.EinsumDense(
                f"abc,cde->{axes}", _sizes(axes, heads), bias_axes="de", name=name, dtype=self.dtype_policy
            )
            for name, axes in (("query", "adbe"), ("key", "adeb"), ("value", "adbe"))
        )

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        for each in (self.query, self.key, self.value):
            each.supports_masking = True  # masked steps have no weight
        self.query.build(queries_shape)
        self.key.build(memory_shape)
        self.value.build(memory_shape)
        self.built = True

    def call(self, queries: Any, memory: Any, memory_mask: Any = None) -> tuple[Any, Any]:
        return self.attend(queries, *self.keys_and_values(memory), memory_mask)

    def keys_and_values(self, memory: Any) -> tuple[Any, Any]:
        """Keys ``(batch, num_heads, key_dim, time)`` and values ``(batch, num_heads, time, key_dim)``."""
        return self.key(memory), self.value(memory)

    def attend(self, queries: Any, keys: Any, values: Any, memory_mask: Any = None) -> tuple[Any, Any]:
        """The result of the layer, from the `keys_and_values` of its memory."""
        scores = ops.matmul(self.query(queries) * self.key_dim**-0.5, keys)  # (batch, heads, steps, time)
        if memory_mask is not None:
            scores = ops.where(ops.cast(memory_mask, "bool")[:, None, None], scores, _FAR_BELOW)
        weights = ops.softmax(scores, axis=-1)
        read = ops.matmul(weights, values)  # (batch, heads, steps, key_dim)
        # The heads are concatenated one by one, since a reshape allows only one unknown size.
        return ops.concatenate([read[:, head] for head in range(self.num_heads)], axis=-1), weights

    def compute_mask(self, queries: Any, previous_mask: Any = None) -> tuple[Any, None]:
        """The mask of the queries is also that of the result."""
        return previous_mask, None

    def compute_output_shape(self, queries_shape: Any, memory_shape: Any) -> Any:
        batch, steps = queries_shape[:2]
        return (batch, steps, self.num_heads * self.key_dim), (batch, self.num_heads, steps, memory_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads, "key_dim": self.key_dim}


def _sizes(axes: str, heads: tuple[int, int]) -> tuple[int | None, ...]:
    """The output shape of a projection, without the batch; None for unknown sizes."""
    return tuple({"b": None, "d": heads[0], "e": heads[1]}[axis] for axis in axes[1:])
