"""Log probability and rank of the target ids."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="GoldScores")
class GoldScores(keras.layers.Layer):
    """The log probability of the target id at each step, and its rank: the number of ids with a higher one.

    Perplexity and top-k accuracy over a big vocabulary follow from these two numbers, so that the distributions need
    not leave the graph.

    Call arguments:
        logits: float ``(batch, time, ids)``.
        gold: target ids, int32 ``(batch, time)``.

    Returns:
        float32 ``(batch, time, 2)``, log probabilities and ranks.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import GoldScores
        >>> logits = np.log(np.array([[[0.1, 0.6, 0.3]]], "float32"))
        >>> scores = np.asarray(GoldScores()(logits, np.array([[2]])))
        >>> [round(float(np.exp(scores[0, 0, 0])), 4), float(scores[0, 0, 1])]
        [0.3, 1.0]
    """

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def call(self, logits: Any, gold: Any) -> Any:
        own = ops.take_along_axis(logits, ops.cast(gold, "int32")[..., None], axis=-1)  # (batch, time, 1)
        above = ops.sum(ops.cast(logits > own, "float32"), axis=-1, keepdims=True)
        return ops.concatenate([own - ops.logsumexp(logits, axis=-1, keepdims=True), above], axis=-1)

    def compute_output_shape(self, logits_shape: Any, gold_shape: Any) -> Any:
        return (*gold_shape, 2)
