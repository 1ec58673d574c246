"""A bonus on the logits of the symbols of the source."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="SourcePrior")
class SourcePrior(keras.layers.Layer):
    """The scale-and-shift prior of a text-to-text model: logits for the whole target, computed from the source.

    Most characters of a title occur in its text. So each symbol v of the source gets the bonus ``exp(a_v)`` and every
    symbol the shift ``b_v``; ``a`` and ``b`` are learned and initially zero. Add the result to the logits of each step.
    The symbols of a source are marked by a scatter: memory is ``batch * size``, never ``batch * time * size``.

    Args:
        size: int, number of ids.
        first_id: int, smallest id with a bonus; smaller ids are padding and the like.

    Call arguments:
        ids: integer ``(batch, time)`` from 0 to below `size`, the source.

    Returns:
        float ``(batch, size)``.

    Raises:
        ValueError: if `size` is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import SourcePrior
        >>> np.asarray(SourcePrior(5, first_id=2)(np.array([[3, 3, 0]]))).tolist()
        [[0.0, 0.0, 0.0, 1.0, 0.0]]

    References:
        https://spaces.ac.cn/archives/5861
    """

    def __init__(self, size: int, first_id: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"size must be an integer from 1. Received: {size!r}")
        self.size, self.first_id = size, first_id

    def build(self, input_shape: Any) -> None:
        self.log_scale = self.add_weight((self.size,), "zeros", name="log_scale")
        self.shift = self.add_weight((self.size,), "zeros", name="shift")
        self.built = True

    def call(self, ids: Any) -> Any:
        batch = ops.shape(ids)[0]
        ids = ops.cast(ids, "int32")
        places = ids + self.size * ops.arange(batch, dtype="int32")[:, None]  # (batch, time)
        occurs = ops.scatter_update(
            ops.zeros((batch * self.size,), self.compute_dtype),
            ops.reshape(places, (-1, 1)),
            ops.reshape(ops.cast(ids >= self.first_id, self.compute_dtype), (-1,)),
        )
        occurs = ops.reshape(occurs, (batch, self.size))
        return occurs * ops.exp(self.log_scale) + self.shift

    def bonus(self, ids: Any) -> Any:
        """The bonus of each symbol of a source, 0 for ids without one: integer to float ``(batch, time)``.

        A search needs only this and the shift, not the tensor over all ids.
        """
        has_one = ops.logical_and(ids >= self.first_id, ids < self.size)
        return ops.where(has_one, ops.exp(ops.take(self.log_scale, ops.minimum(ids, self.size - 1), axis=0)), 0.0)

    def compute_mask(self, *_: Any) -> None:
        """None, as the result has no padding."""

    def compute_output_spec(self, ids: Any) -> Any:
        return keras.KerasTensor((ids.shape[0], self.size), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "first_id": self.first_id}
