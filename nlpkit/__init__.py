"""Light, fast, exact sequence models for Chinese-first NLP on Keras 3.

    >>> import nlpkit
    >>> tagger = nlpkit.train("tagging", "train.txt", out="model")  # doctest: +SKIP
    >>> nlpkit.load("model").predict(["今天天气真好"])  # doctest: +SKIP

Names are imported when they are used, so that importing nlpkit stays free of Keras and its backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from nlpkit.prediction.predictor import Predictor, load
    from nlpkit.prediction.train import train

__version__ = "0.1.0"
__all__ = ["Predictor", "evaluate", "load", "train"]

_HOMES = {
    "train": "nlpkit.prediction.train",
    "load": "nlpkit.prediction.predictor",
    "Predictor": "nlpkit.prediction.predictor",
}
_ROOMS = (
    "datasets",
    "decoding",
    "errors",
    "layers",
    "losses",
    "metrics",
    "ops",
    "prediction",
    "tasks",
    "text",
    "training",
)


def evaluate(folder: str | Path, data: str | Path) -> dict[str, Any]:
    """Metrics of a trained model over a labelled file."""
    from nlpkit.prediction.predictor import load

    return load(folder).evaluate(data)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_ROOMS})


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"nlpkit.{name}")
    raise AttributeError(f"module 'nlpkit' has no attribute {name!r}")
