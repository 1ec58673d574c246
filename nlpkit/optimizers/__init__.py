"""Optimizers: for big tables, and around other optimizers."""

from nlpkit.optimizers.gradients import (
    AdaptiveClip,
    AddNoise,
    Centralize,
    ClipByNorm,
    ClipByValue,
    GradientTransforms,
    Mask,
)
from nlpkit.optimizers.multipliers import LearningRateMultipliers
from nlpkit.optimizers.rows import RowAdagrad, RowAdam, RowSGD

__all__ = [
    "AdaptiveClip",
    "AddNoise",
    "Centralize",
    "ClipByNorm",
    "ClipByValue",
    "GradientTransforms",
    "LearningRateMultipliers",
    "Mask",
    "RowAdagrad",
    "RowAdam",
    "RowSGD",
]
