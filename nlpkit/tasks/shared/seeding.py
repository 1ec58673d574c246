"""Chance that depends on what is answered, and on nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np


def generators(texts: Iterable[str], seed: int) -> Iterator[np.random.Generator]:
    """For each text the generator that its answer is drawn with.

    It depends on the text and the seed alone. So it does not matter with which others a text is answered, where in a
    file it stands, and whether a run was stopped in between or was one of several.

    Example:

        >>> first, other, again = (each.random() for each in generators(["a", "b", "a"], seed=3))
        >>> first == again, first == other
        (True, False)
    """
    for text in texts:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        yield np.random.default_rng([seed, int.from_bytes(digest)])
