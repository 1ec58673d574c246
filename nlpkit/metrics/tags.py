"""Keras metrics for models whose output is the potentials of a tagging head.

`keras.saving.load_model` finds them in a saved model once they have been imported from `nlpkit.metrics`.
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
    """Base of the metrics here: decodes the potentials and checks the tags. It keeps sums, one variable each."""

    def __init__(self, sums: Sequence[str], name: str, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self._sums = [self.add_variable((), "zeros", dtype="float32", name=part) for part in sums]

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """The true tags and the decoded ones, int32 ``(batch, time)``, and the mask, bool ``(batch, time)``."""
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

    def add(self, *counts: Any):
        """Add to the sums."""
        for total, count in zip(self._sums, counts):
            total.assign_add(count)


@keras.saving.register_keras_serializable(package="nlpkit", name="TagAccuracy")
class TagAccuracy(_TagMetric):
    """Share of the steps whose tag is decoded right, for ``compile(metrics=[...])`` of a `CRF`, `MEMM`, `TagSoftmax`.

    The potentials are decoded by Viterbi, inside the graph; steps that are masked or not labelled don't count. NaN if
    a tag inside the mask is not accepted and values can't be seen.

    Args:
        name: string.
        dtype: optional string, the dtype of the result.

    Call arguments:
        y_true: tags, integer (or whole-valued float) ``(batch, time)``, from 0 to K - 1, or -100 where not labelled;
            any value at masked steps.
        y_pred: potentials, float32 ``(batch, time + K + 2, K + 1)``.
        sample_weight: optional float; ``(batch,)`` or ``(batch, 1)`` weighs the rows, ``(batch, time)`` the steps.

    Returns:
        Float, a scalar from 0 to 1; 0 before any labelled step has been seen.

    Raises:
        ValueError: if `y_pred` is not the output of a head, a shape does not fit, or a tag is seen that is not
            accepted.

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
    """Micro-averaged F1 of spans with their types, for ``compile(metrics=[...])`` of a `CRF`, `MEMM`, `TagSoftmax`.

    A decoded span is right if its boundaries and its type are those of a true span. Both sequences are read as
    conlleval reads them, also where they are illegal, so that the value is that of
    `nlpkit.text.tag_schemes.read_spans` and `nlpkit.metrics.entity_scores`. For the labels ``B M E S`` of word
    segmentation it is word F1. Rows are counted from update to update, so that the value of an epoch is that of all
    its rows together.

    A row with a step that is not labelled is left out, as its true spans are not known. NaN if a tag inside the mask
    is not accepted and values can't be seen.

    Args:
        labels: K strings in the order of their ids, such as ``["O", "B-PER", "I-PER"]``.
        scheme: optional string, a key of `nlpkit.text.tag_schemes.SCHEMES`; detected from the labels if None.
        name: string.
        dtype: optional string, the dtype of the result.

    Call arguments:
        y_true: tags, integer (or whole-valued float) ``(batch, time)``, from 0 to K - 1, or -100 where not labelled;
            any value at masked steps.
        y_pred: potentials, float32 ``(batch, time + K + 2, K + 1)``.
        sample_weight: optional float ``(batch,)`` or ``(batch, 1)``; the spans of a row count so many times.

    Returns:
        Float, a scalar from 0 to 1; 0 if no span is right.

    Raises:
        ValueError: if the labels follow no known scheme or are not as many as the tags, `y_pred` is not the output of
            a head, a shape does not fit, or a tag is seen that is not accepted.

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
        # (batch, time): the steps that stand in a row which counts
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
    """What each label does to spans, as arrays by its id; see `tag_schemes.read_spans`."""

    def __init__(self, labels, scheme):
        roles, types = zip(*(tag_schemes.role_of(label, scheme) for label in labels))
        role = np.array(roles)
        self.outside = role == "outside"
        self.joins = np.isin(role, ["inside", "end"])  # the open span before it, if that is of its type
        self.stays_open = np.isin(role, ["begin", "inside"])
        self.kind = np.unique(types, return_inverse=True)[1].astype("int32")

    def read(self, tags, real):
        """Spans of the tags ``(batch, time)`` whose real steps come first, all ``(batch, time)``.

        Returns:
            Whether a span begins at a step; the last step of the span that begins there; the type of the tag.
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
        # Spans stand in a row, so that the n-th that begins is the n-th that ends.
        time = ops.shape(tags)[1]
        in_order = ops.sort(ops.where(lasts, ops.arange(time, dtype="int32"), time), axis=1)
        number = ops.maximum(ops.cumsum(ops.cast(begins, "int32"), axis=1) - 1, 0)
        return begins, ops.take_along_axis(in_order, number, axis=1), kind


@compiled(returns="steps")
def _decode(emissions, mask, *, transitions, start, end):
    return (linear_chain.viterbi_decode(emissions, transitions, start, end, mask)[0],)


def _by_row(sample_weight):
    """Weights ``(batch, 1)``."""
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    if len(weights.shape) == 1:
        return weights[:, None]
    if len(weights.shape) != 2 or weights.shape[1] != 1:
        raise ValueError(f"SpanF1 takes sample weights of the shape (batch,). Received: {tuple(weights.shape)}")
    return weights


def _by_step(sample_weight):
    """Weights that broadcast to ``(batch, time)``."""
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    if len(weights.shape) == 3 and weights.shape[-1] == 1:
        return weights[..., 0]
    return weights[:, None] if len(weights.shape) == 1 else weights


def _nan_if(condition):
    return ops.where(condition, float("nan"), 0.0)
