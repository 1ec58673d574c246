"""What two sentences have in common, character by character.

Vectors of sentences hardly tell "is it for the civil affairs office" from "is it for the environment office": one word
of many is another one. Which characters one sentence has and the other lacks, and how rare they are, tells it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nlpkit.datasets.padding import gather_padded
from nlpkit.text.characters import FlatTexts
from nlpkit.text.vocabulary import UNKNOWN, CharacterVocabulary

FEATURES = (
    *(f"{of} of the {what}" for what in ("share missing", "rarity missing", "rarest missing", "mean rarity missing")
      for of in ("sum", "larger")),
    "common beginning", "common end", "characters",
)  # fmt: skip
"""What `overlap_features` gives, in its order. Each sentence lacks some characters of the other: of the two numbers for
that, their sum and the larger one."""
_AT_ONCE = 2048  # pairs


def overlap_features(
    first: Sequence[str], second: Sequence[str], characters: CharacterVocabulary, max_length: int
) -> np.ndarray:
    """What pairs of sentences have in common; the same numbers whichever of the two comes first.

    Args:
        first, second: as many of each.
        characters: most frequent first; the rarity of a character is the logarithm of its place.
        max_length: characters of each that are read.

    Returns:
        float32 ``(pairs, len(FEATURES))``.

    Example:

        >>> dict(zip(FEATURES, overlap_features(["找民政局"], ["找公安局"], CharacterVocabulary("找局"), 64)[0]))[
        ...     "common beginning"]
        np.float32(1.0)
    """
    parts = [np.zeros((0, len(FEATURES)), "float32")]
    for start in range(0, len(first), _AT_ONCE):
        sides = [_padded(texts[start : start + _AT_ONCE], characters, max_length) for texts in (first, second)]
        parts.append(_features(*sides))
    return np.concatenate(parts)


def is_identical(features: np.ndarray) -> np.ndarray:
    """Whether two sentences are the same, bool ``(pairs,)``, from what `overlap_features` gave."""
    return 2 * features[:, FEATURES.index("common beginning")] == features[:, FEATURES.index("characters")]


def _padded(texts, characters, max_length):
    """Code points ``(n, longest)``, 0 beyond the end, the rarity of each, and lengths ``(n,)``."""
    flat = FlatTexts([text.strip()[:max_length] for text in texts])
    ids = characters.encode_codes(flat.normal)
    rarity = np.log(np.where(ids == UNKNOWN, len(characters), np.maximum(ids, 1))).astype("float32")
    longest = max(1, int(flat.lengths.max(initial=0)))
    arrays = {"codes": flat.normal.astype("int32"), "rarity": rarity}
    padded = gather_padded(arrays, flat.starts, flat.lengths, longest)
    return padded["codes"], padded["rarity"], flat.lengths


def _features(first, second):
    (a, rarity_a, length_a), (b, rarity_b, length_b) = first, second
    is_equal = a[:, :, None] == b[:, None, :]  # (pairs, first, second)
    missing = []
    for codes, rarity, is_found in ((a, rarity_a, is_equal.any(axis=2)), (b, rarity_b, is_equal.any(axis=1))):
        is_missing = ~is_found & (codes != 0)
        lost = np.where(is_missing, rarity, 0)
        total, count = lost.sum(axis=1), is_missing.sum(axis=1)
        missing.append(
            (total / np.maximum(rarity.sum(axis=1), 1e-6), total, lost.max(axis=1), total / np.maximum(count, 1))
        )
    both = [number for one, other in zip(*missing) for number in (one + other, np.maximum(one, other))]
    reversed_a, reversed_b = (_reversed(codes, length) for codes, length in ((a, length_a), (b, length_b)))
    edges = [_common(a, b), _common(reversed_a, reversed_b)]
    return np.stack([*both, *edges, length_a + length_b], axis=1).astype("float32")


def _reversed(codes, lengths):
    """Each row from its end to its beginning."""
    places = lengths[:, None] - 1 - np.arange(codes.shape[1])
    return np.where(places >= 0, np.take_along_axis(codes, np.maximum(places, 0), axis=1), 0)


def _common(a, b):
    """How many characters are the same from the beginning on."""
    size = min(a.shape[1], b.shape[1])
    is_same = (a[:, :size] == b[:, :size]) & (a[:, :size] != 0)
    return np.cumprod(is_same, axis=1).sum(axis=1)
