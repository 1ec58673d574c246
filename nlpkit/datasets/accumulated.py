"""Weights of small batches for gradient accumulation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from nlpkit.errors import ConfigError


class AccumulatedBatches:
    """Batches weighted so that the mean gradient of `steps` of them equals that of one large batch.

    The loss of a batch is a mean over its weighted elements. Each batch is therefore weighted by its share of the
    elements of the large batch. The last large batch of an epoch may be smaller.

    Args:
        batches: object with ``len()`` and ``epoch(epoch, start)``, which yields arrays, targets and weights; within a
            batch all weights above 0 are equal: the number of elements over the number of those that count.
        steps: number of batches in a large one.

    Example:

        >>> class Two:
        ...     def epoch(self, epoch, start=0):
        ...         yield from [("x", "y", np.ones(3)), ("x", "y", np.ones(1))][start:]
        >>> [weights.tolist() for *_, weights in AccumulatedBatches(Two(), 2).epoch(0)]
        [[1.5, 1.5, 1.5], [0.5]]
    """

    def __init__(self, batches: Any, steps: int):
        self._batches, self._steps = batches, steps

    def __len__(self) -> int:
        return len(self._batches)

    def epoch(self, epoch: int, start: int = 0) -> Iterator:
        """The batches of an epoch from a given step on, which may lie within a large batch."""
        skip = start % self._steps
        batches = iter(self._batches.epoch(epoch, start - skip))
        while group := list(itertools.islice(batches, self._steps)):
            counts = [_count(batch) for batch in group]
            for (arrays, targets, weights), count in zip(group[skip:], counts[skip:]):
                yield arrays, targets, weights * np.float32(self._steps * count / max(sum(counts), 1e-30))
            skip = 0


def _count(batch: tuple) -> float:
    """Number of elements in the mean of a batch."""
    if len(batch) < 3:
        raise ConfigError("accumulate must be 1, as the loss of this model is no mean over examples")
    weights = batch[2]
    largest = weights.max(initial=0)
    return weights.size / largest if largest > 0 else 0.0
