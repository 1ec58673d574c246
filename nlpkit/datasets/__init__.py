"""Files to examples, and examples to padded batches of few shapes."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlpkit.datasets.batches import BucketedBatches
    from nlpkit.datasets.files import read_lines
    from nlpkit.datasets.padding import batches_by_length, gather_padded, scatter_places, shift_right
    from nlpkit.datasets.readers import read_conll, read_jsonl, read_tsv, read_words
    from nlpkit.datasets.windows import cut_windows

__all__ = [
    "BucketedBatches",
    "batches_by_length",
    "cut_windows",
    "gather_padded",
    "read_conll",
    "read_jsonl",
    "read_lines",
    "read_tsv",
    "read_words",
    "scatter_places",
    "shift_right",
]
_HOMES = {
    "BucketedBatches": "batches",
    "cut_windows": "windows",
    "read_lines": "files",
    **dict.fromkeys(("batches_by_length", "gather_padded", "scatter_places", "shift_right"), "padding"),
    **dict.fromkeys(("read_conll", "read_jsonl", "read_tsv", "read_words"), "readers"),
}


def __getattr__(name: str) -> Any:
    # On demand, so that reading a file of settings imports no more than that.
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
