"""Examples to training batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nlpkit.datasets.batches import BucketedBatches
from nlpkit.tasks.similarity.config import CLASS_LOSSES, PAIR_LOSSES
from nlpkit.tasks.similarity.examples import EncodedTexts, group_numbers, texts_of, unlike_numbers
from nlpkit.tasks.similarity.scoring.training_pairs import scaled_labels
from nlpkit.text.features import TextFeatures

_Collate = Callable[[np.ndarray, int, np.random.Generator], tuple[dict[str, np.ndarray], np.ndarray]]
_BUCKETS = (8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256)


def training_batches(examples: Sequence[Any], features: TextFeatures, settings: Any, seed: int) -> BucketedBatches:
    """Batches ``(arrays, targets)``.

    For pairs the rows of both sentences follow each other, and the targets are labels from 0 to 1. For a loss over
    groups the targets are the groups of the rows; if there are more groups than ``sampled_groups``, the array
    ``compared`` names some, and the targets are places in it. For the contrastive loss a partner of each row follows,
    then hard negatives of their groups, and the targets are groups, -1 for the negatives.
    """
    texts = EncodedTexts(texts_of(examples), features, settings.max_length)
    buckets = [size for size in _BUCKETS if size < settings.max_length] + [settings.max_length]
    make = _of_pairs if settings.loss in PAIR_LOSSES else _of_groups if settings.loss in CLASS_LOSSES else _of_partners
    lengths, collate = make(examples, texts, settings)
    return BucketedBatches(lengths, collate, settings.batch_size, seed, buckets)


def _of_pairs(pairs: Sequence[Any], texts: EncodedTexts, settings: Any) -> tuple[np.ndarray, _Collate]:
    labels = scaled_labels(pairs).astype("float32")

    def collate(rows: np.ndarray, size: int, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
        return texts.gather((2 * rows[:, None] + [0, 1]).ravel(), size), labels[rows]

    return texts.lengths.reshape(-1, 2).max(axis=1), collate


def _of_groups(sentences: Sequence[Any], texts: EncodedTexts, settings: Any) -> tuple[np.ndarray, _Collate]:
    groups = group_numbers(sentences)
    members = np.flatnonzero(groups >= 0)
    num_groups, count = int(groups.max()) + 1, settings.sampled_groups

    def collate(rows: np.ndarray, size: int, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
        arrays, targets = texts.gather(members[rows], size), groups[members[rows]]
        if num_groups <= count:
            return arrays, targets
        compared, places = sample_groups(targets, num_groups, count, rng)
        return {**arrays, "compared": compared}, places

    return texts.lengths[members], collate


def sample_groups(
    groups: np.ndarray, num_groups: int, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The groups of a batch, and a random sample of others.

    Args:
        groups: groups of the batch, int ``(batch,)``.
        num_groups: number of all groups, above `count`.
        count: number of groups to return; the groups of the batch are always included.

    Returns:
        Distinct groups, int32 ``(count,)``, and the place of each of `groups` among them, int32 ``(batch,)``.

    Example:

        >>> compared, places = sample_groups(np.array([7, 900, 7]), 1000, 5, np.random.default_rng(0))
        >>> len(compared), compared[places].tolist()
        (5, [7, 900, 7])
    """
    own, places = np.unique(groups, return_inverse=True)
    sample = rng.choice(num_groups, count, replace=False)
    others = sample[~np.isin(sample, own)][: max(0, count - len(own))]
    return np.concatenate([own, others]).astype("int32"), places.astype("int32")


def _of_partners(sentences: Sequence[Any], texts: EncodedTexts, settings: Any) -> tuple[np.ndarray, _Collate]:
    groups, unlike = group_numbers(sentences), unlike_numbers(sentences)
    members, negatives = _Groups(groups), _Groups(unlike)

    def collate(rows: np.ndarray, size: int, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
        rows = members.rows[rows]
        own = groups[rows]
        # Another sentence of the group, or if there is none the same one, under another dropout.
        partners = members.after(rows, own, 1 + rng.integers(0, np.maximum(members.sizes[own] - 1, 1)))
        hard = negatives.draw(np.unique(own), rng)
        targets = np.concatenate([own, own, np.full(len(hard), -1, "int32")])
        return texts.gather(np.concatenate([rows, partners, hard]), size), targets

    longest = np.zeros(len(members.sizes), int)
    for each in (groups, unlike):
        np.maximum.at(longest, each[each >= 0], texts.lengths[each >= 0])
    return longest[groups[members.rows]], collate


class _Groups:
    """The rows of each group; rows of the group -1 have none."""

    def __init__(self, groups: np.ndarray):
        order = np.argsort(groups, kind="stable")
        self.rows = np.flatnonzero(groups >= 0)
        self.sizes = np.bincount(groups[self.rows])
        self._order = order[len(groups) - len(self.rows) :]
        self._starts = np.cumsum(self.sizes) - self.sizes
        self._place = np.zeros(len(groups), int)
        self._place[self._order] = np.arange(len(self._order))

    def after(self, rows: np.ndarray, groups: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """The row `steps` after each row within its group, cyclically."""
        starts = self._starts[groups]
        return self._order[starts + (self._place[rows] - starts + steps) % self.sizes[groups]]

    def draw(self, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A random row of each group that has any."""
        groups = groups[groups < len(self.sizes)]
        groups = groups[self.sizes[groups] > 0]
        return self._order[self._starts[groups] + rng.integers(0, self.sizes[groups])]
