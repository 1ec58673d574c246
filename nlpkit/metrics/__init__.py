"""Metrics over decoded answers, one definition each."""

from nlpkit.metrics.generation import bleu, distinct
from nlpkit.metrics.spans import entity_scores, segmentation_scores

__all__ = ["bleu", "distinct", "entity_scores", "segmentation_scores"]
