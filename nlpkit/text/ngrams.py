"""Exact look-ups of millions of integer keys at once."""

import numpy as np

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio (Knuth's multiplicative hashing)


class NgramTable:
    """An open-addressing hash table in NumPy from uint64 keys to their indices.

    Args:
        keys: uint64 ``(n,)``, distinct, none equal to 2**64 - 1.

    Example:

        >>> NgramTable(np.array([10, 20, 30], "uint64")).find(np.array([30, 11], "uint64")).tolist()
        [2, -1]
    """

    def __init__(self, keys: np.ndarray):
        bits = max(4, int(np.ceil(np.log2(max(1, len(keys)) * 2))))
        self._shift = np.uint64(64 - bits)
        home = _mixed(keys, self._shift)
        order = np.argsort(home, kind="stable")
        # In order of their homes, every key takes its home or, if that is taken, the next free slot.
        step = np.arange(len(keys))
        slots = np.maximum.accumulate(home[order] - step) + step if len(keys) else home
        self._longest = int((slots - home[order]).max(initial=0))
        size = max(2**bits, int(slots.max(initial=0)) + 1) + self._longest + 1
        self._keys = np.full(size, np.iinfo("uint64").max, "uint64")
        self._keys[slots] = keys[order]
        self._places = np.full(size, -1, "int32")
        self._places[slots] = order

    def find(self, keys: np.ndarray) -> np.ndarray:
        """int32, the index of each key, or -1 if the table lacks it."""
        slots = _mixed(keys, self._shift)
        found = self._keys[slots]
        same, empty = found == keys, np.iinfo("uint64").max
        places = np.full(len(keys), -1, "int32")
        hit = np.flatnonzero(same)
        places[hit] = self._places[slots[hit]]
        open_ = np.flatnonzero(~same & (found != empty))
        for distance in range(1, self._longest + 1):
            if not len(open_):
                break
            at = slots[open_] + distance
            found = self._keys[at]
            hit = found == keys[open_]
            places[open_[hit]] = self._places[at[hit]]
            open_ = open_[~hit & (found != empty)]
        return places


class KeyFilter:
    """A Bloom filter with one hash: no false negatives, and false positives for one in eight other keys at most.

    It is small enough to stay in a cache, unlike an `NgramTable`.

    Args:
        keys: uint64 ``(n,)``.

    Example:

        >>> KeyFilter(np.array([10, 20], "uint64")).may_have(np.array([20, 11], "uint64")).tolist()
        [True, False]
    """

    def __init__(self, keys: np.ndarray):
        bits = max(4, int(np.ceil(np.log2(max(1, len(keys)) * 8))))
        self._shift = np.uint64(64 - bits)
        self._held = np.zeros(2**bits, bool)
        self._held[_mixed(keys, self._shift)] = True

    def may_have(self, keys: np.ndarray) -> np.ndarray:
        """bool, whether each key may be among those of the filter."""
        return self._held[_mixed(keys, self._shift)]


def _mixed(keys: np.ndarray, shift: np.uint64) -> np.ndarray:
    """Hashes of keys, int64, below 2 to the power of 64 less the shift."""
    return ((keys * _MIX) >> shift).view("int64")
