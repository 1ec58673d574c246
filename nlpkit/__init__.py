"""Light, fast, exact sequence models for Chinese-first NLP on Keras 3.

    >>> import nlpkit
    >>> tagger = nlpkit.train("tagging", "train.txt", out="model")  # doctest: +SKIP
    >>> nlpkit.load("model").predict("今天天气真好").words  # doctest: +SKIP

Names are imported when they are used, so that importing nlpkit stays free of Keras and its backend.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import TYPE_CHECKING, Any

from nlpkit.on_demand import on_demand

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


_of_package = on_demand(__name__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *(module.name for module in pkgutil.iter_modules(__path__))})


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and importlib.util.find_spec(f"nlpkit.{name}") is not None:  # a room
        return importlib.import_module(f"nlpkit.{name}")
    from nlpkit.terminal import libraries_quiet

    with libraries_quiet():  # the class of a task imports Keras and its backend
        return _of_package(name)
