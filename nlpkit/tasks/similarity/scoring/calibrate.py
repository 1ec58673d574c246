"""Calibration of the weights of a score on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.metrics import best_threshold
from nlpkit.tasks.similarity.evaluate import labelled_groups, labelled_pairs, pair_cosines, texts_of_pairs
from nlpkit.tasks.similarity.examples import Pair
from nlpkit.tasks.similarity.scoring.lists import MOST, lists_of
from nlpkit.tasks.similarity.scoring.overlap import Overlap
from nlpkit.tasks.similarity.scoring.score import UNCALIBRATED, PairScore
from nlpkit.tasks.similarity.scoring.training_pairs import scaled_labels

_FOLDS = 5
_PENALTY = 1.0
_NEWTON_STEPS = 20


def calibrated_score(examples: Sequence[Any], vectors: np.ndarray, overlap: Overlap) -> PairScore:
    """The score fitted to data, with a constant that makes 0.5 the best threshold.

    Args:
        examples, vectors: as of `nlpkit.tasks.similarity.evaluate.scores`.
        overlap: features of the overlap of sentences.
    """
    if isinstance(examples[0], Pair):
        cosines = pair_cosines(vectors)
        score = fitted_score(overlap, *texts_of_pairs(examples), cosines, scaled_labels(examples))
        is_same, logits = labelled_pairs(examples, cosines, score)
    else:
        lists = lists_of(examples, vectors, MOST)
        own = lists.with_own()
        if not len(own.queries):
            return PairScore(overlap)
        score = fitted_score(overlap, *own.texts(), own.cosines, own.is_own.astype(float))
        is_same, logits = labelled_groups(lists, vectors, score, lists.logits(score))
    score.constant = -best_threshold(is_same, logits)
    return score


def fitted_score(
    overlap: Overlap,
    first: Sequence[str],
    second: Sequence[str],
    cosines: np.ndarray,
    targets: np.ndarray,
) -> PairScore:
    """The maximum-likelihood score for labelled pairs; its constant is 0.

    The model is a softmax over weighted features: a choice among the items of a list, where any item with the same
    meaning is correct, or between a pair and nothing. It is fitted with and without the overlap in five-fold cross
    validation; the overlap is used only if it lowers the loss by two standard errors.

    Args:
        overlap: features of the overlap of sentences.
        first, second: pairs of sentences, list after list.
        cosines: float ``(lists, items)`` or ``(pairs,)``.
        targets: float, as `cosines`: 1 for the items of a list with the same meaning, at least one, and 0 for others;
            or the similarity of each pair, from 0 to 1.

    References:
        McFadden (1974), Conditional Logit Analysis of Qualitative Choice Behavior.
    """
    common = overlap.of_pairs(first, second)
    features = np.concatenate([cosines[..., None], common.reshape(*cosines.shape, -1)], axis=-1)
    weights = _choice_weights(features, targets)
    return PairScore(overlap, float(weights[0]), 0.0, weights[1:].tolist())


def _choice_weights(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights of all features, or of the first alone."""
    scaled = np.pad(features.astype("float64"), [(0, 0)] * (features.ndim - 1) + [(0, 1)])
    is_pairs = features.ndim == 2
    if is_pairs:  # a list of two for each pair: the pair, with a constant, or nothing
        scaled[:, -1] = 1
        scaled, targets = np.stack([scaled, 0 * scaled], axis=1), np.stack([targets, 1 - targets], axis=1)
    scale = scaled.std(axis=(0, 1)) + 1e-6
    scaled /= scale
    fold = np.arange(len(scaled)) * _FOLDS // max(len(scaled), 1)  # neighbours are of one group
    losses = np.zeros((2, len(scaled)))
    for i in range(_FOLDS if len(scaled) > _FOLDS else 0):
        selections: tuple[Any, ...] = ([0, -1], slice(None))
        for way, columns in enumerate(selections):
            weights = _fit_choice(scaled[fold != i][:, :, columns], targets[fold != i], is_pairs)
            shares = _softmax(scaled[fold == i][:, :, columns] @ weights)
            losses[way, fold == i] = _losses(shares, targets[fold == i], is_pairs)
    gain = losses[0] - losses[1]
    if gain.mean() > 2 * gain.std() / np.sqrt(len(gain)):
        weights = _fit_choice(scaled, targets, is_pairs)
        if weights[0] < 0:  # a higher cosine must not lower the score
            weights = np.append(0.0, _fit_choice(scaled[:, :, 1:], targets, is_pairs))
        return (weights / scale)[:-1]
    weight = _fit_choice(scaled[:, :, [0, -1]], targets, is_pairs)[0] / scale[0]
    return np.array([weight if weight > 0 else UNCALIBRATED[0]])


def _losses(shares: np.ndarray, targets: np.ndarray, is_pairs: bool) -> np.ndarray:
    if is_pairs:
        return -np.sum(targets * np.log(shares + 1e-12), axis=1)
    return -np.log(np.sum(targets * shares, axis=1) + 1e-12)


def _fit_choice(features: np.ndarray, targets: np.ndarray, is_pairs: bool) -> np.ndarray:
    """Weights by Newton's method; several correct items of a list share the target by their probabilities."""
    weights = np.zeros(features.shape[-1])
    for _ in range(_NEWTON_STEPS):
        shares = _softmax(features @ weights)  # (lists, items)
        centred = features - np.einsum("li,lif->lf", shares, features)[:, None]
        wanted = targets if is_pairs else _normalized(shares * targets)
        slope = np.einsum("li,lif->f", shares - wanted, features) + _PENALTY * weights
        curvature = np.einsum("li,lif,lig->fg", shares, centred, centred, optimize=True)
        step = np.linalg.solve(curvature + _PENALTY * np.eye(len(weights)), slope)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return _normalized(powers)


def _normalized(shares: np.ndarray) -> np.ndarray:
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
