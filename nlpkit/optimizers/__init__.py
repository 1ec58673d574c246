"""Optimizers: for big tables, and around other optimizers; training steps with a second gradient."""

from nlpkit.optimizers.accumulation import GradientAccumulation
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
from nlpkit.optimizers.second_gradient import FGM, SAM

__all__ = [
    "FGM",
    "SAM",
    "AdaptiveClip",
    "AddNoise",
    "Centralize",
    "ClipByNorm",
    "ClipByValue",
    "GradientAccumulation",
    "GradientTransforms",
    "LearningRateMultipliers",
    "Mask",
    "RowAdagrad",
    "RowAdam",
    "RowSGD",
]
