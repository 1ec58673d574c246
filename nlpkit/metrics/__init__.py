"""Metrics over decoded answers, one definition each; and Keras metrics for training, which alone need Keras."""

from typing import TYPE_CHECKING, Any

from nlpkit.metrics.generation import bleu, distinct
from nlpkit.metrics.labels import label_scores
from nlpkit.metrics.pairs import auc, best_threshold, retrieval_ranks
from nlpkit.metrics.spans import entity_scores, segmentation_scores
from nlpkit.metrics.summaries import (
    clge_scores,
    copied_spans,
    copying,
    lead,
    mean_length,
    novelty,
    word_rouge,
)
from nlpkit.metrics.triples import (
    alias_triple_scores,
    partial_triple_scores,
    scores_by_count,
    scores_by_overlap,
    scores_by_predicate,
    triple_scores,
)
from nlpkit.metrics.vectors import analogy_hits, spearman

if TYPE_CHECKING:
    from nlpkit.metrics.tags import SpanF1, TagAccuracy

__all__ = [
    "SpanF1",
    "TagAccuracy",
    "alias_triple_scores",
    "analogy_hits",
    "auc",
    "best_threshold",
    "bleu",
    "clge_scores",
    "copied_spans",
    "copying",
    "distinct",
    "entity_scores",
    "label_scores",
    "lead",
    "mean_length",
    "novelty",
    "partial_triple_scores",
    "retrieval_ranks",
    "scores_by_count",
    "scores_by_overlap",
    "scores_by_predicate",
    "segmentation_scores",
    "spearman",
    "triple_scores",
    "word_rouge",
]


def __getattr__(name: str) -> Any:
    """Import Keras only when one of its metrics is asked for."""
    if name not in ("SpanF1", "TagAccuracy"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nlpkit.metrics import tags

    return getattr(tags, name)
