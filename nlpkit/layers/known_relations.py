"""A bonus for relations between spans that are known in advance."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="KnownRelations")
class KnownRelations(keras.layers.Layer):
    """Adds a learned bonus, one per relation, to the scores of the relations known between two spans.

    Args:
        num_relations: int, number of relations.

    Call arguments:
        scores: float ``(batch, m, n, num_relations)``, output of `nlpkit.layers.SpanPairs`.
        subjects, objects: int ``(batch, m)`` and ``(batch, n)``, spans.
        known: int ``(batch, 3 * k)``, the span of the subject, the span of the object and the relation of each of k
            known relations; -1 as padding.

    Returns:
        float ``(batch, m, n, num_relations)``.

    Raises:
        ValueError: if `num_relations` is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import KnownRelations
        >>> layer = KnownRelations(2)
        >>> scores = layer(np.zeros((1, 1, 1, 2), "float32"), np.array([[4]]), np.array([[7]]), np.array([[4, 7, 1]]))
        >>> np.array(scores).ravel().tolist()
        [0.0, 1.0]
    """

    def __init__(self, num_relations: int, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(num_relations, int) or num_relations < 1:
            raise ValueError(f"num_relations must be an integer from 1. Received: {num_relations!r}")
        self.num_relations = num_relations

    def build(self, scores_shape: Any, subjects_shape: Any, objects_shape: Any, known_shape: Any) -> None:
        self.bonus = self.add_weight((self.num_relations,), "ones", name="bonus")
        self.built = True

    def call(self, scores: Any, subjects: Any, objects: Any, known: Any) -> Any:
        flags = relation_flags(subjects, objects, known, self.num_relations)
        return scores + ops.cast(flags, scores.dtype) * ops.cast(self.bonus, scores.dtype)

    def compute_output_shape(self, scores_shape: Any, subjects_shape: Any, objects_shape: Any, known_shape: Any) -> Any:
        return scores_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_relations": self.num_relations}


def relation_flags(subjects: Any, objects: Any, relations: Any, num_relations: int) -> Any:
    """Flags of the relations between spans, from a list of relations.

    Args:
        subjects, objects: int ``(batch, m)`` and ``(batch, n)``, spans.
        relations: int ``(batch, 3 * k)``: subject, object and relation; -1 as padding.
        num_relations: int, number of relations.

    Returns:
        float32 ``(batch, m, n, num_relations)``, 0 or 1.

    Example:

        >>> import numpy as np
        >>> np.array(relation_flags(np.array([[4, 5]]), np.array([[7]]), np.array([[5, 7, 0]]), 1)).ravel().tolist()
        [0.0, 1.0]
    """
    batch, m = ops.shape(subjects)
    n = ops.shape(objects)[1]
    relations = ops.cast(ops.reshape(relations, (batch, ops.shape(relations)[1] // 3, 3)), "int32")
    is_subject = ops.cast(ops.cast(subjects, "int32")[:, :, None] == relations[:, None, :, 0], "float32")  # (b, m, k)
    is_object = ops.cast(ops.cast(objects, "int32")[:, :, None] == relations[:, None, :, 1], "float32")  # (b, n, k)
    pairs = ops.reshape(is_subject[:, :, None] * is_object[:, None], (batch, m * n, ops.shape(relations)[1]))
    which = ops.cast(
        relations[:, :, 2:] == ops.arange(num_relations, dtype="int32"), "float32"
    )  # (batch, k, relations)
    return ops.reshape(ops.minimum(ops.matmul(pairs, which), 1.0), (batch, m, n, num_relations))
