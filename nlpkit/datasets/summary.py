"""Statistics of data in readable form."""

from __future__ import annotations

import numpy as np

LENGTHS = "median, 90 %, 99 %, longest"
"""Names of the numbers of `percentiles`."""


def percentiles(lengths: np.ndarray) -> str:
    """Median, 90th and 99th percentile and maximum of lengths.

    Example:

        >>> percentiles(np.arange(1, 101))
        '50, 90, 99, 100'
    """
    return ", ".join(str(int(value)) for value in (*np.percentile(lengths, [50, 90, 99]), lengths.max()))


def share(count: int, of: int) -> str:
    """A count and its share of a total.

    Example:

        >>> share(1200, 4800)
        '1,200 (25.00%)'
    """
    return f"{count:,} ({count / max(of, 1):.2%})"
