"""The likelihood of sequences whose network scores the right symbols itself."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="nlpkit", name="SequenceLikelihood")
class SequenceLikelihood(keras.losses.Loss):
    """Negative log likelihood of right symbols with label smoothing, of a network that gives log probabilities.

    A network that mixes several distributions, or has a large vocabulary, does not give out all probabilities but that
    of the right symbol alone, and what smoothing asks for.

    Args:
        label_smoothing: float, share of the probability that is spread over all symbols.

    Call arguments:
        y_true: anything; the network has seen it.
        y_pred: float ``(batch, steps)``, the log probability of the right symbol; with label smoothing ``(batch,
            steps, 2)``, that and the mean log probability of all symbols.

    Returns:
        float ``(batch, steps)``, which sample weights of that shape weigh, or their mean.

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
