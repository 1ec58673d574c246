"""A contrastive loss between the groups of a batch."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

NEGATIVE = -1
"""The group of a row without positives."""
_NEVER = -1e30  # score of an excluded row


@keras.saving.register_keras_serializable(package="nlpkit", name="ContrastiveLoss")
class ContrastiveLoss(keras.losses.Loss):
    """Softmax of scaled cosines, in which each row has to select the rows of its group among the batch.

    The other rows of a batch are negatives. Rows of the group -1 are hard negatives: they have no positives and no
    loss. With each text twice in the batch, under different dropout, and one group per text, this is unsupervised
    SimCSE.

    Args:
        scale: float, factor of the cosines, the inverse of the temperature.
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: group of each row, int ``(rows,)`` or ``(rows, 1)``.
        y_pred: vectors of length 1, float ``(rows, size)``; computed in float32.

    Returns:
        Float32: the mean over rows. The loss of a row is the mean over its positives, 0 without any.

    Example:

        >>> import numpy as np
        >>> vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], "float32")
        >>> round(float(ContrastiveLoss(1.0)(np.array([0, 0, 1, 1]), vectors)), 4)
        0.5514

    References:
        Gao, Yao and Chen (2021), SimCSE. Khosla et al. (2020), Supervised Contrastive Learning.
    """

    def __init__(self, scale: float = 20.0, name: str | None = None, dtype: Any = "float32", **kwargs: Any):
        super().__init__(name=name, dtype=dtype, reduction=kwargs.pop("reduction", "sum_over_batch_size"), **kwargs)
        self.scale = scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row, float32 ``(rows,)``."""
        groups = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        vectors = ops.cast(y_pred, "float32")
        scores = self.scale * ops.matmul(vectors, ops.transpose(vectors))  # (rows, rows)
        rows = ops.arange(ops.shape(groups)[0], dtype="int32")
        is_itself = rows[:, None] == rows[None]
        is_positive = (groups[:, None] == groups[None]) & ~is_itself & (groups != NEGATIVE)[:, None]
        negatives = ops.logsumexp(ops.where(is_positive | is_itself, _NEVER, scores), axis=1, keepdims=True)
        losses = ops.logaddexp(negatives - scores, ops.zeros_like(scores))
        weights = ops.cast(is_positive, "float32")
        return ops.sum(ops.where(is_positive, losses, 0.0), axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)

    def get_config(self) -> dict:
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype, "scale": self.scale}
