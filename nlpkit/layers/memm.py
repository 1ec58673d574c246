"""The two-way maximum-entropy Markov model as a Keras layer."""

from typing import Any

import keras
from keras import ops

from nlpkit.layers.chain_head import ChainHead
from nlpkit.ops import potentials


@keras.saving.register_keras_serializable(package="nlpkit", name="MEMM")
class MEMM(ChainHead):
    """Two-way maximum-entropy Markov model: a chain that is normalised at each step.

    Left to right, a tag's probability given the tag before it is ``softmax(emissions + transitions[before])``; right
    to left, given the tag after it, ``softmax(emissions + transitions[:, after])``. A path's score is the mean of its
    two log probabilities, and is not normalised over paths. It needs no sum over paths, so training is cheaper than a
    `CRF`'s; decoding is the same.

    It has the arguments and the output of a `CRF`. Train it with `nlpkit.losses.PathLoss`, on sequences with a label at
    every step, and decode it with `nlpkit.layers.ViterbiDecoder`.

    Args:
        num_tags: int, number of tags K.
        allowed: optional bool table ``(K + 1, K + 1)``, see `CRF`; `MEMM.from_labels` makes it from a tag scheme.
        learning_rate_multiplier: float; the transitions move this many times faster, see `CRF`.
        transitions_initializer, transitions_regularizer: for the transition, start and end scores.
        **kwargs: the arguments of `keras.layers.Layer`; the dtype is float32 unless given.

    Call arguments:
        inputs: emissions, float ``(batch, time, K)``.
        mask: optional bool ``(batch, time)``; a step that is off does not exist.

    Returns:
        Potentials, float32 ``(batch, time + K + 2, K + 1)``, with that mean as the score of a path.

    Raises:
        ValueError: if an argument is invalid, the last axis of the input is not K, or the mask does not fit it.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.layers import MEMM
        >>> from nlpkit.losses import PathLoss
        >>> emissions = keras.Input((5, 3))
        >>> model = keras.Model(emissions, MEMM(3)(emissions))
        >>> model.compile("adam", loss=PathLoss())
        >>> model.predict(np.zeros((2, 5, 3)), verbose=0).shape
        (2, 10, 4)

    References:
        McCallum, Freitag and Pereira (2000), Maximum Entropy Markov Models. Both directions with one table:
        https://spaces.ac.cn/archives/7213
    """

    normalization = potentials.BY_STEP

    def adjust(self, emissions: Any, transitions: Any, start: Any, end: Any, mask: Any) -> Any:
        # log p = ½ Σ_t [e_t(y_t) + T(y_t-1, y_t) - F_t(y_t-1)] + ½ Σ_t [e_t(y_t) + T(y_t, y_t+1) - G_t(y_t+1)]
        # where F and G are the normalisers of step t. Each depends on one neighbouring tag only, so moving them into
        # the emissions of that neighbour leaves a chain.
        if mask is None:
            mask = ops.ones(ops.shape(emissions)[:2], dtype="bool")
        to_next = _log_matmul(emissions, ops.transpose(transitions))  # F_t(i), (batch, time, tags)
        to_previous = _log_matmul(emissions, transitions)  # G_t(j)
        has_next, next_step, has_previous, previous_step = _neighbours(mask)
        # (batch, time, tags)
        adjusted = emissions - 0.5 * (
            ops.where(has_next, _take(to_next, next_step), ops.logsumexp(emissions + end, axis=-1, keepdims=True))
            + ops.where(
                has_previous,
                _take(to_previous, previous_step),
                ops.logsumexp(emissions + start, axis=-1, keepdims=True),
            )
        )
        # The chain adds start and end in full, but each direction has only one of them: subtract half of each.
        return adjusted - 0.5 * ops.where(has_previous, 0.0, start) - 0.5 * ops.where(has_next, 0.0, end)


def _log_matmul(log_rows: Any, log_table: Any) -> Any:
    """``log(exp(log_rows) @ exp(log_table))``, ``(batch, time, tags)``."""
    top = ops.max(log_rows, axis=-1, keepdims=True)
    peak = ops.max(log_table)
    total = ops.matmul(ops.exp(log_rows - top), ops.exp(log_table - peak))
    return ops.log(ops.maximum(total, 1e-37)) + top + peak


def _neighbours(mask: Any) -> tuple[Any, Any, Any, Any]:
    """Whether a real step follows each step ``(batch, time, 1)``, its place ``(batch, time)``; the same before it."""
    time = ops.shape(mask)[1]
    place = ops.broadcast_to(ops.arange(time, dtype="int32"), ops.shape(mask))
    # (batch, time): the places of the real steps, then of the others
    order = ops.argsort(ops.where(mask, place, place + time), axis=1)
    count = ops.cumsum(ops.cast(mask, "int32"), axis=1)
    rank = count - 1  # (batch, time): number of real steps before a real step
    after = ops.take_along_axis(order, ops.minimum(rank + 1, time - 1), axis=1)
    before = ops.take_along_axis(order, ops.maximum(rank - 1, 0), axis=1)
    return (count < count[:, -1:])[..., None], after, (rank > 0)[..., None], before


def _take(x: Any, steps: Any) -> Any:
    """``x[b, steps[b, t]]``."""
    return ops.take_along_axis(x, steps[..., None], axis=1)
