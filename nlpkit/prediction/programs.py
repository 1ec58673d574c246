"""Parts of a network as functions of arrays: what prediction computes, whatever computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np


class Program(Protocol):
    """Takes arrays by name, all but the shared ones with a common batch axis; gives an array, or a list of them."""

    def __call__(self, arrays: dict[str, np.ndarray]) -> Any: ...


class Graph(NamedTuple):
    """What a program computes, as a Keras model.

    Attributes:
        model: its inputs are a dictionary of tensors.
        shared: names of inputs without a batch axis, which are the same for all rows.
    """

    model: Any
    shared: Sequence[str] = ()


def side_by_side(work: Callable[..., None], batches: Iterable[tuple], at_once: int) -> None:
    """Call ``work(*batch)`` for each batch, some at once in threads: alone, the operations of a small batch leave cores
    idle."""
    with ThreadPoolExecutor(at_once) as pool:
        for batch in [pool.submit(work, *batch) for batch in batches]:
            batch.result()
