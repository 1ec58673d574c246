"""Metrics of sentence vectors: retrieval within groups, and scores of pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.metrics import auc, retrieval_ranks, spearman
from nlpkit.tasks.similarity.examples import Pair, Sentence, group_numbers
from nlpkit.tasks.similarity.scoring.lists import MOST, Lists, lists_of
from nlpkit.tasks.similarity.scoring.score import PairScore


def scores(examples: Sequence[Any], vectors: np.ndarray, score: PairScore) -> dict[str, Any]:
    """Metrics over examples of either kind.

    Args:
        examples: sentences in groups, or pairs.
        vectors: unit vectors, float ``(sentences, size)``, of pairs one after the other.
        score: score of pairs.

    Returns:
        For groups ``top1``, ``top5``, ``top10`` and ``mrr``, see `nlpkit.metrics.retrieval_ranks`: the nearest
        `CANDIDATES` sentences are ordered by score; and ``accuracy`` and ``auc`` of the pairs of `labelled_groups`. For
        pairs ``spearman`` and, for two labels, ``accuracy`` and ``auc``. In either case ``score``, the first of these;
        and the metrics of the cosine alone as ``vector_…``, if the score depends on more.
    """
    if not isinstance(examples[0], Pair):
        ranks = retrieval_ranks(vectors, group_numbers(examples))
        if not len(ranks):
            return {"score": 0.0}
        # Only a score that reorders the nearest sentences needs the lists of all.
        lists = lists_of(examples, vectors, None if score.has_overlap else MOST)
        logits = lists.logits(score)
        scored = _of_ranks(_scored_ranks(lists, logits, ranks) if score.has_overlap else ranks)
        return _with_vectors(
            scored | _of_answers(*labelled_groups(lists, vectors, score, logits)), _of_ranks(ranks), score
        )
    cosines, labels = pair_cosines(vectors), np.array([each.label for each in examples])
    logits = score.logits(*texts_of_pairs(examples), cosines)
    alone = _of_pairs(cosines, labels)
    metrics = _of_pairs(logits, labels)
    if "auc" in metrics:
        metrics |= _of_answers(labels == labels.max(), logits)
    return _with_vectors(metrics, alone, score)


def _of_answers(is_same: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    if not len(logits):  # both sentences of every pair are identical
        return {}
    return {"accuracy": float(np.mean((logits >= 0) == is_same)), "auc": auc(is_same, logits)}


def _with_vectors(metrics: dict[str, float], of_vectors: dict[str, float], score: PairScore) -> dict[str, float]:
    first = np.nan_to_num(next(iter(metrics.values())))
    more = {f"vector_{name}": value for name, value in of_vectors.items()} if score.has_overlap else {}
    return {"score": float(first), **metrics, **more}


def _of_pairs(scored: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    metrics = {"spearman": spearman(labels, scored)}
    if len(np.unique(labels)) == 2:
        metrics["auc"] = auc(labels == labels.max(), scored)
    return metrics


def _of_ranks(ranks: np.ndarray) -> dict[str, float]:
    return {**{f"top{k}": float(np.mean(ranks < k)) for k in (1, 5, 10)}, "mrr": float(np.mean(1 / (1 + ranks)))}


def _scored_ranks(lists: Lists, logits: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    best = np.where(lists.is_own, logits, -np.inf).max(axis=1, keepdims=True)
    nearer = (~lists.is_own & (logits > best)).sum(axis=1)
    return np.where(lists.is_own.any(axis=1), nearer, ranks)


def labelled_groups(
    lists: Lists, vectors: np.ndarray, score: PairScore, logits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labelled pairs from groups: neighbours within a group, and each sentence with the likeliest of other groups.

    Pairs of identical sentences are left out.

    Args:
        lists: sentences and their nearest ones.
        vectors: vectors of the sentences, float32.
        score: score of pairs.
        logits: log odds of the items of the lists.

    Returns:
        Whether both are of one group, bool ``(n,)``, and the log odds of their scores, float ``(n,)``.
    """
    groups = group_numbers(lists.sentences)
    order = lists.queries[np.argsort(groups[lists.queries], kind="stable")]
    is_pair = groups[order[:-1]] == groups[order[1:]]
    left, right = order[:-1][is_pair], order[1:][is_pair]
    first, second = ([lists.sentences[i].text for i in side] for side in (left, right))
    own = score.logits(first, second, np.sum(vectors[left] * vectors[right], axis=1))
    others = np.where(lists.is_own, -np.inf, logits).max(axis=1, initial=-np.inf)
    is_same, found = np.repeat([True, False], [len(own), len(others)]), np.concatenate([own, others])
    is_finite = np.isfinite(found)
    return is_same[is_finite], found[is_finite]


def labelled_pairs(pairs: Sequence[Pair], cosines: np.ndarray, score: PairScore) -> tuple[np.ndarray, np.ndarray]:
    """Whether the label of a pair is "the same", bool ``(n,)``, and the log odds of the scores, float ``(n,)``.

    Labels in the upper half of their range mean "the same". Pairs of identical sentences are left out.
    """
    labels = np.array([each.label for each in pairs])
    logits = score.logits(*texts_of_pairs(pairs), cosines)
    is_finite = np.isfinite(logits)
    return (labels >= (labels.max() + labels.min()) / 2)[is_finite], logits[is_finite]


def texts_of_pairs(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """The first and the second sentences of pairs."""
    return [each.first for each in pairs], [each.second for each in pairs]


def pair_cosines(vectors: np.ndarray) -> np.ndarray:
    """Cosines of pairs of consecutive vectors, float ``(pairs,)``."""
    return np.sum(vectors[0::2] * vectors[1::2], axis=1)


def sample_pairs(sentences: Sequence[Sentence], count: int) -> list[tuple[str, str, bool]]:
    """Pairs of neighbouring sentences of a file, half of them of one group."""
    neighbours = list(itertools.pairwise(each for each in sentences if each.group is not None))
    chosen: list[tuple[str, str, bool]] = []
    for is_same in (True, False):
        pairs = [(a.text, b.text, is_same) for a, b in neighbours if (a.group == b.group) == is_same]
        chosen += pairs[:: max(1, len(pairs) // max(1, count // 2))][: count // 2]
    return chosen
