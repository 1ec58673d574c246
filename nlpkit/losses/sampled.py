"""Losses of positives against a few random negatives, with explicit derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops


def negative_sampling(
    positive: Any, negative: Any, positive_weights: Any, negative_weights: Any
) -> tuple[Callable[[], Any], Any, Any]:
    """Negative sampling: an independent logistic regression for each positive and each negative.

    Args:
        positive: float ``(…, positives)``, scores of positives.
        negative: float ``(…, negatives)``, scores of the negatives that all positives of a row share.
        positive_weights, negative_weights: weights of the scores, float of the same shapes.

    Returns:
        A function without arguments that returns the loss, a scalar sum; and the derivatives by `positive` and by
        `negative`, of the same shapes.

    Example:

        >>> import numpy as np
        >>> one = np.ones((1, 1), "float32")
        >>> loss, slope, _ = negative_sampling(0 * one, 0 * one, one, one)
        >>> round(float(loss()), 4), float(slope[0, 0])  # twice log 2
        (1.3863, -0.5)

    References:
        Mikolov et al. (2013), Distributed Representations of Words and Phrases and their Compositionality.
    """

    def loss() -> Any:
        return ops.sum(positive_weights * ops.softplus(-positive)) + ops.sum(negative_weights * ops.softplus(negative))

    return loss, -ops.sigmoid(-positive) * positive_weights, ops.sigmoid(negative) * negative_weights


def sampled_softmax(
    positive: Any, negative: Any, positive_weights: Any, negative_weights: Any
) -> tuple[Callable[[], Any], Any, Any]:
    """A softmax over one positive and the negatives, for each positive.

    Args:
        positive, negative, positive_weights, negative_weights: see `negative_sampling`. In the denominator, a negative
            has its weight over the sum of the weights of the positives of its row.

    Returns:
        See `negative_sampling`.

    Example:

        >>> import numpy as np
        >>> one = np.ones((1, 1), "float32")
        >>> loss, _, _ = sampled_softmax(0 * one, 0 * one, one, one)
        >>> round(float(loss()), 4)  # log 2
        0.6931

    References:
        Jean et al. (2015), On Using Very Large Target Vocabulary for Neural Machine Translation. Su (2017), who calls
        it random softmax: https://spaces.ac.cn/archives/4402
    """
    total = ops.sum(positive_weights, axis=-1, keepdims=True)
    factors = negative_weights / ops.maximum(total, 1e-9)
    top = ops.maximum(ops.max(positive, axis=-1, keepdims=True), ops.max(negative, axis=-1, keepdims=True))
    own, drawn = ops.exp(positive - top), ops.exp(negative - top) * factors
    every = own + ops.sum(drawn, axis=-1, keepdims=True)

    def loss() -> Any:
        return ops.sum(positive_weights * (ops.log(every) + top - positive))

    share = positive_weights / every
    return loss, share * own - positive_weights, drawn * ops.sum(share, axis=-1, keepdims=True)
