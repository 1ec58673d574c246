"""Metrics over decoded answers, one definition each."""

from nlpkit.metrics.spans import entity_scores, segmentation_scores

__all__ = ["entity_scores", "segmentation_scores"]
