"""Softmax losses over cosines to classes, with a margin for the target class."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


class _CosineLoss(keras.losses.Loss):
    """Base of the margin losses: cross entropy of scaled cosines, with the target classes transformed by `target`."""

    def __init__(self, scale: float = 30.0, reduction: str | None = "sum_over_batch_size", name: str | None = None,
                 dtype: Any = "float32"):  # fmt: skip
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not scale > 0:
            raise ValueError(f"scale must be above 0. Received: {scale!r}")
        self.scale = scale

    def target(self, cosine: Any) -> Any:
        """The replacement of the cosine of the target class, float32 of the same shape."""
        return cosine

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row, float32 ``(batch,)``."""
        cosines = ops.cast(y_pred, "float32")
        y_true = ops.convert_to_tensor(y_true)
        if len(y_true.shape) == 2 and y_true.shape[-1] == 1:
            y_true = y_true[:, 0]
        if len(y_true.shape) == 2:
            labels = ops.cast(y_true, "float32")
            logits = self.scale * (cosines + labels * (self.target(cosines) - cosines))
            return ops.logsumexp(logits, axis=-1) * ops.sum(labels, axis=-1) - ops.sum(labels * logits, axis=-1)
        if len(y_true.shape) != 1 or len(cosines.shape) != 2:
            raise ValueError(
                f"{type(self).__name__} takes cosines (batch, classes), and labels (batch,) or (batch, classes). "
                f"Received: {tuple(cosines.shape)} and {tuple(y_true.shape)}"
            )
        labels = ops.cast(y_true, "int32")[:, None]
        right = ops.take_along_axis(cosines, labels, axis=-1)  # (batch, 1)
        target = self.target(right)
        # The margin is applied before the sum: a later correction of the sum would lose digits.
        is_right = ops.arange(ops.shape(cosines)[1], dtype="int32")[None] == labels
        logits = self.scale * ops.where(is_right, target, cosines)
        return ops.logsumexp(logits, axis=-1) - self.scale * target[:, 0]

    def get_config(self) -> dict:
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype, "scale": self.scale}


class _MarginLoss(_CosineLoss):
    def __init__(self, scale: float = 30.0, margin: float = 0.35, **kwargs: Any):
        super().__init__(scale, **kwargs)
        if not margin >= 0:
            raise ValueError(f"margin must be at least 0. Received: {margin!r}")
        self.margin = margin

    def get_config(self) -> dict:
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="nlpkit", name="ScaledSoftmaxLoss")
class ScaledSoftmaxLoss(_CosineLoss):
    """Cross entropy of the softmax of ``scale`` times cosines, without a margin.

    Args:
        scale: float, factor of the cosines, which are too small by themselves for confident predictions.
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: target classes, int ``(batch,)`` or ``(batch, 1)``, or float ``(batch, classes)``, probabilities.
        y_pred: cosines, float ``(batch, classes)``, see `nlpkit.layers.ClassCosines`; computed in float32.

    Returns:
        Float32, a scalar, or ``(batch,)`` where `reduction` is None.

    Raises:
        ValueError: if the shapes do not fit.

    Example:

        >>> import numpy as np
        >>> round(float(ScaledSoftmaxLoss(scale=10.0)(np.array([0]), np.array([[0.9, 0.8]], "float32"))), 4)
        0.3133

    References:
        Wang et al. (2017), NormFace: L2 Hypersphere Embedding for Face Verification.
    """


@keras.saving.register_keras_serializable(package="nlpkit", name="AMSoftmaxLoss")
class AMSoftmaxLoss(_MarginLoss):
    """Softmax with an additive margin, which is subtracted from the cosine of the target class.

    Args:
        scale: float, factor of the cosines.
        margin: float, from 0, difference of cosines.
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments, returns, raises: see `ScaledSoftmaxLoss`.

    Example:

        >>> import numpy as np
        >>> round(float(AMSoftmaxLoss(10.0, 0.1)(np.array([0]), np.array([[0.9, 0.8]], "float32"))), 4)
        0.6931

    References:
        Wang et al. (2018), Additive Margin Softmax for Face Verification. For sentences:
        https://spaces.ac.cn/archives/5743
    """

    def target(self, cosine: Any) -> Any:
        return cosine - self.margin


@keras.saving.register_keras_serializable(package="nlpkit", name="ArcFaceLoss")
class ArcFaceLoss(_MarginLoss):
    """Softmax with an angular margin, which is added to the angle of the target class.

    Where the angle would exceed 180 degrees, a constant is subtracted from the cosine instead, so that it still
    decreases with the angle.

    Args:
        scale: float, factor of the cosines.
        margin: float, from 0 to below pi / 2, an angle.
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments, returns, raises: see `ScaledSoftmaxLoss`.

    Example:

        >>> import numpy as np
        >>> round(float(ArcFaceLoss(10.0, 0.2)(np.array([0]), np.array([[0.9, 0.8]], "float32"))), 4)
        0.7161

    References:
        Deng et al. (2019), ArcFace: Additive Angular Margin Loss for Deep Face Recognition.
    """

    def __init__(self, scale: float = 30.0, margin: float = 0.3, **kwargs: Any):
        super().__init__(scale, margin, **kwargs)
        if not margin < math.pi / 2:
            raise ValueError(f"margin must be below pi / 2. Received: {margin!r}")

    def target(self, cosine: Any) -> Any:
        # The root has no derivative at an angle of 0.
        cosine = ops.clip(cosine, -1 + 1e-6, 1 - 1e-6)
        shifted = cosine * math.cos(self.margin) - ops.sqrt(1 - ops.square(cosine)) * math.sin(self.margin)
        return ops.where(cosine > -math.cos(self.margin), shifted, cosine - self.margin * math.sin(self.margin))


@keras.saving.register_keras_serializable(package="nlpkit", name="SimplerMarginLoss")
class SimplerMarginLoss(_CosineLoss):
    """Softmax with ``min(cos 4θ, cos θ)`` as the cosine of the target class: a margin without a parameter.

    Args:
        scale: float, factor of the cosines.
        **kwargs: `reduction`, `name` and `dtype` of `keras.losses.Loss`.

    Call arguments, returns, raises: see `ScaledSoftmaxLoss`.

    Example:

        >>> import numpy as np
        >>> round(float(SimplerMarginLoss(10.0)(np.array([0]), np.array([[0.99, 0.8]], "float32"))), 4)
        0.4973

    References:
        https://spaces.ac.cn/archives/5743
    """

    def target(self, cosine: Any) -> Any:
        square = ops.square(cosine)
        return ops.minimum(8 * square * (square - 1) + 1, cosine)
