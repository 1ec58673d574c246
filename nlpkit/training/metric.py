"""A metric by name, with its direction."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Metric:
    """The metric that selects the best weights, with its direction."""

    name: str
    higher_is_better: bool = True

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether a value is better than the best one so far, or the first (None); NaN never is."""
        if best is None:
            return value == value
        return value > best if self.higher_is_better else value < best
