"""Scores of the relations between the spans of a text."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.layers.pooling import pool_text

_STEPS = 20  # number of classes of distances in each direction, on a logarithmic scale


@keras.saving.register_keras_serializable(package="nlpkit", name="SpanPairs")
class SpanPairs(keras.layers.Layer):
    """Scores of every relation for all pairs of given spans of a text.

    A span is represented by its first step, its last step and the mean of its steps; a pair by its two spans, their
    distance, and a maximum over the whole text.

    Args:
        num_relations: int, number of relations.
        width: int, size of the vectors of spans and pairs.
        dropout: float, dropout rate of the vectors of pairs.

    Call arguments:
        inputs: float ``(batch, time, channels)``.
        subjects, objects: int ``(batch, m)`` and ``(batch, n)``, spans, each ``first * time + last``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float ``(batch, m, n, num_relations)``.

    Raises:
        ValueError: if `num_relations` or `width` is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import SpanPairs
        >>> subjects, objects = np.array([[0 * 5 + 1]]), np.array([[2 * 5 + 2, 3 * 5 + 4]])
        >>> tuple(SpanPairs(7, 16)(np.ones((1, 5, 4), "float32"), subjects, objects).shape)
        (1, 1, 2, 7)

    References:
        Eberts and Ulges (2020), Span-based Joint Entity and Relation Extraction with Transformer Pre-training, for
        spans first and then their pairs.
    """

    def __init__(self, num_relations: int, width: int = 160, dropout: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("num_relations", num_relations), ("width", width)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer from 1. Received: {value!r}")
        self.num_relations, self.width = num_relations, width
        dense = {
            name: keras.layers.Dense(width, name=name, dtype=self.dtype_policy)
            for name in ("subject", "object", "subject_factor", "object_factor", "text")
        }
        self.parts = [dense[name] for name in ("subject", "object", "subject_factor", "object_factor", "text")]
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.output_layer = keras.layers.Dense(num_relations, name="output", dtype=self.dtype_policy)
        self.supports_masking = True

    def build(self, inputs_shape: Any, subjects_shape: Any, objects_shape: Any) -> None:
        channels = inputs_shape[-1]
        sizes = (3 * channels, 3 * channels, self.width, self.width, channels)
        for layer, size in zip(self.parts, sizes):
            layer.build((None, size))
        self.output_layer.build((None, 2 * self.width))
        self.distances = self.add_weight((2 * _STEPS + 1, self.width), "zeros", name="distances")
        self.built = True

    def call(self, inputs: Any, subjects: Any, objects: Any, mask: Any = None, training: bool = False) -> Any:
        time = ops.shape(inputs)[1]
        as_subject, as_object, subject_factor, object_factor, of_text = self.parts
        subject = as_subject(read_spans(inputs, subjects))  # (batch, m, width)
        object_ = as_object(read_spans(inputs, objects))  # (batch, n, width)
        highest = ops.max(inputs, axis=1) if mask is None else pool_text(inputs, ops.cast(mask, "bool"), "max")
        text = of_text(highest)  # (batch, width)
        apart = (objects // time)[:, None] - (subjects // time)[:, :, None]  # (batch, m, n)
        distance = ops.cast(ops.take(self.distances, _class_of(apart), axis=0), subject.dtype)
        both = ops.silu(subject[:, :, None] + object_[:, None] + distance + text[:, None, None])
        product = subject_factor(subject)[:, :, None] * object_factor(object_)[:, None]
        pairs = self.dropout(ops.concatenate([both, product], axis=-1), training=training)
        return self.output_layer(pairs)

    def compute_mask(self, *inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, inputs_shape: Any, subjects_shape: Any, objects_shape: Any) -> Any:
        return (inputs_shape[0], subjects_shape[1], objects_shape[1], self.num_relations)

    def get_config(self) -> dict[str, Any]:
        own = {"num_relations": self.num_relations, "width": self.width, "dropout": self.dropout.rate}
        return {**super().get_config(), **own}


def read_spans(x: Any, spans: Any) -> Any:
    """The first step, the last step and the mean of spans, concatenated.

    Args:
        x: float ``(batch, time, channels)``.
        spans: int ``(batch, n)``, each ``first * time + last``.

    Returns:
        float ``(batch, n, 3 * channels)``.

    Example:

        >>> import numpy as np
        >>> x = np.arange(4, dtype="float32").reshape(1, 4, 1)
        >>> np.array(read_spans(x, np.array([[1 * 4 + 2]]))).tolist()
        [[[1.0, 2.0, 1.5]]]
    """
    time = ops.shape(x)[1]
    spans = ops.cast(spans, "int32")
    first, last = (spans // time)[..., None], (spans % time)[..., None]  # (batch, n, 1)
    place = ops.arange(time, dtype="int32")
    inside = ops.logical_and(place >= first, place <= last)  # (batch, n, time)
    # The mean is 0 for pairs that are no span, with the last step before the first.
    mean = ops.cast(inside, x.dtype) / ops.cast(ops.maximum(last - first + 1, 1), x.dtype)
    # Products with rows of weights are as fast as look-ups of steps on every backend.
    weights = [ops.cast(place == first, x.dtype), ops.cast(place == last, x.dtype), mean]
    return ops.concatenate([ops.matmul(each, x) for each in weights], axis=-1)


def _class_of(distance: Any) -> Any:
    """The class of a signed distance, from 0 to 2 * _STEPS."""
    size = ops.floor(4 * ops.log(1.0 + ops.abs(ops.cast(distance, "float32"))))
    return ops.cast(ops.clip(ops.sign(ops.cast(distance, "float32")) * size, -_STEPS, _STEPS), "int32") + _STEPS
