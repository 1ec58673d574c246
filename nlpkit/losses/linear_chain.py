"""Losses over the potentials of a tagging head."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from nlpkit.ops import linear_chain, potentials
from nlpkit.ops.linear_chain import UNLABELLED
from nlpkit.ops.visible import visible_values


class _ChainLoss(keras.losses.Loss):
    """Base of `CRFLoss` and `PathLoss`: checks of shapes and potentials, and weights per step."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = "float32"):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def log_probability(self, parts: potentials.Potentials, normalization: Any, tags: Any, weights: Any) -> Any:
        """The log probability of each row, float32 ``(batch,)``.

        Args:
            parts: `Potentials`.
            normalization: float ``(batch,)``, normalisation of the paths of a row, see `nlpkit.ops.potentials`.
            tags: ``(batch, time)``.
            weights: None, or float ``(batch, time)``.
        """
        raise TypeError(f"{type(self).__name__} is a base class; use CRFLoss or PathLoss")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if isinstance(y_true, (list, tuple)):
            y_true = np.asarray(y_true)
        if isinstance(sample_weight, (list, tuple)):
            sample_weight = np.asarray(sample_weight)
        # Weights (batch,) and (batch, 1) are per row.
        if sample_weight is not None and len(sample_weight.shape) > 1 and tuple(sample_weight.shape[1:]) != (1,):
            # Keras would multiply the losses of the rows by them, but passes structures of tensors on to `call`.
            y_true, sample_weight = (y_true, sample_weight), None
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Losses of the rows, ``(batch,)``; `y_true` is the tags, or a pair of the tags and a weight for each step."""
        tags, weights = y_true if isinstance(y_true, tuple) else (y_true, None)
        parts = potentials.unpack(y_pred)
        tags = self._steps("tags", tags, parts.emissions, y_pred)
        if weights is not None:
            weights = self._steps("sample weights per step", weights, parts.emissions, y_pred)
        marked = potentials.is_marked(y_pred)  # (batch,)
        _assert_in_graph(ops.all(marked), potentials.not_potentials(tuple(y_pred.shape)))
        log_p = self.log_probability(parts, potentials.normalization_of(y_pred), tags, weights)
        return -log_p * ops.where(marked, 1.0, float("nan"))

    def _steps(self, name: str, x: Any, emissions: Any, y_pred: Any) -> Any:
        """`x` as ``(batch, time)``, or a `ValueError` with both numbers of steps."""
        if len(x.shape) == 3 and x.shape[-1] == 1:
            x = x[..., 0]
        if len(x.shape) != 2:
            raise ValueError(
                f"{type(self).__name__} takes {name} of the shape (batch, time). Received: {tuple(x.shape)}"
            )
        steps, num_tags = emissions.shape[1:]
        if None not in (steps, x.shape[1]) and steps != x.shape[1]:
            raise ValueError(
                f"{type(self).__name__} got {name} with {x.shape[1]} steps, of the shape {tuple(x.shape)}, and "
                f"potentials with {steps} steps and {num_tags} tags, of the shape {tuple(y_pred.shape)}. If these are "
                f"not potentials, put a tagging head such as nlpkit.layers.CRF after the layer that scores the tags"
            )
        if None in (steps, x.shape[1]):
            received = ops.shape(x)[1], ops.shape(emissions)[1]
            _assert_in_graph(ops.equal(*received), f"{name} and potentials must have as many steps, received", received)
        return x

    def get_config(self) -> dict:
        return {"name": self.name, "reduction": self.reduction, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="nlpkit", name="CRFLoss")
class CRFLoss(_ChainLoss):
    """Negative log likelihood of the tags of each row, for `nlpkit.layers.CRF`.

    With unlabelled steps, it is the likelihood of the other labels: the sum over all sequences that agree with them.

    Args:
        reduction: string or None, reduction of the losses of the rows by Keras, by default their mean. The loss of a
            row is the sum over its steps.
        name: optional string.
        dtype: string, the dtype of the loss.

    Call arguments:
        y_true: tags, integer (or whole-valued float) ``(batch, time)``, from 0 to K - 1; -100 at a step that exists
            but is not labelled; any value at masked steps.
        y_pred: potentials, float32 ``(batch, time + K + 2, K + 1)``.
        sample_weight: optional float; weights of rows, ``(batch,)`` or ``(batch, 1)``, or flags of labelled steps,
            ``(batch, time)``: 1 keeps a tag, 0 replaces it by -100. The loss of a CRF is not a sum over steps, so
            other weights of steps are not accepted.

    Returns:
        Float32, a scalar, or ``(batch,)`` where `reduction` is None.

    Raises:
        ValueError: if `y_pred` is not the output of a head, the numbers of steps differ, or a tag or weight inside the
            mask is not accepted. Inside a compiled graph, where values are not visible, the loss is NaN instead.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CRF
        >>> from nlpkit.losses import CRFLoss
        >>> potentials = CRF(2)(np.zeros((1, 3, 2), "float32"))
        >>> round(float(CRFLoss()(np.array([[0, 1, 0]]), potentials)), 4)  # log of 2 ** 3 paths
        2.0794
        >>> round(float(CRFLoss()(np.array([[0, -100, 0]]), potentials)), 4)  # 2 of the 8 paths agree
        1.3863

    References:
        Lafferty, McCallum and Pereira (2001), Conditional Random Fields. Tsuboi et al. (2008), Training Conditional
        Random Fields Using Incomplete Annotations.
    """

    def log_probability(self, parts: potentials.Potentials, normalization: Any, tags: Any, weights: Any) -> Any:
        if weights is not None:
            off, on = weights == 0, weights == 1
            wrong = ops.logical_and(parts.mask, ops.logical_not(ops.logical_or(off, on)))
            _refuse(
                wrong,
                weights,
                "the loss of a CRF is not a sum over steps, so that a sample weight per step is 1, or 0 for a step "
                "that is not labelled; weights of another size are taken per row, (batch,)",
            )
            tags = ops.where(off, UNLABELLED, ops.where(on, tags, -1))  # -1 is no tag: NaN
        return linear_chain.log_likelihood(tags=tags, **parts._asdict())


@keras.saving.register_keras_serializable(package="nlpkit", name="PathLoss")
class PathLoss(_ChainLoss):
    """Negative score of the tags of each row, for heads that normalise each step: `MEMM` and `TagSoftmax`.

    The score of a path is its log probability, or for a `MEMM` the mean of those of both directions. The steps of a
    `TagSoftmax` are independent, so that some may be unlabelled or weighted; a `MEMM` needs all tags.

    Args:
        reduction: string or None, reduction of the losses of the rows by Keras, by default their mean. The loss of a
            row is the sum over its steps.
        name: optional string.
        dtype: string, the dtype of the loss.

    Call arguments:
        y_true: tags, integer (or whole-valued float) ``(batch, time)``, from 0 to K - 1; any value at masked steps.
            For a `TagSoftmax` also -100 at a step that exists but is not labelled; its loss is 0.
        y_pred: potentials, float32 ``(batch, time + K + 2, K + 1)``.
        sample_weight: optional float; weights of rows, ``(batch,)`` or ``(batch, 1)``, or of the steps of a
            `TagSoftmax`, ``(batch, time)``, 0 counting as -100; for a `MEMM` all of the latter must be 1.

    Returns:
        Float32, a scalar, or ``(batch,)`` where `reduction` is None.

    Raises:
        ValueError: if `y_pred` is not the output of one of these heads, the numbers of steps differ, or a tag or
            weight inside the mask is not accepted. Inside a compiled graph, where values are not visible, the loss
            is NaN instead.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import TagSoftmax
        >>> from nlpkit.losses import PathLoss
        >>> potentials = TagSoftmax(2)(np.zeros((1, 3, 2), "float32"))
        >>> round(float(PathLoss()(np.array([[0, 1, 0]]), potentials)), 4)  # 3 times log 2
        2.0794
        >>> round(float(PathLoss()(np.array([[0, -100, 0]]), potentials)), 4)
        1.3863

    References:
        McCallum, Freitag and Pereira (2000), Maximum Entropy Markov Models.
    """

    def log_probability(self, parts: potentials.Potentials, normalization: Any, tags: Any, weights: Any) -> Any:
        unnormalized = normalization == potentials.UNNORMALIZED  # (batch,)
        seen = visible_values(unnormalized)
        if seen is not None and seen.any():
            raise ValueError(
                "PathLoss is for heads whose paths are normalised step by step, MEMM and TagSoftmax. Received: the "
                "output of a CRF, whose paths have scores without bound; train it with CRFLoss"
            )
        partial = tags == UNLABELLED
        if weights is not None:
            partial = ops.logical_or(partial, weights != 1)
            tags = ops.where(weights == 0, UNLABELLED, tags)
        # (batch, time): steps with a loss only if steps are independent
        wrong = ops.logical_and(parts.mask, partial)
        wrong = ops.logical_and(wrong, (normalization != potentials.INDEPENDENT)[:, None])
        _refuse(
            wrong,
            tags if weights is None else weights,
            "the score of a MEMM's path needs all of its tags, each counted once: neither an unlabelled step (-100) "
            "nor a sample weight per step other than 1 is accepted (TagSoftmax and CRF take unlabelled steps)",
        )
        score = linear_chain.partial_path_score(tags=tags, weights=weights, **parts._asdict())
        return score * ops.where(ops.logical_or(unnormalized, ops.any(wrong, axis=1)), float("nan"), 1.0)


def _refuse(wrong: Any, received: Any, message: str) -> None:
    """Raise a `ValueError` for the first of the wrong steps ``(batch, time)``, if values are visible."""
    wrong, received = visible_values(wrong), visible_values(received)
    if wrong is not None and received is not None and wrong.any():
        row, step = np.argwhere(wrong)[0].tolist()
        raise ValueError(f"{message}. Received: {received[row, step].item():g} at row {row}, step {step} (both from 0)")


def _assert_in_graph(condition: Any, message: str, values: Sequence[Any] = ()) -> None:
    """On TensorFlow, add a run-time check to a graph; XLA drops the check."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if not tf.executing_eagerly():
            tf.debugging.Assert(condition, [message, *values])
