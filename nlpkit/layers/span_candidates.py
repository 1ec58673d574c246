"""Selection of the best spans of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="SpanCandidates")
class SpanCandidates(keras.layers.Layer):
    """The spans of each kind with the highest scores.

    Args:
        counts: number of spans of each kind; never more than the spans of the shortest padded text.

    Call arguments:
        scores: float ``(batch, kinds, time, time)``, output of `nlpkit.layers.GlobalPointer`.
        always: optional ``(batch, kinds, time, time)``, 1 for spans to select whatever their score.

    Returns:
        A pair for each kind: the spans, int32 ``(batch, count)``, each ``first * time + last``, and their scores, float
        ``(batch, count)``.

    Raises:
        ValueError: if a count is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import SpanCandidates
        >>> (spans, scores), = SpanCandidates([2])(np.array([[[[1.0, 3.0], [-1e4, 2.0]]]], "float32"))
        >>> np.array(spans).tolist(), np.array(scores).tolist()
        ([[1, 3]], [[3.0, 2.0]])
    """

    def __init__(self, counts: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        if not counts or not all(isinstance(count, int) and count >= 1 for count in counts):
            raise ValueError(f"counts must be integers from 1. Received: {counts!r}")
        self.counts = list(counts)

    def call(self, scores: Any, always: Any = None) -> Any:
        batch, kinds, time = ops.shape(scores)[:3]
        flat = ops.reshape(scores, (batch, kinds, time * time))
        order = flat
        if always is not None:
            order = flat + 1e6 * ops.cast(ops.reshape(always, (batch, kinds, time * time)), flat.dtype)
        chosen = []
        for kind, count in enumerate(self.counts):
            _, spans = ops.top_k(order[:, kind], count)
            spans = ops.cast(spans, "int32")
            chosen.append((spans, ops.take_along_axis(flat[:, kind], spans, axis=1)))
        return chosen

    def compute_output_spec(self, scores: Any, always: Any = None) -> Any:
        batch = scores.shape[0]
        return [
            (keras.KerasTensor((batch, count), "int32"), keras.KerasTensor((batch, count), scores.dtype))
            for count in self.counts
        ]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "counts": self.counts}
