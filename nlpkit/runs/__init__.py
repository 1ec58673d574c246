"""Training into a folder, and measuring the speed of what is in one."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.runs import benchmark, train

__all__ = [
    "benchmark",
    "train",
]

__getattr__ = on_demand(__name__)
