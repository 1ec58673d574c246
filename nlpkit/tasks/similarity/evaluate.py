"""Metrics of sentence vectors: over groups, by looking for each sentence's own, and over pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.metrics import auc, best_threshold, retrieval_ranks, spearman
from nlpkit.tasks.similarity.examples import Pair, Sentence, group_numbers


def scores(examples: Sequence[Any], vectors: np.ndarray, threshold: float) -> dict[str, Any]:
    """Metrics over examples of either kind.

    Args:
        examples: sentences in groups, or pairs.
        vectors: float ``(sentences, size)``, of length 1, those of pairs side by side.
        threshold: cosine from which two sentences count as the same.

    Returns:
        For groups ``top1``, ``top5``, ``top10`` and ``mrr``, see `nlpkit.metrics.retrieval_ranks`; for pairs
        ``spearman`` and, if the labels are two, ``accuracy`` at the threshold and ``auc``; in either case ``score``,
        the first of them.
    """
    if isinstance(examples[0], Pair):
        cosines, labels = pair_cosines(vectors), np.array([each.label for each in examples])
        metrics = {"spearman": spearman(labels, cosines)}
        if len(np.unique(labels)) == 2:
            is_same = labels == labels.max()
            metrics |= {"accuracy": float(np.mean((cosines >= threshold) == is_same)), "auc": auc(is_same, cosines)}
        return {"score": np.nan_to_num(metrics["spearman"]), **metrics}
    ranks = retrieval_ranks(vectors, group_numbers(examples))
    if not len(ranks):
        return {"score": 0.0}
    tops = {f"top{k}": float(np.mean(ranks < k)) for k in (1, 5, 10)}
    return {"score": tops["top1"], **tops, "mrr": float(np.mean(1 / (1 + ranks)))}


def threshold_of(examples: Sequence[Any], vectors: np.ndarray) -> float:
    """The cosine that tells pairs that are the same best from others, see `labelled_pairs`."""
    return best_threshold(*labelled_pairs(examples, vectors))


def labelled_pairs(examples: Sequence[Any], vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether pairs are the same, bool ``(n,)``, and their cosines, float ``(n,)``.

    Of groups these are all pairs of neighbours within a group, and each sentence with the nearest one that is not of
    its group.
    """
    if isinstance(examples[0], Pair):
        labels = np.array([each.label for each in examples])
        return labels >= (labels.max() + labels.min()) / 2, pair_cosines(vectors)
    groups = group_numbers(examples)
    order = np.argsort(groups, kind="stable")[np.sum(groups < 0) :]
    left, right = order[:-1], order[1:]
    same = groups[left] == groups[right]
    cosines = np.sum(vectors[left[same]] * vectors[right[same]], axis=1)
    nearest = np.array([_nearest_other(vectors, groups, row) for row in order])
    return np.repeat([True, False], [len(cosines), len(nearest)]), np.concatenate([cosines, nearest])


def _nearest_other(vectors, groups, row):
    return float(np.where(groups == groups[row], -1.0, vectors @ vectors[row]).max())


def pair_cosines(vectors: np.ndarray) -> np.ndarray:
    """float ``(pairs,)``, of vectors that stand side by side."""
    return np.sum(vectors[0::2] * vectors[1::2], axis=1)


def sample_pairs(sentences: Sequence[Sentence], count: int) -> list[tuple[str, str, bool]]:
    """Pairs of neighbouring sentences of a file, half of them of one group."""
    neighbours = list(itertools.pairwise(each for each in sentences if each.group is not None))
    chosen: list[tuple[str, str, bool]] = []
    for is_same in (True, False):
        pairs = [(a.text, b.text, is_same) for a, b in neighbours if (a.group == b.group) == is_same]
        chosen += pairs[:: max(1, len(pairs) // max(1, count // 2))][: count // 2]
    return chosen
