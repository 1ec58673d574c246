"""Initial weights of a tagger's last layers for new labels, derived from those of its old labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from nlpkit.prediction.predictor import answer_parsed
from nlpkit.text.tag_schemes import like_labels
from nlpkit.training.forward import Forward

_RIDGE = 1e-3  # ridge penalty, as a share of the mean square of the features


def relabelled(start: Any, labels: Sequence[str], records: Sequence[Any]) -> dict[str, np.ndarray]:
    """Weights of the layers ``emissions`` and ``potentials`` by path.

    A known label keeps its scores. A new one is similar to all known labels at the same place of a span, a B to B-NOUN
    and B-VERB: its score is the log sum of their exponentials, approximated by a linear layer fitted on some sentences,
    and its transitions are the mean of theirs.

    Args:
        start: the trained tagger, with its network.
        labels: the new labels.
        records: a sample of the new data.
    """
    like = like_labels(labels, start.parts["label_vocabulary"].symbols)
    hidden, scores = _features_and_scores(start, records)
    scores = scores - scores.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        wanted = np.log(np.exp(scores) @ like.T.astype(scores.dtype))  # (units, labels)
    known = like.any(axis=1)
    wanted[:, ~known] = np.log(np.exp(scores).mean(axis=-1, keepdims=True))
    wanted = np.maximum(wanted, wanted.max(axis=-1, keepdims=True) - 20)
    hidden = np.concatenate([hidden, np.ones((len(hidden), 1), hidden.dtype)], axis=1).astype("float64")
    square = hidden.T @ hidden
    square += _RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    fitted = np.linalg.solve(square, hidden.T @ wanted)
    transitions = next(weight for weight in start.network.model.weights if weight.path == "potentials/transitions")
    return {
        "emissions/kernel": fitted[:-1],
        "emissions/bias": fitted[-1],
        "potentials/transitions": _means(keras.ops.convert_to_numpy(transitions.value), like),
    }


def _features_and_scores(start: Any, records: Sequence[Any]) -> list[np.ndarray]:
    """Input and output of the layer ``emissions`` for the units of records, ``(units, channels)`` and ``(units,
    labels)``."""
    batches: list[dict[str, np.ndarray]] = []
    program = start.runtime.program("potentials")

    def recording(arrays: dict[str, np.ndarray]) -> Any:
        batches.append(arrays)
        return program(arrays)

    with start.runtime.replaced({"potentials": recording}):
        answer_parsed(start, records)
    layer = start.network.model.get_layer("emissions")
    forward = Forward(keras.Model(start.network.model.input, [layer.input, layer.output]))
    pairs = []
    for batch in batches:
        real = next(batch[name] for name in ("characters", "tokens") if name in batch) != 0
        pairs.append([x[real] for x in forward(batch)])
    return [np.concatenate(parts) for parts in zip(*pairs)]


def _means(transitions: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Transitions between new labels, and from and to the edges of a text: means over similar known labels."""
    shares = like / np.maximum(like.sum(axis=1, keepdims=True), 1)
    new, old = shares.shape
    with_edge = np.zeros((new + 1, old + 1))
    with_edge[:new, :old], with_edge[new, old] = shares, 1
    return with_edge @ transitions @ with_edge.T
