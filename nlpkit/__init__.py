"""Light, fast, exact sequence models for Chinese-first NLP on Keras 3.

    >>> import nlpkit
    >>> tagger = nlpkit.train("tagging", "train.txt", out="model")  # doctest: +SKIP
    >>> nlpkit.load("model").predict("今天天气真好").words  # doctest: +SKIP

Names are imported when they are used, so that importing nlpkit stays free of Keras and its backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlpkit.artefacts.bundled import models
    from nlpkit.artefacts.load import evaluate, load
    from nlpkit.export.convert import convert
    from nlpkit.export.packages import export_model
    from nlpkit.prediction.answers import Answer
    from nlpkit.prediction.merging import merge
    from nlpkit.prediction.rendering import render
    from nlpkit.reports.comparison import compare
    from nlpkit.runs.benchmark import benchmark
    from nlpkit.runs.train import train
    from nlpkit.tasks.couplet.answers import Couplet, LowerLine
    from nlpkit.tasks.couplet.task import CoupletWriter
    from nlpkit.tasks.extraction.answers import Extraction, Triple
    from nlpkit.tasks.extraction.task import Extractor
    from nlpkit.tasks.similarity.answers import Neighbour, Neighbours, SentencePair, SentenceVector
    from nlpkit.tasks.similarity.task import SentenceVectors
    from nlpkit.tasks.tagging.answers import Entities, Entity, Segmentation, Token, Tokens, Word
    from nlpkit.tasks.tagging.task import Tagger
    from nlpkit.tasks.task import Task
    from nlpkit.tasks.title.answers import Title, Titles
    from nlpkit.tasks.title.task import TitleWriter
    from nlpkit.tasks.word2vec.answers import RelatedWord, RelatedWords
    from nlpkit.tasks.word2vec.task import WordVectors

__version__ = "0.2.0"

_NAMES = {
    "nlpkit.prediction.answers": ("Answer",),
    "nlpkit.prediction.merging": ("merge",),
    "nlpkit.prediction.rendering": ("render",),
    "nlpkit.runs.benchmark": ("benchmark",),
    "nlpkit.reports.comparison": ("compare",),
    "nlpkit.export.convert": ("convert",),
    "nlpkit.artefacts.load": ("evaluate", "load"),
    "nlpkit.artefacts.bundled": ("models",),
    "nlpkit.export.packages": ("export_model",),
    "nlpkit.runs.train": ("train",),
    "nlpkit.tasks.couplet.answers": ("Couplet", "LowerLine"),
    "nlpkit.tasks.couplet.task": ("CoupletWriter",),
    "nlpkit.tasks.extraction.answers": ("Extraction", "Triple"),
    "nlpkit.tasks.extraction.task": ("Extractor",),
    "nlpkit.tasks.similarity.answers": ("Neighbour", "Neighbours", "SentencePair", "SentenceVector"),
    "nlpkit.tasks.similarity.task": ("SentenceVectors",),
    "nlpkit.tasks.tagging.answers": ("Entities", "Entity", "Segmentation", "Token", "Tokens", "Word"),
    "nlpkit.tasks.tagging.task": ("Tagger",),
    "nlpkit.tasks.task": ("Task",),
    "nlpkit.tasks.title.answers": ("Title", "Titles"),
    "nlpkit.tasks.title.task": ("TitleWriter",),
    "nlpkit.tasks.word2vec.answers": ("RelatedWord", "RelatedWords"),
    "nlpkit.tasks.word2vec.task": ("WordVectors",),
}
"""Where the names live that users import from here."""
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
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
__all__ = [
    "Answer",
    "Couplet",
    "CoupletWriter",
    "Entities",
    "Entity",
    "Extraction",
    "Extractor",
    "LowerLine",
    "Neighbour",
    "Neighbours",
    "RelatedWord",
    "RelatedWords",
    "Segmentation",
    "SentencePair",
    "SentenceVector",
    "SentenceVectors",
    "Tagger",
    "Task",
    "Title",
    "TitleWriter",
    "Titles",
    "Token",
    "Tokens",
    "Triple",
    "Word",
    "WordVectors",
    "benchmark",
    "compare",
    "convert",
    "evaluate",
    "export_model",
    "load",
    "merge",
    "models",
    "render",
    "train",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_ROOMS})


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        if _HOMES[name].endswith(".task"):  # imports Keras and its backend
            from nlpkit.terminal import libraries_quiet

            with libraries_quiet():
                return getattr(importlib.import_module(_HOMES[name]), name)
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"nlpkit.{name}")
    raise AttributeError(f"module 'nlpkit' has no attribute {name!r}")
