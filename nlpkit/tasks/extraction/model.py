"""Arrays to scores of spans, pairs and boundaries: the network."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from nlpkit.layers import (
    GlobalPointer,
    HalfPointers,
    KnownRelations,
    SpanCandidates,
    SpanCondition,
    SpanPairs,
    VisibleAttention,
    encode_text,
    pool_text,
)
from nlpkit.layers.known_relations import relation_flags
from nlpkit.losses import multi_label_cross_entropy, sigmoid_power_cross_entropy
from nlpkit.optimizers import FGM
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.extraction.inputs import NUM_PRIOR_MARKS
from nlpkit.tasks.shared.reader import Reader
from nlpkit.tasks.shared.unit_vectors import UnitVectors

_HEADS, _HEAD_DIM = 8, 16
_EMBEDDINGS = "(character|word|bigram)_vectors|mixed_vectors/characters"
_MASKED = -1e3  # scores below it belong to padding


class ExtractionNetwork:
    """The network of an extractor.

    Args:
        settings: `nlpkit.tasks.extraction.config.ExtractionSettings`.
        reader: the reader of characters or tokens, with its vocabularies.
        num_predicates: number of predicates.

    Attributes:
        model: model with all weights to save, see `PairsHead` and `PointersHead`.
        training_model: from arrays and targets to the loss of each window, float32 ``(batch,)``.
        inputs: inputs of the encoder by name.
        units: its first part.
        head: its last part.
    """

    def __init__(self, settings: Any, reader: Reader, num_predicates: int):
        self.units = UnitVectors(settings, reader)
        x, mask = self.units.vectors, self.units.mask
        inputs: dict[str, Any] = dict(self.units.inputs)
        known = None
        if settings.prior:
            flags = keras.Input((None, NUM_PRIOR_MARKS), dtype="uint8", name="prior")
            known = keras.Input((None,), dtype="int32", name="known")
            inputs |= {"prior": flags, "known": known}
            x = x + layers.Dense(settings.width, use_bias=False, name="prior_marks")(layers.Rescaling(1.0)(flags))
        x = encode_text(x, mask, settings.encoder, settings.dilations, settings.layers, settings.dropout / 2)
        x = layers.LayerNormalization(name="encoded")(x)  # (batch, time, width)
        kinds: dict[str, Any] = {"pairs": PairsHead, "pointers": PointersHead}
        self.head = kinds[settings.head](settings, x, mask, known, num_predicates)
        self.model = keras.Model({**inputs, **self.head.inputs}, self.head.outputs, name="extraction")
        trained = keras.Model({**inputs, **self.head.inputs, **self.head.targets}, self.head.loss, name="extraction")
        self.training_model = FGM(trained, _EMBEDDINGS, settings.adversarial) if settings.adversarial else trained
        self.inputs = inputs

    @functools.cached_property
    def graphs(self) -> dict[str, Graph]:
        """Its programs by name: ``pairs``, or ``subjects`` and ``objects``; for tokens also ``known``."""
        if isinstance(self.head, PairsHead):
            return self.units.graphs("pairs", self.inputs, self.model.output)
        outputs = [*self.head.encoded, self.head.subject_marks]
        return {**self.units.graphs("subjects", self.inputs, outputs), "objects": self.head.second_pass()}


def own_loss(y_true: Any, y_pred: Any) -> Any:
    """The output of a network that computes its own loss."""
    return y_pred


def _compare(settings: Any) -> Callable[..., Any]:
    """The loss of sets of labels chosen in the settings."""
    if settings.loss == "multi_label":
        return multi_label_cross_entropy
    return functools.partial(sigmoid_power_cross_entropy, power=settings.label_power)


def _exists(scores: Any) -> Any:
    """Whether scores belong to real steps; nan counts as real, so that it shows in the loss."""
    return ops.logical_not(scores <= _MASKED)


def _attend(x: Any, mask: Any, dropout: float, name: str) -> Any:
    """Attention over all steps, then a convolution over neighbours, of the same width as `x`."""
    seen, _ = VisibleAttention(_HEADS, _HEAD_DIM, name=f"{name}_attention")(x, x, memory_mask=mask)
    both = layers.Concatenate()([x, seen]) * ops.cast(mask, x.dtype)[..., None]
    mixed = layers.Conv1D(x.shape[-1], 3, padding="same", activation="relu", name=f"{name}_convolution")(both)
    return layers.Dropout(dropout)(mixed)


class PairsHead:
    """The head pairs: scores of all spans, then of all pairs of the best ones, in one pass.

    Args:
        settings: `nlpkit.tasks.extraction.config.ExtractionSettings`.
        x: the encoder's output, float ``(batch, time, width)``.
        mask: bool ``(batch, time)``.
        known: known triples, int32 ``(batch, 3 * k)``, or None.
        num_predicates: number of predicates.

    Attributes:
        inputs: further inputs beside those of the encoder: none.
        outputs: spans and scores of subjects, of objects, and scores ``(batch, subjects, objects, predicates)``.
        targets: inputs for the arrays of `nlpkit.tasks.extraction.targets.pair_targets`.
        loss: loss of each row.
    """

    def __init__(self, settings: Any, x: Any, mask: Any, known: Any, num_predicates: int):
        dropout = settings.dropout / 2
        spans_of = GlobalPointer(2, settings.head_dim, name="spans")
        spans = spans_of(_attend(x, mask, dropout, "spans"), mask=mask)  # (batch, 2, time, time)
        candidates = SpanCandidates([settings.num_subjects, settings.num_objects], name="candidates")
        pairs_of = SpanPairs(num_predicates, settings.pair_width, dropout, name="pairs")
        bonus = KnownRelations(num_predicates, name="known_relations") if known is not None else None
        read = _attend(x, mask, dropout, "pairs")

        def relate(chosen: Any) -> Any:
            (subjects, _), (objects, _) = chosen
            scores = pairs_of(read, subjects, objects, mask=mask)
            return scores if bonus is None else bonus(scores, subjects, objects, known)

        chosen = candidates(spans)
        self.inputs: dict[str, Any] = {}
        self.outputs = [*chosen[0], *chosen[1], relate(chosen)]
        gold, triples = (
            keras.Input((None,), dtype="uint8", name="gold_spans"),
            keras.Input((None,), dtype="int32", name="gold_triples"),
        )
        self.targets = {"gold_spans": gold, "gold_triples": triples}
        chosen = candidates(spans, gold)
        loss = _PairsLoss(settings, num_predicates, name="loss")
        (subjects, subject_scores), (objects, object_scores) = chosen
        self.loss = loss(spans, gold, triples, subjects, objects, subject_scores, object_scores, relate(chosen))


class _PairsLoss(keras.layers.Layer):
    """The loss of spans, and of pairs of the chosen ones, for each row."""

    def __init__(self, settings: Any, num_predicates: int, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)
        self._compare, self._num_predicates = _compare(settings), num_predicates

    def call(
        self, spans: Any, gold: Any, triples: Any, subjects: Any, objects: Any, subject_scores: Any,
        object_scores: Any, pairs: Any,
    ) -> Any:  # fmt: skip
        batch, kinds, time = ops.shape(spans)[:3]
        scores = ops.reshape(spans, (batch, kinds, time * time))
        of_spans = self._compare(ops.reshape(gold, (batch, kinds, time * time)), scores, _exists(scores))
        wanted = relation_flags(subjects, objects, triples, self._num_predicates)
        exists = ops.logical_and(_exists(subject_scores)[:, :, None], _exists(object_scores)[:, None])
        exists = ops.logical_and(exists[..., None], ops.ones_like(wanted, dtype="bool"))
        wanted, pairs, exists = (ops.reshape(each, (batch, -1)) for each in (wanted, pairs, exists))
        return ops.sum(of_spans, axis=1) + self._compare(wanted, pairs, exists)

    def compute_output_shape(self, spans_shape: tuple[Any, ...], *others: Any) -> tuple[Any, ...]:
        return spans_shape[:1]


class PointersHead:
    """The head pointers: boundaries of subjects, then those of the objects of each, for all predicates at once.

    Args:
        settings, x, mask, known, num_predicates: as of `PairsHead`; `known` is not used.

    Attributes:
        inputs: ``subjects``, int32 ``(n, 3)``: row, first and last step of each subject whose objects are wanted; rows
            of -1 are padding.
        outputs: boundaries of subjects, float ``(batch, time, 1, 2)``, and of objects, ``(n, time, predicates, 2)``.
        targets: inputs for the arrays of `nlpkit.tasks.extraction.targets.pointer_targets` beside ``subjects``.
        loss: loss of each row; the loss of the objects is spread evenly over the rows.
        encoded: inputs of the second pass from the first: the encoder's output and the mask.
    """

    def __init__(self, settings: Any, x: Any, mask: Any, known: Any, num_predicates: int):
        dropout = settings.dropout / 2
        text = pool_text(x, mask, "max")
        marks_of = HalfPointers(1, settings.width, name="subject_marks")
        self.subject_marks = marks_of(_attend(x, mask, dropout, "subjects"), text, mask=mask)
        self.encoded = [x, mask]
        subjects = keras.Input((3,), dtype="int32", name="subjects")
        condition = SpanCondition(name="condition")
        normalize = layers.LayerNormalization(name="conditioned")
        objects_of = HalfPointers(num_predicates, settings.width, name="object_marks")

        rows = ops.maximum(subjects, 0)
        of_row, in_row = ops.take(x, rows[:, 0], axis=0), ops.take(ops.cast(mask, "int32"), rows[:, 0], axis=0) > 0
        steps, span = condition(of_row, rows[:, 1], rows[:, 2])
        read = _attend(normalize(steps), in_row, dropout, "objects")
        whole = layers.Concatenate()([pool_text(of_row, in_row, "max"), span])
        self.object_marks = objects_of(read, whole, mask=in_row)
        self.inputs = {"subjects": subjects}
        self.outputs = [self.subject_marks, self.object_marks]
        of_subjects, of_objects = (
            keras.Input((None,), dtype="uint8", name=name) for name in ("gold_subjects", "gold_objects")
        )
        self.targets = {"gold_subjects": of_subjects, "gold_objects": of_objects}
        loss = _PointersLoss(settings, name="loss")
        self.loss = loss(self.subject_marks, of_subjects, subjects, self.object_marks, of_objects)

    def second_pass(self) -> Graph:
        """The graph from ``encoded`` and ``mask`` of the first pass, and ``subjects``, to the boundaries of objects."""
        after = keras.Model([*self.encoded, self.inputs["subjects"]], self.object_marks)
        x = self.encoded[0]
        given = {
            "encoded": keras.Input(x.shape[1:], dtype=x.dtype, name="encoded"),
            "mask": keras.Input((None,), dtype="bool", name="mask"),
            "subjects": keras.Input((3,), dtype="int32", name="subjects"),
        }
        return Graph(keras.Model(given, after([*given.values()])), ["encoded", "mask"])


class _PointersLoss(keras.layers.Layer):
    """The loss of the boundaries of subjects, for each row, and of objects, spread over the rows."""

    def __init__(self, settings: Any, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)
        self._compare = _compare(settings)

    def call(self, scores: Any, gold: Any, subjects: Any, object_scores: Any, object_gold: Any) -> Any:
        of_subjects = ops.sum(self._of_boundaries(scores, gold), axis=1)  # (batch,)
        of_objects = ops.sum(self._of_boundaries(object_scores, object_gold), axis=1)  # (n,)
        real = ops.cast(subjects[:, 0] >= 0, "float32")
        return of_subjects + ops.sum(of_objects * real) / ops.cast(ops.shape(of_subjects)[0], "float32")

    def _of_boundaries(self, scores: Any, gold: Any) -> Any:
        """The loss of each row for all kinds and both boundaries, over the steps."""
        rows, time, kinds = ops.shape(scores)[:3]
        gold = ops.transpose(ops.reshape(gold, (rows, time, kinds * 2)), (0, 2, 1))  # (rows, kinds * 2, time)
        scores = ops.transpose(ops.reshape(scores, (rows, time, kinds * 2)), (0, 2, 1))
        return self._compare(gold, scores, _exists(scores))

    def compute_output_shape(self, scores_shape: tuple[Any, ...], *others: Any) -> tuple[Any, ...]:
        return scores_shape[:1]
