"""Metrics of sentence vectors: over groups, by looking for each sentence's own, and over pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nlpkit.metrics import auc, best_threshold, retrieval_ranks, spearman
from nlpkit.tasks.similarity.examples import Pair, Sentence, group_numbers
from nlpkit.tasks.similarity.score import CANDIDATES, PairScore
from nlpkit.tasks.similarity.search import nearest_rows
from nlpkit.text.vocabulary import CharacterVocabulary

_MOST = 4000  # sentences that weights and thresholds are chosen on


def scores(examples: Sequence[Any], vectors: np.ndarray, score: PairScore) -> dict[str, Any]:
    """Metrics over examples of either kind.

    Args:
        examples: sentences in groups, or pairs.
        vectors: float ``(sentences, size)``, of length 1, those of pairs side by side.
        score: what pairs are scored with.

    Returns:
        For groups ``top1``, ``top5``, ``top10`` and ``mrr``, see `nlpkit.metrics.retrieval_ranks`: the nearest
        `CANDIDATES` sentences are ordered by score; and ``accuracy`` and ``auc`` of the pairs of `labelled_logits`. For
        pairs ``spearman`` and, if the labels are two, ``accuracy`` and ``auc``. In either case ``score``, the first of
        them; and those of the cosine alone as ``vector_…``, if the score depends on more.
    """
    if not isinstance(examples[0], Pair):
        ranks = retrieval_ranks(vectors, group_numbers(examples))
        if not len(ranks):
            return {"score": 0.0}
        is_same, logits = labelled_logits(examples, vectors, score)
        scored = _of_ranks(_scored_ranks(examples, vectors, ranks, score)) | _of_answers(is_same, logits)
        return _with_vectors(scored, _of_ranks(ranks), score)
    cosines, labels = pair_cosines(vectors), np.array([each.label for each in examples])
    first, second = _texts_of_pairs(examples)
    logits = score.logits(first, second, cosines)
    alone = _of_pairs(cosines, labels)
    metrics = _of_pairs(logits, labels)
    if "auc" in metrics:
        metrics |= _of_answers(labels == labels.max(), logits)
    return _with_vectors(metrics, alone, score)


def _of_answers(is_same, logits):
    if not len(logits):  # all pairs are of the same sentence
        return {}
    return {"accuracy": float(np.mean((logits >= 0) == is_same)), "auc": auc(is_same, logits)}


def _with_vectors(metrics, of_vectors, score):
    first = np.nan_to_num(next(iter(metrics.values())))
    more = {f"vector_{name}": value for name, value in of_vectors.items()} if score.has_overlap else {}
    return {"score": float(first), **metrics, **more}


def _of_pairs(scored, labels):
    metrics = {"spearman": spearman(labels, scored)}
    if len(np.unique(labels)) == 2:
        metrics["auc"] = auc(labels == labels.max(), scored)
    return metrics


def _of_ranks(ranks):
    return {**{f"top{k}": float(np.mean(ranks < k)) for k in (1, 5, 10)}, "mrr": float(np.mean(1 / (1 + ranks)))}


class Lists(NamedTuple):
    """Sentences of groups that look for their own, each among the nearest others."""

    queries: np.ndarray
    """int ``(q,)``, places of the sentences."""
    rows: np.ndarray
    """int ``(q, candidates)``, places of the others, nearest first."""
    cosines: np.ndarray
    """float32 ``(q, candidates)``."""
    is_own: np.ndarray
    """bool ``(q, candidates)``, whether they are of the same group."""


def lists_of(vectors: np.ndarray, groups: np.ndarray, most: int | None = None) -> Lists:
    """The nearest `CANDIDATES` of each sentence that is not alone in its group.

    Args:
        vectors: float32 ``(n, size)``, of length 1.
        groups: int ``(n,)``, -1 for none.
        most: of more sentences take so many, from all over.
    """
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    queries = np.flatnonzero((groups >= 0) & (sizes[groups] > 1))
    if most is not None and len(queries) > most:
        queries = queries[np.linspace(0, len(queries) - 1, most).astype(int)]
    cosines, rows = nearest_rows(vectors, vectors[queries], CANDIDATES + 1)
    # Without the sentence itself, or where many are as near, the last.
    is_itself = rows == queries[:, None]
    is_itself[:, -1] |= ~is_itself.any(axis=1)
    kept = ~is_itself
    cosines, rows = (each[kept].reshape(len(queries), rows.shape[1] - 1) for each in (cosines, rows))
    return Lists(queries, rows, cosines, groups[rows] == groups[queries, None])


def logits_of_lists(sentences: Sequence[Sentence], lists: Lists, score: PairScore) -> np.ndarray:
    """Log odds, float ``(q, candidates)``."""
    first, second = _texts_of_lists(sentences, lists)
    return score.logits(first, second, lists.cosines.ravel()).reshape(lists.cosines.shape)


def _texts_of_lists(sentences, lists):
    first = [sentences[i].text for i in np.repeat(lists.queries, lists.rows.shape[1])]
    return first, [sentences[i].text for i in lists.rows.ravel()]


def _texts_of_pairs(pairs):
    return [each.first for each in pairs], [each.second for each in pairs]


def _scored_ranks(sentences, vectors, ranks, score):
    if not score.has_overlap:
        return ranks
    lists = lists_of(vectors, group_numbers(sentences))
    scored = logits_of_lists(sentences, lists, score)
    best = np.where(lists.is_own, scored, -np.inf).max(axis=1, keepdims=True)
    nearer = (~lists.is_own & (scored > best)).sum(axis=1)
    return np.where(lists.is_own.any(axis=1), nearer, ranks)


def chosen_score(
    examples: Sequence[Any], vectors: np.ndarray, characters: CharacterVocabulary, max_length: int
) -> PairScore:
    """The score that suits data best, and whose 0.5 tells pairs that are the same best from others.

    Args:
        examples, vectors: as of `scores`.
        characters, max_length: as of `PairScore`.
    """
    if isinstance(examples[0], Pair):
        labels = np.array([each.label for each in examples])
        targets = (labels - labels.min()) / max(labels.max() - labels.min(), 1e-9)
        (first, second), cosines = _texts_of_pairs(examples), pair_cosines(vectors)
    else:
        lists = lists_of(vectors, group_numbers(examples), _MOST)
        lists = Lists(*(each[lists.is_own.any(axis=1)] for each in lists))
        targets = lists.is_own.astype(float)
        (first, second), cosines = _texts_of_lists(examples, lists), lists.cosines
    if not len(cosines):
        return PairScore(characters, max_length)
    score = PairScore.fit(characters, max_length, first, second, cosines, targets)
    is_same, logits = labelled_logits(examples, vectors, score)
    score.constant = -best_threshold(is_same, logits)
    return score


def labelled_logits(examples: Sequence[Any], vectors: np.ndarray, score: PairScore) -> tuple[np.ndarray, np.ndarray]:
    """Whether pairs are the same, bool ``(n,)``, and the log odds of their scores, float ``(n,)``.

    Of groups these are pairs of neighbours within a group, and each sentence with the one of another group that has
    the highest score. Pairs of the same sentence are left out.
    """
    if isinstance(examples[0], Pair):
        labels = np.array([each.label for each in examples])
        is_same = labels >= (labels.max() + labels.min()) / 2
        first, second = _texts_of_pairs(examples)
        logits = score.logits(first, second, pair_cosines(vectors))
    else:
        groups = group_numbers(examples)
        lists = lists_of(vectors, groups, _MOST)
        order = lists.queries[np.argsort(groups[lists.queries], kind="stable")]
        is_pair = groups[order[:-1]] == groups[order[1:]]
        left, right = order[:-1][is_pair], order[1:][is_pair]
        first, second = ([examples[i].text for i in side] for side in (left, right))
        own = score.logits(first, second, np.sum(vectors[left] * vectors[right], axis=1))
        others = np.where(lists.is_own, -np.inf, logits_of_lists(examples, lists, score)).max(axis=1, initial=-np.inf)
        is_same, logits = np.repeat([True, False], [len(own), len(others)]), np.concatenate([own, others])
    is_finite = np.isfinite(logits)
    return is_same[is_finite], logits[is_finite]


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
