"""The score of two sentences: a calibrated weighted sum of their cosine and their overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nlpkit.tasks.similarity.scoring.overlap import FEATURES, Overlap, is_identical

CANDIDATES = 20
"""Number of nearest sentences by cosine to order by score."""
UNCALIBRATED = (20.0, -10.0)
"""Weight of the cosine and constant before calibration: a score of 0.5 at a cosine of 0.5."""


class PairScore:
    """The score of two sentences, from 0 to 1; from 0.5 on they count as the same.

    It is the logistic function of a weighted sum of their cosine and, if that helps, the features of their overlap.
    Identical sentences have a score of 1.

    Args:
        overlap: features of the overlap of sentences.
        cosine_weight: weight of the cosine.
        constant: constant of the sum.
        overlap_weights: weights of the overlap, ``(len(FEATURES),)``, or empty.
    """

    def __init__(
        self,
        overlap: Overlap,
        cosine_weight: float = UNCALIBRATED[0],
        constant: float = UNCALIBRATED[1],
        overlap_weights: Sequence[float] = (),
    ):
        self._overlap = overlap
        self.cosine_weight, self.constant = cosine_weight, constant
        self.overlap_weights = np.asarray(overlap_weights)

    def check(self) -> None:
        """Raise a `ValueError` if there are weights for other features."""
        if self.has_overlap and self.overlap_weights.shape != (len(FEATURES),):
            raise ValueError(f"{len(self.overlap_weights)} weights of {len(FEATURES)} features of pairs")

    @property
    def has_overlap(self) -> bool:
        """Whether the score depends on more than the cosine."""
        return len(self.overlap_weights) > 0

    def to_dict(self) -> Mapping[str, Any]:
        """The weights as keyword arguments."""
        weights = self.overlap_weights.tolist()
        return {"cosine_weight": self.cosine_weight, "constant": self.constant, "overlap_weights": weights}

    def logits(self, first: Sequence[str], second: Sequence[str], cosines: np.ndarray) -> np.ndarray:
        """Log odds of the scores, float64 ``(pairs,)``; infinite for identical sentences."""
        logits = self.cosine_weight * cosines.astype("float64") + self.constant
        if not self.has_overlap:
            return logits
        features = self._overlap.of_pairs(first, second)
        return np.where(is_identical(features), np.inf, logits + features @ self.overlap_weights)

    @staticmethod
    def from_logits(logits: np.ndarray) -> np.ndarray:
        """Scores of the same shape."""
        return 0.5 * (1 + np.tanh(logits / 2))
