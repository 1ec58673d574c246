"""Losses over the potentials of a tagging head."""

import keras
from keras import ops

from nlpkit.ops import linear_chain, potentials


class _ChainLoss(keras.losses.Loss):
    def __init__(self, reduction="sum_over_batch_size", name=None, dtype="float32"):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def log_probability(self, parts, tags):
        """Float32 ``(batch,)``."""
        raise TypeError(f"{type(self).__name__} is a base class; use CRFLoss or PathLoss")

    def call(self, y_true, y_pred):
        parts = potentials.unpack(y_pred)
        if len(y_true.shape) == 3 and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        steps = parts.emissions.shape[1]
        if len(y_true.shape) != 2 or (None not in (steps, y_true.shape[1]) and steps != y_true.shape[1]):
            raise ValueError(
                f"{type(self).__name__} takes integer tags of the shape (batch, time) with {steps} steps, as many as "
                f"the emissions have. Received: {tuple(y_true.shape)}"
            )
        return -self.log_probability(parts, ops.cast(y_true, "int32"))

    def get_config(self):
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="nlpkit", name="CRFLoss")
class CRFLoss(_ChainLoss):
    """Negative log likelihood of whole tag sequences, for `nlpkit.layers.CRF`.

    Call arguments:
        y_true: tags, integer (or whole-valued float) ``(batch, time)``; any value at masked steps.
        y_pred: potentials, float32 ``(batch, time + K + 2, K + 1)``.

    Returns:
        The mean over the rows of the batch (each row's loss is a sum over its steps), or as `reduction` says.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CRF
        >>> from nlpkit.losses import CRFLoss
        >>> potentials = CRF(2)(np.zeros((1, 3, 2), "float32"))
        >>> round(float(CRFLoss()(np.array([[0, 1, 0]]), potentials)), 4)  # log of 2 ** 3 paths
        2.0794
    """

    def log_probability(self, parts, tags):
        return linear_chain.log_likelihood(tags=tags, **parts._asdict())


@keras.saving.register_keras_serializable(package="nlpkit", name="PathLoss")
class PathLoss(_ChainLoss):
    """Negative score of the tag sequence, for heads that normalise step by step: `MEMM` and `TagSoftmax`.

    There a path's score is its log probability already. Arguments and reduction as in `CRFLoss`.
    """

    def log_probability(self, parts, tags):
        return linear_chain.path_score(tags=tags, **parts._asdict())
