"""Scores of the boundaries of spans."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_FAR_BELOW = -1e4  # below every score, and finite in half precision


@keras.saving.register_keras_serializable(package="nlpkit", name="HalfPointers")
class HalfPointers(keras.layers.Layer):
    """Scores of beginnings and ends of spans of each kind at each step, with a gate for the whole text.

    The gate scores whether the text has any span of a kind. It is added to the scores, while the original multiplies
    probabilities, so that every loss over scores can train it.

    Args:
        num_kinds: int, number of kinds of spans.
        width: int, size of the hidden layer of the gate.

    Call arguments:
        inputs: float ``(batch, time, channels)``.
        text: float ``(batch, channels)``, a vector of the whole text.
        mask: optional bool ``(batch, time)``.

    Returns:
        float ``(batch, time, num_kinds, 2)``: scores of a beginning and of an end; -10,000 at masked steps.
        `nlpkit.decoding.pair_boundaries` pairs them to spans.

    Raises:
        ValueError: if `num_kinds` or `width` is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import HalfPointers
        >>> tuple(HalfPointers(3)(np.ones((1, 5, 4), "float32"), np.ones((1, 6), "float32")).shape)
        (1, 5, 3, 2)

    References:
        https://spaces.ac.cn/archives/6671 (2019). Wei et al. (2020), A Novel Cascade Binary Tagging Framework for
        Relational Triple Extraction.
    """

    def __init__(self, num_kinds: int, width: int = 128, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("num_kinds", num_kinds), ("width", width)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer from 1. Received: {value!r}")
        self.num_kinds, self.width = num_kinds, width
        self.marks = keras.layers.Dense(2 * num_kinds, name="marks", dtype=self.dtype_policy)
        self.hidden = keras.layers.Dense(width, "relu", name="hidden", dtype=self.dtype_policy)
        self.gate = keras.layers.Dense(num_kinds, name="gate", dtype=self.dtype_policy)
        self.supports_masking = True

    def build(self, inputs_shape: Any, text_shape: Any) -> None:
        self.marks.supports_masking = True
        self.marks.build(inputs_shape)
        self.hidden.build(text_shape)
        self.gate.build((None, self.width))
        self.built = True

    def call(self, inputs: Any, text: Any, mask: Any = None) -> Any:
        batch, time = ops.shape(inputs)[:2]
        boundaries = ops.reshape(self.marks(inputs), (batch, time, self.num_kinds, 2))
        scores = boundaries + self.gate(self.hidden(text))[:, None, :, None]
        if mask is None:
            return scores
        return ops.where(ops.cast(mask, "bool")[:, :, None, None], scores, ops.cast(_FAR_BELOW, scores.dtype))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, inputs_shape: Any, text_shape: Any) -> Any:
        return (*inputs_shape[:2], self.num_kinds, 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_kinds": self.num_kinds, "width": self.width}
