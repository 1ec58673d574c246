"""Loss functions: classes for Keras models, and functions with their derivatives."""

from nlpkit.losses.linear_chain import CRFLoss, PathLoss
from nlpkit.losses.sampled import negative_sampling, sampled_softmax

__all__ = ["CRFLoss", "PathLoss", "negative_sampling", "sampled_softmax"]
