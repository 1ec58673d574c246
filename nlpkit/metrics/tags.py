"""Keras metrics of the potentials of a tagging head.

After an import of `nlpkit.metrics`, `keras.saving.load_model` can load saved models with them.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from nlpkit.ops import linear_chain, potentials
from nlpkit.ops.alignment import align_left
from nlpkit.ops.chain_inputs import UNLABELLED, has_wrong_tag, prepare_tags
from nlpkit.ops.compiled import compiled
from nlpkit.text import tag_schemes

_PUT_A_HEAD = "put a tagging head such as nlpkit.layers.CRF after the layer that scores the tags"


class _TagMetric(keras.metrics.Metric):
    """Base of the metrics of tags: decodes the potentials, checks the tags, and keeps sums in variables."""

    def __init__(self, sums: Sequence[str], name: str, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self._sums = [self.add_variable((), "zeros", dtype="float32", name=part) for part in sums]

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """True tags and decoded tags, int32 ``(batch, time)``, and the mask, bool ``(batch, time)``."""
        y_pred = ops.stop_gradient(ops.convert_to_tensor(y_pred, dtype="float32"))
        parts = potentials.unpack(y_pred)
        y_true = ops.convert_to_tensor(y_true)
        if len(y_true.shape) == 3 and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        try:
            tags = prepare_tags(y_true, parts.mask, parts.emissions.shape)
        except ValueError as error:
            shape = tuple(y_pred.shape)
            raise ValueError(f"{error}. If {shape} is the shape of no head's output: {_PUT_A_HEAD}") from None
        start, end = parts.start, parts.end
        (predicted,) = _decode(parts.emissions, parts.mask, transitions=parts.transitions, start=start, end=end)
        return tags, predicted, parts.mask

    def add(self, *counts: Any) -> None:
        """Add one number to each sum."""
        for total, count in zip(self._sums, counts):
            total.assign_add(count)


@keras.saving.register_keras_serializable(package="nlpkit", name="TagAccuracy")
class TagAccuracy(_TagMetric):
    """Accuracy of decoded tags, for ``compile(metrics=[...])`` of a model with a `CRF`, `MEMM` or `TagSoftmax`.

    The potentials are decoded by Viterbi, inside the graph; masked and unlabelled steps don't count. NaN if a tag
    inside the mask is not accepted and values are not visible.

    Args:
        name: string.
        dtype: optional string, the dtype of the result.

    Call arguments:
        y_true: tags, integer (or whole-valued float) ``(batch, time)``, from 0 to K - 1, or -100 if unlabelled;
            any value at masked steps.
        y_pred: potentials, float32 ``(batch, time + K + 2, K + 1)``.
        sample_weight: optional float, weights of rows, ``(batch,)`` or ``(batch, 1)``, or of steps, ``(batch, time)``.

    Returns:
        Float, a scalar from 0 to 1; 0 before the first labelled step.

    Raises:
        ValueError: if `y_pred` is not the output of a head, a shape does not fit, or a visible tag is not accepted.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import TagSoftmax
        >>> from nlpkit.metrics import TagAccuracy
        >>> potentials = TagSoftmax(2)(np.array([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]], "float32"))
        >>> float(TagAccuracy()(np.array([[0, 0, -100]]), potentials))
        0.5
    """

    def __init__(self, name: str = "tag_accuracy", dtype: Any = None):
        super().__init__(["right", "labelled"], name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        tags, predicted, mask = self.read(y_true, y_pred)
        # (batch, time)
        weights = ops.cast(ops.logical_and(mask, tags != UNLABELLED), "float32")
        if sample_weight is not None:
            weights = weights * _by_step(sample_weight)
        right = ops.cast(tags == predicted, "float32")
        is_wrong = has_wrong_tag(tags, mask, y_pred.shape[-1] - 1)
        self.add(ops.sum(right * weights) + _nan_if(ops.any(is_wrong)), ops.sum(weights))

    def result(self) -> Any:
        right, labelled = self._sums
        return ops.cast(ops.divide_no_nan(right, labelled), self.dtype)


@keras.saving.register_keras_serializable(package="nlpkit", name="SpanF1")
class SpanF1(_TagMetric):
    """Micro-averaged F1 of typed spans, for ``compile(metrics=[...])`` of a model with a `CRF`, `MEMM` or `TagSoftmax`.

    A decoded span is right if its boundaries and its type are those of a true span. Both sequences are read by the
    rules of conlleval, illegal ones included, so the value equals that of `nlpkit.text.tag_schemes.read_spans` and
    `nlpkit.metrics.entity_scores`. For the labels ``B M E S`` of word segmentation it is word F1. Counts accumulate
    over updates, so the value of an epoch is that of all its rows together.

    A row with an unlabelled step is left out, as its true spans are unknown. NaN if a tag inside the mask is not
    accepted and values are not visible.

    Args:
        labels: K strings in the order of their ids, such as ``["O", "B-PER", "I-PER"]``.
        scheme: optional string, a key of `nlpkit.text.tag_schemes.SCHEMES`; detected from the labels if None.
        name: string.
        dtype: optional string, the dtype of the result.

    Call arguments:
        y_true: tags, integer (or whole-valued float) ``(batch, time)``, from 0 to K - 1, or -100 if unlabelled;
            any value at masked steps.
        y_pred: potentials, float32 ``(batch, time + K + 2, K + 1)``.
        sample_weight: optional float ``(batch,)`` or ``(batch, 1)``, weight of the spans of each row.

    Returns:
        Float, a scalar from 0 to 1; 0 if no span is right.

    Raises:
        ValueError: if the labels follow no known scheme or their number differs from that of the tags, `y_pred` is not
            the output of a head, a shape does not fit, or a visible tag is not accepted.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import TagSoftmax
        >>> from nlpkit.metrics import SpanF1
        >>> potentials = TagSoftmax(3)(np.eye(3, dtype="float32")[[[1, 2, 0, 1]]])  # decodes to B I O B: two spans
        >>> round(float(SpanF1(["O", "B-PER", "I-PER"])(np.array([[1, 2, 0, 0]]), potentials)), 4)
        0.6667

    References:
        Tjong Kim Sang and De Meulder (2003), the CoNLL-2003 shared task.
    """

    def __init__(self, labels: Sequence[str], scheme: str | None = None, name: str = "span_f1", dtype: Any = None):
        super().__init__(["right", "found", "wanted"], name, dtype)
        self.labels = tuple(labels)
        self.scheme = scheme or tag_schemes.detect_scheme(self.labels)
        self._table = _LabelTable(self.labels, self.scheme)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if y_pred.shape[-1] != len(self.labels) + 1:
            raise ValueError(
                f"SpanF1 was made for {len(self.labels)} labels, whose potentials have the shape "
                f"(batch, time + {len(self.labels) + 2}, {len(self.labels) + 1}). Received: {tuple(y_pred.shape)}. If "
                f"these are no potentials: {_PUT_A_HEAD}"
            )
        tags, predicted, mask = self.read(y_true, y_pred)
        unlabelled = ops.any(ops.logical_and(mask, tags == UNLABELLED), axis=1, keepdims=True)
        both, lengths = align_left(ops.stack([tags, predicted], axis=-1), mask)
        # (batch, time): the real steps of fully labelled rows
        real = ops.arange(ops.shape(mask)[1], dtype="int32") < lengths[:, None]
        real = ops.logical_and(real, ops.logical_not(unlabelled))
        begins, ends, kinds = self._table.read(both[..., 0], real)
        found_begins, found_ends, found_kinds = self._table.read(both[..., 1], real)
        same = ops.logical_and(begins, found_begins)
        same = ops.logical_and(same, ops.logical_and(ends == found_ends, kinds == found_kinds))

        weights = 1.0 if sample_weight is None else _by_row(sample_weight)
        right, found, wanted = (ops.sum(ops.cast(x, "float32") * weights) for x in (same, found_begins, begins))
        is_wrong = has_wrong_tag(tags, mask, len(self.labels))
        self.add(right + _nan_if(ops.any(is_wrong)), found, wanted)

    def result(self) -> Any:
        right, found, wanted = self._sums
        return ops.cast(ops.divide_no_nan(2 * right, found + wanted), self.dtype)

    def get_config(self) -> dict:
        return {**super().get_config(), "labels": list(self.labels), "scheme": self.scheme}


class _LabelTable:
    """The effects of labels on spans, as arrays by id; see `tag_schemes.read_spans`."""

    def __init__(self, labels: Sequence[str], scheme: str):
        roles, types = zip(*(tag_schemes.role_of(label, scheme) for label in labels))
        role = np.array(roles)
        self.outside = role == "outside"
        self.joins = np.isin(role, ["inside", "end"])  # continues an open span of its type
        self.stays_open = np.isin(role, ["begin", "inside"])
        self.kind = np.unique(types, return_inverse=True)[1].astype("int32")

    def read(self, tags: Any, real: Any) -> tuple[Any, Any, Any]:
        """Spans of tags ``(batch, time)`` with the real steps first; all results are ``(batch, time)``.

        Returns:
            Whether a span begins at each step; the last step of that span; the type of the tag.
        """
        outside, joins, stays_open, kind = (
            ops.take(ops.convert_to_tensor(x), ops.clip(tags, 0, len(self.kind) - 1), axis=0)
            for x in (self.outside, self.joins, self.stays_open, self.kind)
        )
        inside = ops.logical_and(real, ops.logical_not(outside))
        open_here = ops.logical_and(inside, stays_open)[:, :-1]
        goes_on = ops.logical_and(ops.logical_and(open_here, inside[:, 1:]), joins[:, 1:])
        goes_on = ops.logical_and(
            goes_on, kind[:, 1:] == kind[:, :-1]
        )  # from each step but the last: (batch, time - 1)
        begins = ops.logical_and(inside, ops.logical_not(ops.pad(goes_on, [[0, 0], [1, 0]])))
        lasts = ops.logical_and(inside, ops.logical_not(ops.pad(goes_on, [[0, 0], [0, 1]])))
        # Spans do not overlap, so the n-th beginning belongs to the n-th end.
        time = ops.shape(tags)[1]
        in_order = ops.sort(ops.where(lasts, ops.arange(time, dtype="int32"), time), axis=1)
        number = ops.maximum(ops.cumsum(ops.cast(begins, "int32"), axis=1) - 1, 0)
        return begins, ops.take_along_axis(in_order, number, axis=1), kind


@compiled(returns="steps")
def _decode(emissions: Any, mask: Any, *, transitions: Any, start: Any, end: Any) -> tuple[Any]:
    return (linear_chain.viterbi_decode(emissions, transitions, start, end, mask)[0],)


def _by_row(sample_weight: Any) -> Any:
    """Weights ``(batch, 1)``."""
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    if len(weights.shape) == 1:
        return weights[:, None]
    if len(weights.shape) != 2 or weights.shape[1] != 1:
        raise ValueError(f"SpanF1 takes sample weights of the shape (batch,). Received: {tuple(weights.shape)}")
    return weights


def _by_step(sample_weight: Any) -> Any:
    """Weights that broadcast to ``(batch, time)``."""
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    if len(weights.shape) == 3 and weights.shape[-1] == 1:
        return weights[..., 0]
    return weights[:, None] if len(weights.shape) == 1 else weights


def _nan_if(condition: Any) -> Any:
    return ops.where(condition, float("nan"), 0.0)
