"""Optimizers for models with big tables."""

from nlpkit.optimizers.rows import RowAdagrad, RowAdam, RowSGD

__all__ = ["RowAdagrad", "RowAdam", "RowSGD"]
