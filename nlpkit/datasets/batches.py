"""Padded batches of few shapes from examples of many lengths."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np


class BucketedBatches:
    """Batches of examples of similar length, in an order determined by the seed and the epoch.

    The pair (epoch, step) is the whole state, so that training can stop and resume anywhere.

    Args:
        lengths: length of each example.
        collate: function of an int array of example indices, a padded length and a NumPy generator that returns the
            arrays of one batch. The generator depends only on the seed, the epoch and the step, so that targets can be
            drawn anew each epoch, and equally in a resumed run.
        batch_size: number of examples in a batch of mean length. Batches of longer examples hold fewer, of shorter ones
            more, so that each holds about the same number of steps.
        seed: seed of the order.
        buckets: padded lengths, ascending; no example may be longer than the last.
        kinds: int of each example. Examples of a bucket and a kind share batches where possible, so that other padded
            parts, such as targets, have similar lengths as well.

    Raises:
        ValueError: if there are no examples, or one is longer than the last bucket.

    Example:

        >>> batches = BucketedBatches([3, 9, 4, 8], lambda rows, length, rng: (rows.tolist(), length), 2, seed=0,
        ...                           buckets=[4, 16])
        >>> sorted(batches.epoch(0), key=lambda batch: (batch[1], batch[0]))
        [([0, 2], 4), ([1], 16), ([3], 16)]
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        collate: Callable[[np.ndarray, int, np.random.Generator], Any],
        batch_size: int,
        seed: int,
        buckets: Sequence[int] = (16, 32, 48, 64, 96, 128, 192, 256),
        kinds: Sequence[int] | np.ndarray | None = None,
    ):
        self._collate = collate
        self._seed = seed
        self._kinds = np.zeros(len(lengths), int) if kinds is None else np.asarray(kinds)
        self._buckets = np.asarray(buckets)
        if len(lengths) == 0:
            raise ValueError("lengths is empty: there are no examples to make batches of")
        bucket = np.searchsorted(self._buckets, lengths)
        if bucket.max() == len(self._buckets):
            raise ValueError(f"an example of length {max(lengths)} does not fit the longest bucket, {buckets[-1]}")
        self._members = [np.flatnonzero(bucket == i) for i in range(len(self._buckets))]
        steps = batch_size * self._buckets[bucket].mean()
        self._rows = np.maximum(1, np.round(steps / self._buckets)).astype(int)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return sum(-(-len(members) // rows) for members, rows in zip(self._members, self._rows))

    def epoch(self, epoch: int, start: int = 0) -> Iterator:
        """The batches of an epoch from a given step on."""
        for step, (rows, length) in enumerate(self._plan(epoch)[start:], start):
            yield self._collate(rows, length, np.random.default_rng((self._seed, epoch, step)))

    def _plan(self, epoch: int) -> list[tuple[np.ndarray, int]]:
        """Indices of the examples and padded length of each batch."""
        rng = np.random.default_rng((self._seed, epoch))
        batches: list[tuple[np.ndarray, int]] = []
        for members, rows, length in zip(self._members, self._rows, self._buckets):
            shuffled = rng.permutation(members)
            shuffled = shuffled[np.argsort(self._kinds[shuffled], kind="stable")]
            # Equal parts instead of full batches and a remainder mean fewer shapes to compile.
            parts = np.array_split(shuffled, -(-len(shuffled) // rows)) if len(shuffled) else []
            batches += [(part, int(length)) for part in parts]
        return [batches[i] for i in rng.permutation(len(batches))]
