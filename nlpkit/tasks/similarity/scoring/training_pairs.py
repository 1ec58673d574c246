"""Labelled pairs of sentences from training data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from nlpkit.decoding import nearest_rows
from nlpkit.tasks.similarity.examples import Pair, group_numbers, unlike_numbers

T = TypeVar("T")
_MOST_SENTENCES, _MOST_PAIRS = 20_000, 200_000  # larger data are sampled
_OF_A_GROUP, _MEMBERS = 6, 12  # pairs of a group, among so many of its sentences
_OF_A_NEGATIVE = 2  # pairs of a hard negative with sentences of its group
_NEAR, _AMONG = 3, 12  # pairs of a sentence with those of other groups, among so many nearest


def training_pairs(
    examples: Sequence[Any], encode: Callable[[Sequence[str]], np.ndarray]
) -> tuple[list[str], list[str], np.ndarray]:
    """Pairs of sentences with their similarity.

    From groups these are pairs within a group, hard negatives with sentences of the group that they resemble, and
    sentences with near ones of other groups.

    Args:
        examples: sentences in groups, or pairs.
        encode: function from sentences to unit vectors that are close for sentences with common characters, such as
            those of an untrained network.

    Returns:
        First and second sentences, and their similarity from 0 to 1, float64 ``(pairs,)``; none if no two sentences
        are of one group.
    """
    rng = np.random.default_rng(0)
    if isinstance(examples[0], Pair):
        rows = sorted(rng.permutation(len(examples))[:_MOST_PAIRS].tolist())
        first, second = ([getattr(examples[row], side) for row in rows] for side in ("first", "second"))
        return first, second, scaled_labels(examples)[rows]
    groups, unlike = _some_groups(rng, group_numbers(examples)), unlike_numbers(examples)
    members: dict[int, list[int]] = {}
    for row in np.flatnonzero(groups >= 0).tolist():
        members.setdefault(int(groups[row]), []).append(row)
    same = [
        pair
        for rows in members.values()
        for pair in _some(rng, itertools.combinations(_some(rng, rows, _MEMBERS), 2), _OF_A_GROUP)
    ]
    if not same:
        return [], [], np.zeros(0)
    other = [
        (row, near)
        for row in np.flatnonzero(unlike >= 0).tolist()
        for near in _some(rng, members.get(int(unlike[row]), []), _OF_A_NEGATIVE)
    ]
    chosen = np.flatnonzero(groups >= 0)
    other += _near(chosen, groups[chosen], encode([examples[row].text for row in chosen.tolist()]))
    first, second = ([examples[pair[side]].text for pair in (*same, *other)] for side in (0, 1))
    return first, second, np.repeat([1.0, 0.0], [len(same), len(other)])


def scaled_labels(pairs: Sequence[Pair]) -> np.ndarray:
    """Labels scaled to the range from 0 to 1, float64 ``(pairs,)``."""
    labels = np.array([each.label for each in pairs])
    return (labels - labels.min()) / max(labels.max() - labels.min(), 1e-9)


def _some(rng: np.random.Generator, items: Iterable[T], count: int) -> list[T]:
    pool = list(items)
    return [pool[i] for i in rng.permutation(len(pool))[:count]]


def _some_groups(rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
    """The numbers of groups, -1 for groups left out because there are too many sentences."""
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    order = rng.permutation(len(sizes))
    is_kept = np.zeros(len(sizes), bool)
    is_kept[order[np.cumsum(sizes[order]) <= max(_MOST_SENTENCES, sizes[order[0]])]] = True
    return np.where(is_kept[groups], groups, -1)


def _near(rows: np.ndarray, groups: np.ndarray, vectors: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of a sentence and a near one of another group."""
    _, nearest = nearest_rows(vectors, vectors, _AMONG)
    is_other = groups[nearest] != groups[:, None]
    is_kept = is_other & (np.cumsum(is_other, axis=1) <= _NEAR)
    return list(zip(np.repeat(rows, is_kept.sum(axis=1)).tolist(), rows[nearest[is_kept]].tolist()))
