"""Pairs of sentences that training data say to be the same or not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlpkit.tasks.similarity.examples import Pair, group_numbers, unlike_numbers
from nlpkit.tasks.similarity.search import nearest_rows

_OF_A_GROUP = 6  # pairs
_OF_A_NEGATIVE = 2  # sentences of the group that it is like
_NEAR, _AMONG = 3, 12  # sentences of other groups, among so many nearest
_MOST = 20_000  # sentences that look for near ones


def training_pairs(
    examples: Sequence[Any], texts: Sequence[str], vectors: np.ndarray
) -> tuple[list[str], list[str], np.ndarray]:
    """Pairs of sentences and how much they are the same.

    Of groups these are pairs within a group, hard negatives with sentences of the group that they are like, and
    sentences with near ones of other groups.

    Args:
        examples: sentences in groups, or pairs.
        texts: all sentences, those of pairs side by side.
        vectors: float32 ``(sentences, size)``, of length 1: those whose vectors are alike should have characters in
            common, as is the case before training.

    Returns:
        First and second sentences, and from 0 to 1 how much they are the same, float64 ``(pairs,)``.
    """
    if isinstance(examples[0], Pair):
        return list(texts[0::2]), list(texts[1::2]), scaled_labels(examples)
    rng = np.random.default_rng(0)
    groups, unlike = group_numbers(examples), unlike_numbers(examples)
    members: dict[int, list[int]] = {}
    for row in np.flatnonzero(groups >= 0).tolist():
        members.setdefault(int(groups[row]), []).append(row)
    same = [pair for rows in members.values() for pair in _some(rng, itertools.combinations(rows, 2), _OF_A_GROUP)]
    other = [
        (row, near)
        for row in np.flatnonzero(unlike >= 0).tolist()
        for near in _some(rng, members.get(int(unlike[row]), []), _OF_A_NEGATIVE)
    ]
    other += _near(rng, groups, vectors)
    first, second = ([texts[pair[side]] for pair in (*same, *other)] for side in (0, 1))
    return first, second, np.repeat([1.0, 0.0], [len(same), len(other)])


def scaled_labels(pairs: Sequence[Pair]) -> np.ndarray:
    """Labels from 0, the lowest, to 1, the highest, float64 ``(pairs,)``."""
    labels = np.array([each.label for each in pairs])
    return (labels - labels.min()) / max(labels.max() - labels.min(), 1e-9)


def _some(rng, items, count):
    items = list(items)
    return [items[i] for i in rng.permutation(len(items))[:count]]


def _near(rng, groups, vectors):
    """Pairs of a sentence and one of another group that is near to it."""
    chosen = np.flatnonzero(groups >= 0)
    if len(chosen) > _MOST:
        chosen = np.sort(rng.choice(chosen, _MOST, replace=False))
    _, rows = nearest_rows(vectors[chosen], vectors[chosen], _AMONG)
    is_other = groups[chosen][rows] != groups[chosen][:, None]
    is_kept = is_other & (np.cumsum(is_other, axis=1) <= _NEAR)
    return list(zip(np.repeat(chosen, is_kept.sum(axis=1)).tolist(), chosen[rows[is_kept]].tolist()))
