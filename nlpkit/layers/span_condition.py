"""A text conditioned on one of its spans."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.layers.masked_gru import MaskedGRU


@keras.saving.register_keras_serializable(package="nlpkit", name="SpanCondition")
class SpanCondition(keras.layers.Layer):
    """Adds to each step of a text a vector of one of its spans, and one of the distance to it.

    The span is sampled at equidistant points between its first and last step, by interpolation between the two steps
    around a point, and read by a bidirectional recurrent layer; spans of any length give equally many points.

    Args:
        num_points: int, from 2, number of points of a span.
        max_distance: int, from 1, largest distance to a span; larger ones are clipped.

    Call arguments:
        inputs: float ``(batch, time, channels)``, with an even number of channels.
        first, last: int ``(batch,)``, first and last step of a span of each row.

    Returns:
        A pair: the steps, float ``(batch, time, channels)``; and a vector of the span, float ``(batch, channels)``.

    Raises:
        ValueError: if `num_points` is no integer from 2, `max_distance` no integer from 1, or the number of channels
            is odd.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import SpanCondition
        >>> steps, span = SpanCondition()(np.ones((1, 5, 4), "float32"), np.array([1]), np.array([3]))
        >>> tuple(steps.shape), tuple(span.shape)
        ((1, 5, 4), (1, 4))

    References:
        https://spaces.ac.cn/archives/6671 (2019).
    """

    def __init__(self, num_points: int = 6, max_distance: int = 64, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value, least in (("num_points", num_points, 2), ("max_distance", max_distance, 1)):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be an integer from {least}. Received: {value!r}")
        self.num_points, self.max_distance = num_points, max_distance

    def build(self, inputs_shape: Any, first_shape: Any, last_shape: Any) -> None:
        channels = inputs_shape[-1]
        if channels % 2:
            raise ValueError(f"the number of channels must be even. Received: {channels}")
        self.reader = MaskedGRU(channels // 2, bidirectional=True, name="reader", dtype=self.dtype_policy)
        self.reader.build((None, self.num_points, channels))
        self.project = keras.layers.Dense(channels, name="project", dtype=self.dtype_policy)
        self.project.build((None, channels))
        size = (2 * self.max_distance + 1, channels)
        self.from_first = self.add_weight(size, "zeros", name="from_first")
        self.from_last = self.add_weight(size, "zeros", name="from_last")
        self.built = True

    def call(self, inputs: Any, first: Any, last: Any) -> Any:
        place = ops.arange(ops.shape(inputs)[1], dtype="int32")
        first, last = (ops.cast(each, "int32")[:, None] for each in (first, last))  # (batch, 1)
        share = ops.arange(self.num_points, dtype="float32") / (self.num_points - 1)
        points = ops.cast(first, "float32") + ops.cast(last - first, "float32") * share  # (batch, points)
        # Linear interpolation between the two steps around a point.
        weights = ops.relu(1.0 - ops.abs(ops.cast(place, "float32") - points[..., None]))  # (batch, points, time)
        span = ops.max(self.reader(ops.matmul(ops.cast(weights, inputs.dtype), inputs)), axis=1)
        positions = self._look_up(self.from_first, place - first) + self._look_up(self.from_last, place - last)
        return inputs + self.project(span)[:, None] + ops.cast(positions, inputs.dtype), span

    def _look_up(self, table: Any, distance: Any) -> Any:
        far = self.max_distance
        return ops.take(table, ops.clip(distance, -far, far) + far, axis=0)

    def compute_output_shape(self, inputs_shape: Any, first_shape: Any, last_shape: Any) -> Any:
        return inputs_shape, (inputs_shape[0], inputs_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_points": self.num_points, "max_distance": self.max_distance}
