"""A metric by name, with its direction."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Metric:
    """The metric that picks the best weights, and which way is better."""

    name: str
    higher_is_better: bool = True

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether a value beats the best one so far; None if there is none, and nan beats nothing."""
        if best is None:
            return value == value
        return value > best if self.higher_is_better else value < best
