"""Search for the best answers of a model, and among vectors.

What computes by a framework is imported when it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from nlpkit.decoding.communities import communities
from nlpkit.decoding.nearest import nearest_rows
from nlpkit.decoding.span_boundaries import pair_boundaries
from nlpkit.decoding.tag_paths import Chain, best_tags, path_posteriors

if TYPE_CHECKING:
    from nlpkit.decoding.beams import beam_search
    from nlpkit.decoding.sampling import sample

__all__ = [
    "Chain",
    "beam_search",
    "best_tags",
    "communities",
    "nearest_rows",
    "pair_boundaries",
    "path_posteriors",
    "sample",
]
_HOMES = {"beam_search": "beams", "sample": "sampling"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nlpkit.decoding' has no attribute {name!r}")
    return getattr(importlib.import_module(f"nlpkit.decoding.{_HOMES[name]}"), name)
