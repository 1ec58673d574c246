"""Logistic regression of pairs of sentences on their cosine."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.losses.contrastive import ContrastiveLoss


@keras.saving.register_keras_serializable(package="nlpkit", name="PairLogisticLoss")
class PairLogisticLoss(keras.losses.Loss):
    """Binary cross entropy of ``scale * (cosine - margin)`` for each pair, plus a contrastive loss of positive pairs.

    The latter is `ContrastiveLoss`, in which a sentence has to select its partner among all sentences of the batch,
    weighted by the label of the pair. Occasional wrong labels do little harm, since the loss of a pair is at most
    linear in its cosine, while the ranking loss `CoSENTLoss` depends on the order of all pairs.

    Args:
        scale: float, factor of the cosines.
        margin: float, cosine at which both labels are equally likely.
        contrast: float, weight of the contrastive loss; 0 leaves it out.
        contrast_scale: float, factor of the cosines in the contrastive loss.
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: similarity of each pair, from 0 to 1, ``(pairs,)`` or ``(pairs, 1)``.
        y_pred: both vectors of each pair, of length 1, float ``(pairs, 2, size)``; computed in float32.

    Returns:
        Float32: the mean over pairs.

    Example:

        >>> import numpy as np
        >>> same = np.array([[[1, 0], [1, 0]]], "float32")
        >>> round(float(PairLogisticLoss(10.0, 0.7, contrast=0.0)(np.array([1.0]), same)), 4)
        0.0486

    References:
        Zhai et al. (2023), Sigmoid Loss for Language Image Pre-Training, for the scale and the bias.
    """

    def __init__(
        self,
        scale: float = 10.0,
        margin: float = 0.7,
        contrast: float = 0.2,
        contrast_scale: float = 20.0,
        name: str | None = None,
        dtype: Any = "float32",
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, reduction=kwargs.pop("reduction", "sum_over_batch_size"), **kwargs)
        self.scale, self.margin, self.contrast, self.contrast_scale = scale, margin, contrast, contrast_scale

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each pair, float32 ``(pairs,)``."""
        labels = ops.reshape(ops.cast(y_true, "float32"), (-1,))
        vectors = ops.cast(y_pred, "float32")
        cosines = ops.sum(vectors[:, 0] * vectors[:, 1], axis=-1)  # (pairs,)
        logits = self.scale * (cosines - self.margin)
        losses = ops.softplus(logits) - labels * logits
        if not self.contrast:
            return losses
        rows = ops.reshape(vectors, (-1, vectors.shape[-1]))  # (2 pairs, size)
        pairs = ops.repeat(ops.arange(ops.shape(labels)[0], dtype="int32"), 2)
        contrasts = ops.reshape(ContrastiveLoss(self.contrast_scale).call(pairs, rows), (-1, 2))
        return losses + self.contrast * labels * ops.mean(contrasts, axis=1)

    def get_config(self) -> dict:
        own = {name: getattr(self, name) for name in ("scale", "margin", "contrast", "contrast_scale")}
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype, **own}
