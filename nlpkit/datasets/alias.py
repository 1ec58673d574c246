"""Many draws from one fixed distribution."""

import numpy as np


class Alias:
    """Draws numbers from 0 with given weights, each in constant time.

    Args:
        weights: float ``(n,)``, not negative, not all zero.

    Example:

        >>> draws = Alias([0, 3, 1]).draw(np.random.default_rng(0), 100_000)
        >>> np.round(np.bincount(draws) / 100_000, 2).tolist()
        [0.0, 0.75, 0.25]

    References:
        Walker (1977), An Efficient Method for Generating Discrete Random Variables with General Distributions;
        Vose (1991), for the tables in linear time.
    """

    def __init__(self, weights):
        weights = np.asarray(weights, "float64")
        if weights.ndim != 1 or not weights.sum() > 0 or weights.min() < 0:
            raise ValueError("weights must be a vector of numbers from 0, not all of them 0")
        # Every cell has the same chance, and is shared by its own number and one that has more than its share.
        shares = (weights * (len(weights) / weights.sum())).tolist()
        other = list(range(len(shares)))
        poor = [i for i, share in enumerate(shares) if share < 1]
        rich = [i for i, share in enumerate(shares) if share >= 1]
        own = [1.0] * len(shares)
        while poor and rich:
            i, j = poor.pop(), rich[-1]
            own[i], other[i] = shares[i], j
            shares[j] -= 1 - shares[i]
            if shares[j] < 1:
                poor.append(rich.pop())
        for i in poor:  # left over by rounding, unless it has no weight at all
            if not weights[i]:
                own[i], other[i] = 0.0, int(weights.argmax())
        self._own, self._other = np.array(own, "float32"), np.array(other, "int32")

    def draw(self, rng: np.random.Generator, shape) -> np.ndarray:
        """int32 array of a shape."""
        cell = rng.integers(0, len(self._own), shape, "int32")
        return np.where(rng.random(shape, "float32") < self._own[cell], cell, self._other[cell])
