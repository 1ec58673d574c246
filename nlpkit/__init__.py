"""Light, fast, exact sequence models for Chinese-first NLP on Keras 3.

    >>> import nlpkit
    >>> tagger = nlpkit.train("tagging", "train.txt", out="model")  # doctest: +SKIP
    >>> nlpkit.load("model").predict(["今天天气真好"])[0].words  # doctest: +SKIP

Names are imported when they are used, so that importing nlpkit stays free of Keras and its backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlpkit.prediction.predictor import Predictor
    from nlpkit.runs.convert import convert
    from nlpkit.runs.load import evaluate, load
    from nlpkit.runs.train import train

__version__ = "0.2.0"
__all__ = ["Predictor", "convert", "evaluate", "load", "train"]

_HOMES = {
    "Predictor": "nlpkit.prediction.predictor",
    "convert": "nlpkit.runs.convert",
    "evaluate": "nlpkit.runs.load",
    "load": "nlpkit.runs.load",
    "train": "nlpkit.runs.train",
}
_ROOMS = (
    "datasets",
    "decoding",
    "errors",
    "layers",
    "losses",
    "metrics",
    "ops",
    "options",
    "prediction",
    "runs",
    "tasks",
    "text",
    "training",
)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_ROOMS})


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"nlpkit.{name}")
    raise AttributeError(f"module 'nlpkit' has no attribute {name!r}")
