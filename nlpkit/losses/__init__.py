"""Loss functions for Keras models."""

from nlpkit.losses.linear_chain import CRFLoss, PathLoss

__all__ = ["CRFLoss", "PathLoss"]
