"""The likelihood of sequences, from a network that returns log probabilities of the target symbols."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="nlpkit", name="SequenceLikelihood")
class SequenceLikelihood(keras.losses.Loss):
    """Negative log likelihood of target symbols with label smoothing, for a network that returns log probabilities.

    A network with a mixture of distributions, or with a large vocabulary, returns only the log probability of the
    target symbol, and the mean of all for label smoothing.

    Args:
        label_smoothing: float, share of the probability to spread over all symbols.

    Call arguments:
        y_true: ignored, as the network has read the targets.
        y_pred: float ``(batch, steps)``, log probability of the target symbol; with label smoothing ``(batch, steps,
            2)``, this and the mean log probability of all symbols.

    Returns:
        float ``(batch, steps)``, to be weighted by sample weights of that shape, or the mean.

    Example:

        >>> import numpy as np
        >>> y_pred = np.log([[[0.5, 0.25]]]).astype("float32")
        >>> round(float(SequenceLikelihood(0.5)(np.zeros((1, 1)), y_pred)), 3)
        1.04

    References:
        Szegedy et al. (2016), Rethinking the Inception Architecture for Computer Vision, for label smoothing.
    """

    def __init__(self, label_smoothing: float = 0.0, name: str = "sequence_likelihood", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if not self.label_smoothing:
            return -y_pred
        return (self.label_smoothing - 1) * y_pred[..., 0] - self.label_smoothing * y_pred[..., 1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
