"""Losses for many labels of which few are true."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_FAR = 1e4  # beyond every logit


def multi_label_cross_entropy(targets: Any, logits: Any, mask: Any = None) -> Any:
    """Cross entropy of a set of true labels against all others, with 0 as the threshold between them.

    ``log(1 + sum exp(s))`` over the scores of all false labels, plus ``log(1 + sum exp(-s))`` over those of the true
    ones. Every true label is compared softly with every false one, so that the loss is balanced for any number of
    labels. After training, the predicted labels are those with a score above 0.

    Args:
        targets: 1 for true labels, 0 for others, ``(…, labels)``.
        logits: float ``(…, labels)``; computed in float32.
        mask: optional bool ``(…, labels)``, whether each label exists.

    Returns:
        float32 ``(…)``.

    Example:

        >>> import numpy as np
        >>> round(float(multi_label_cross_entropy(np.array([1, 0, 0]), np.array([2.0, -3.0, -3.0], "float32"))), 4)
        0.2219

    References:
        https://spaces.ac.cn/archives/7359 (2020); Sun et al. (2020), Circle Loss, which generalises it.
    """
    logits = ops.cast(logits, "float32")
    true = ops.cast(targets, "bool")
    exists = ops.ones_like(true) if mask is None else ops.cast(mask, "bool")
    others = ops.where(ops.logical_and(exists, ops.logical_not(true)), logits, -_FAR)
    wanted = ops.where(ops.logical_and(exists, true), -logits, -_FAR)
    return _softplus_sum(others) + _softplus_sum(wanted)


def _softplus_sum(scores: Any) -> Any:
    """``log(1 + sum exp(scores))`` over the last axis."""
    zero = ops.zeros_like(scores[..., :1])
    return ops.logsumexp(ops.concatenate([scores, zero], axis=-1), axis=-1)


def sigmoid_power_cross_entropy(targets: Any, logits: Any, mask: Any = None, power: float = 1.0) -> Any:
    """Sum of binary cross entropies with a power of the sigmoid of the score as the probability of a label.

    With a power above 1 a label with score 0 is already improbable, as most labels are: its probability is 0.06 with a
    power of 4. A power of 1 gives the usual binary cross entropy.

    Args:
        targets: 1 for true labels, 0 for others, ``(…, labels)``.
        logits: float ``(…, labels)``; computed in float32.
        mask: optional bool ``(…, labels)``, whether each label exists.
        power: float, above 0, exponent of the sigmoid.

    Returns:
        float32 ``(…)``.

    Example:

        >>> import numpy as np
        >>> round(float(sigmoid_power_cross_entropy(np.array([1, 0]), np.zeros(2, "float32"), power=2)), 4)
        1.674

    References:
        https://spaces.ac.cn/archives/7161 (2020).
    """
    logits = ops.cast(logits, "float32")
    log_p = -power * ops.softplus(-logits)  # log p of a true label
    # log(1 - p): by expm1, and by its limit where p rounds to 1.
    low = ops.minimum(logits, 10.0)
    below = ops.log(-ops.expm1(-power * ops.softplus(-low)))
    log_q = ops.where(logits < 10.0, below, ops.log(power) - logits)
    losses = -ops.where(ops.cast(targets, "bool"), log_p, log_q)
    if mask is not None:
        losses = ops.where(ops.cast(mask, "bool"), losses, 0.0)
    return ops.sum(losses, axis=-1)


class _MultiLabelLoss(keras.losses.Loss):
    def __init__(self, name: str | None = None, dtype: Any = "float32", **kwargs: Any):
        super().__init__(name=name, dtype=dtype, reduction=kwargs.pop("reduction", "sum_over_batch_size"), **kwargs)

    def get_config(self) -> dict:
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="nlpkit", name="MultiLabelCrossEntropy")
class MultiLabelCrossEntropy(_MultiLabelLoss):
    """`multi_label_cross_entropy` as a Keras loss.

    Args:
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: 1 for true labels, 0 for others, ``(batch, …, labels)``.
        y_pred: float ``(batch, …, labels)``, scores; a score above 0 predicts a label.

    Returns:
        Float32: the mean over all but the last axis.

    Example:

        >>> import numpy as np
        >>> loss = MultiLabelCrossEntropy()
        >>> round(float(loss(np.array([[1, 0, 0]]), np.array([[2.0, -3.0, -3.0]]))), 4)
        0.2219
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each set of labels, float32 ``(batch, …)``."""
        return multi_label_cross_entropy(y_true, y_pred)


@keras.saving.register_keras_serializable(package="nlpkit", name="SigmoidPowerCrossEntropy")
class SigmoidPowerCrossEntropy(_MultiLabelLoss):
    """`sigmoid_power_cross_entropy` as a Keras loss.

    Args:
        power: float, above 0, exponent of the sigmoid.
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: 1 for true labels, 0 for others, ``(batch, …, labels)``.
        y_pred: float ``(batch, …, labels)``, scores; a label has the probability ``sigmoid(score)**power``.

    Returns:
        Float32: the mean over all but the last axis of the sums over the labels.

    Raises:
        ValueError: if `power` is not above 0.

    Example:

        >>> import numpy as np
        >>> loss = SigmoidPowerCrossEntropy(2)
        >>> round(float(loss(np.array([[1, 0]]), np.zeros((1, 2)))), 4)
        1.674
    """

    def __init__(self, power: float = 2.0, **kwargs: Any):
        super().__init__(**kwargs)
        if not power > 0:
            raise ValueError(f"power must be above 0. Received: {power!r}")
        self.power = float(power)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each set of labels, float32 ``(batch, …)``."""
        return sigmoid_power_cross_entropy(y_true, y_pred, power=self.power)

    def get_config(self) -> dict:
        return {**super().get_config(), "power": self.power}
