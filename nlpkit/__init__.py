"""Light, fast, exact sequence models for Chinese-first NLP on Keras 3.

    >>> import nlpkit
    >>> tagger = nlpkit.train("tagging", "train.txt", out="model")  # doctest: +SKIP
    >>> nlpkit.load("model").predict(["今天天气真好"])  # doctest: +SKIP

Names are imported when they are used, so that importing nlpkit stays free of Keras and its backend.
"""

import importlib

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


def evaluate(folder, data) -> dict:
    """Metrics of a trained model over a labelled file."""
    from nlpkit.prediction.predictor import load

    return load(folder).evaluate(data)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"nlpkit.{name}")
    raise AttributeError(f"module 'nlpkit' has no attribute {name!r}")
