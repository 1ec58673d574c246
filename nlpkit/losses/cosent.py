"""CoSENT: a ranking loss over pairs of sentences."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_NEVER = -1e30  # value of a comparison without information


@keras.saving.register_keras_serializable(package="nlpkit", name="CoSENTLoss")
class CoSENTLoss(keras.losses.Loss):
    """Ranking loss that gives pairs with higher labels higher cosines: ``log(1 + Σ exp(scale (c_j - c_i)))``.

    The sum is over all i and j of the batch where pair i has a higher label than pair j. Only the order of labels
    matters, so they may be binary or on any scale. The loss is one number per batch.

    Args:
        scale: float, factor of the differences of cosines.
        **kwargs: `name` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: labels, ``(pairs,)`` or ``(pairs, 1)``.
        y_pred: cosine of each pair, of the same shape; computed in float32.

    Returns:
        Float32, a scalar; 0 if all labels are the same.

    Example:

        >>> import numpy as np
        >>> round(float(CoSENTLoss(20.0)(np.array([1, 0]), np.array([0.5, 0.5], "float32"))), 4)
        0.6931

    References:
        https://spaces.ac.cn/archives/8847
    """

    def __init__(self, scale: float = 20.0, name: str | None = None, dtype: Any = "float32", **kwargs: Any):
        super().__init__(name=name, dtype=dtype, reduction=kwargs.pop("reduction", "sum_over_batch_size"), **kwargs)
        self.scale = scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of the batch, float32 ``(1,)``."""
        labels = ops.reshape(ops.cast(y_true, "float32"), (-1,))
        cosines = self.scale * ops.reshape(ops.cast(y_pred, "float32"), (-1,))
        is_higher = labels[:, None] > labels[None]  # (pairs, pairs): label of the row against that of the column
        differences = ops.where(is_higher, cosines[None] - cosines[:, None], _NEVER)
        return ops.logsumexp(ops.concatenate([ops.zeros((1,)), ops.reshape(differences, (-1,))]), axis=0)[None]

    def get_config(self) -> dict:
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype, "scale": self.scale}
