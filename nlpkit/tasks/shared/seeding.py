"""Random generators seeded by the text to answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np


def generators(texts: Iterable[str], seed: int) -> Iterator[np.random.Generator]:
    """The random generator of each text, for sampling its answer.

    It depends on the text and the seed alone: neither on the other texts of a batch, nor on the place in a file, nor
    on interrupted or parallel runs.

    Example:

        >>> first, other, again = (each.random() for each in generators(["a", "b", "a"], seed=3))
        >>> first == again, first == other
        (True, False)
    """
    for text in texts:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        yield np.random.default_rng([seed, int.from_bytes(digest)])
