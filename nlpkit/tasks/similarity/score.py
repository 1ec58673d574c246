"""How sure it is that two sentences mean the same: their cosine and their overlap, weighed as data ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from nlpkit.tasks.similarity.overlap import is_identical, overlap_features
from nlpkit.text.vocabulary import CharacterVocabulary

CANDIDATES = 20
"""How many of the nearest sentences by cosine are ordered by score."""
_UNCHOSEN = (20.0, -10.0)  # weight of the cosine and constant, before any were chosen: 0.5 at a cosine of 0.5
_FOLDS = 5
_PENALTY = 1.0
_NEWTON_STEPS = 20


class PairScore:
    """The score of two sentences, from 0 to 1; from 0.5 on they count as the same.

    It is the logistic function of a weighed sum of their cosine and, where that helps, of what they have in common.
    Sentences with the same characters have a score of 1.

    Args:
        characters, max_length: as of `nlpkit.tasks.similarity.overlap.overlap_features`.
        cosine_weight: float.
        constant: float.
        overlap_weights: ``(len(FEATURES),)``, or none.
    """

    def __init__(
        self,
        characters: CharacterVocabulary,
        max_length: int,
        cosine_weight: float = _UNCHOSEN[0],
        constant: float = _UNCHOSEN[1],
        overlap_weights: Sequence[float] = (),
    ):
        self._characters, self._max_length = characters, max_length
        self.cosine_weight, self.constant = cosine_weight, constant
        self.overlap_weights = np.asarray(overlap_weights)

    @classmethod
    def fit(
        cls,
        characters: CharacterVocabulary,
        max_length: int,
        first: Sequence[str],
        second: Sequence[str],
        cosines: np.ndarray,
        targets: np.ndarray,
    ) -> Self:
        """The score whose weights explain best what is right; its constant is not chosen yet.

        Weights are those of a choice by a softmax of weighed features: among the items of a list, where any right one
        will do, or between a pair and nothing. They are fitted with and without the overlap on four fifths of the lists
        and tried on the fifth left out, in turns; overlap that does not explain it better there, by two standard
        errors, is not used.

        Args:
            characters, max_length: as of the class.
            first, second: pairs of sentences, list after list.
            cosines: float ``(lists, items)`` or ``(pairs,)``.
            targets: float, as `cosines`: 1 for the right items of a list, of which there is one at least, and 0 for
                others; or from 0 to 1, how right each pair is.

        References:
            McFadden (1974), Conditional Logit Analysis of Qualitative Choice Behavior.
        """
        features = overlap_features(first, second, characters, max_length)
        found = np.concatenate([cosines[..., None], features.reshape(*cosines.shape, -1)], axis=-1)
        weights = _choice_weights(found, targets)
        return cls(characters, max_length, float(weights[0]), 0.0, weights[1:].tolist())

    @property
    def has_overlap(self) -> bool:
        """Whether it depends on more than the cosine."""
        return len(self.overlap_weights) > 0

    def to_dict(self) -> Mapping[str, Any]:
        """The weights, as arguments."""
        weights = self.overlap_weights.tolist()
        return {"cosine_weight": self.cosine_weight, "constant": self.constant, "overlap_weights": weights}

    def logits(self, first: Sequence[str], second: Sequence[str], cosines: np.ndarray) -> np.ndarray:
        """Log odds of the scores, float64 ``(pairs,)``; infinite for the same sentence."""
        logits = self.cosine_weight * cosines.astype("float64") + self.constant
        if not self.has_overlap:
            return logits
        features = overlap_features(first, second, self._characters, self._max_length)
        return np.where(is_identical(features), np.inf, logits + features @ self.overlap_weights)

    @staticmethod
    def from_logits(logits: np.ndarray) -> np.ndarray:
        """Scores of the same shape."""
        return 0.5 * (1 + np.tanh(logits / 2))


def _choice_weights(features, targets):
    """Weights of all features, or of the first alone."""
    scaled = np.pad(features.astype("float64"), [(0, 0)] * (features.ndim - 1) + [(0, 1)])
    is_pairs = features.ndim == 2
    if is_pairs:  # a list of two for each pair: it, with a constant, or nothing
        scaled[:, -1] = 1
        scaled, targets = np.stack([scaled, 0 * scaled], axis=1), np.stack([targets, 1 - targets], axis=1)
    scale = scaled.std(axis=(0, 1)) + 1e-6
    scaled /= scale
    fold = np.arange(len(scaled)) * _FOLDS // max(len(scaled), 1)  # neighbours are of one group
    losses = np.zeros((2, len(scaled)))
    for i in range(_FOLDS if len(scaled) > _FOLDS else 0):
        for way, columns in enumerate(([0, -1], slice(None))):
            weights = _fit_choice(scaled[fold != i][:, :, columns], targets[fold != i], is_pairs)
            shares = _softmax(scaled[fold == i][:, :, columns] @ weights)
            losses[way, fold == i] = _losses(shares, targets[fold == i], is_pairs)
    gain = losses[0] - losses[1]
    if gain.mean() > 2 * gain.std() / np.sqrt(len(gain)):
        weights = _fit_choice(scaled, targets, is_pairs)
        if weights[0] < 0:  # a higher cosine never makes it less likely
            weights = np.append(0.0, _fit_choice(scaled[:, :, 1:], targets, is_pairs))
        return (weights / scale)[:-1]
    weight = _fit_choice(scaled[:, :, [0, -1]], targets, is_pairs)[0] / scale[0]
    return np.array([weight if weight > 0 else _UNCHOSEN[0]])


def _losses(shares, targets, is_pairs):
    if is_pairs:
        return -np.sum(targets * np.log(shares + 1e-12), axis=1)
    return -np.log(np.sum(targets * shares, axis=1) + 1e-12)


def _fit_choice(features, targets, is_pairs):
    """Newton's method; where any right item will do, each is as right as it is likely among them."""
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


def _softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return _normalized(powers)


def _normalized(shares):
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
