"""Metrics over decoded answers, one definition each."""

from nlpkit.metrics.generation import bleu, distinct
from nlpkit.metrics.spans import entity_scores, segmentation_scores
from nlpkit.metrics.vectors import analogy_hits, spearman

__all__ = ["analogy_hits", "bleu", "distinct", "entity_scores", "segmentation_scores", "spearman"]
