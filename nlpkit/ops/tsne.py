"""t-SNE: a map of high-dimensional points to a plane that keeps neighbours together."""

import numpy as np

_EARLY = 12.0  # factor of the attraction between points in the first quarter of the steps


def tsne(x: np.ndarray, perplexity: float = 15.0, steps: int = 400) -> np.ndarray:
    """Exact t-SNE for up to a few thousand points, started from the two main axes and so deterministic.

    Args:
        x: float ``(n, size)``.
        perplexity: approximate number of neighbours of each point.
        steps: number of steps of gradient descent.

    Returns:
        float ``(n, 2)``, centred, with a root mean square of 1 on each axis together.

    Example:

        >>> x = np.repeat(np.eye(2), 10, axis=0) + 0.01 * np.random.default_rng(0).normal(size=(20, 2))
        >>> plane = tsne(x, perplexity=5)
        >>> within, between = np.ptp(plane[:10], axis=0).max(), np.abs(plane[:10].mean(0) - plane[10:].mean(0)).max()
        >>> bool(between > within)
        True

    References:
        van der Maaten and Hinton (2008), Visualizing Data using t-SNE.
    """
    n = len(x)
    if n < 4:
        return np.column_stack([np.arange(n), np.zeros(n)]).astype("float64")
    x = x - x.mean(axis=0)
    share = _neighbour_shares(x, min(perplexity, (n - 1) / 3))
    axes = np.linalg.svd(x, full_matrices=False)[0][:, :2]
    y = np.zeros((n, 2))
    y[:, : axes.shape[1]] = 1e-4 * axes / max(axes.std(), 1e-12)
    speed, gain, rate = np.zeros_like(y), np.ones_like(y), max(n / _EARLY, 50.0)
    for step in range(steps):
        early = step < steps // 4
        near = 1 / (1 + _distances(y))
        np.fill_diagonal(near, 0)
        pull = ((_EARLY if early else 1.0) * share - near / near.sum()) * near
        slope = 4 * (pull.sum(axis=1)[:, None] * y - pull @ y)
        gain = np.maximum(np.where(slope * speed < 0, gain + 0.2, gain * 0.8), 0.01)
        speed = (0.5 if early else 0.8) * speed - rate * gain * slope
        y = y + speed
    y -= y.mean(axis=0)
    return y / max(np.sqrt((y**2).mean()), 1e-12)


def _distances(x: np.ndarray) -> np.ndarray:
    """Squared distances of all pairs."""
    length = (x**2).sum(axis=1)
    return np.maximum(length[:, None] + length[None] - 2 * x @ x.T, 0)


def _neighbour_shares(x: np.ndarray, perplexity: float) -> np.ndarray:
    """The joint distribution over pairs: Gaussians with widths that give each point the same perplexity."""
    distance = _distances(x)
    distance /= max(distance.mean(), 1e-12)
    np.fill_diagonal(distance, np.inf)
    low, high = np.full(len(x), -20.0), np.full(len(x), 20.0)  # logarithms of the precision
    nearest = distance.min(axis=1, keepdims=True)
    for _ in range(40):
        middle = (low + high) / 2
        share = np.exp(-(distance - nearest) * np.exp(middle)[:, None])
        share /= share.sum(axis=1, keepdims=True)
        entropy = -(share * np.log(np.maximum(share, 1e-300))).sum(axis=1)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return np.maximum(share + share.T, 1e-12) / (2 * len(x))
