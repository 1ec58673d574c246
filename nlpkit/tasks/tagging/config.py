"""Every option of the tagger and its default."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from nlpkit.errors import ConfigError
from nlpkit.options import FILE, option, options
from nlpkit.tasks.declaration import Declaration, Demo, PredictionOptions, ReadingOptions
from nlpkit.tasks.encoder_settings import CharacterSettings
from nlpkit.training.metric import Metric


@options
class TaggingSettings(CharacterSettings):
    """A character tagger: embeddings, an encoder, a head."""

    group = "tagger"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # One narrow layer: what the lexicon and the bigrams know needs little mixing.
        "fast": {
            "lexicon": "jieba",
            "width": 32,
            "dilations": [1],
            "char_dim": 32,
            "bigram_dim": 24,
            "dropout": 0.1,
            "char_dropout": 0.1,
            "learning_rate": 3e-3,
            "epochs": 6,
            "window": 128,
        },
    }

    learning_rate: float = 2e-3
    epochs: int = 12

    head: str = option(
        "last layer: how the tags of a sentence are scored", default="crf", choices=("crf", "memm", "softmax")
    )
    lexicon: str = option(
        "words that the text is matched against: jieba for its dictionary, train for the words that occur at least "
        "three times in the training data, or a file with a word a line",
        default="",
        metavar=FILE,
        other=("jieba", "train"),
    )
    transition_rate: float = option("how many times faster than the rest the transitions learn", default=10.0, above=0)
    window: int = option(
        "longest window that a text is read in, in characters; longer texts are cut at safe places",
        default=256,
        least=32,
    )


@options
class TaggingReading(ReadingOptions):
    """How labelled data are read."""

    measured = {"repair": True}  # noqa: RUF012

    repair: bool = option("read illegal tag sequences as conlleval does, where they would be an error", default=False)


@options
class TaggingPrediction(PredictionOptions):
    """How texts are tagged."""

    user_dictionary: Any = option(
        "words that the decoding is steered to: a file with a word a line, for entities a tab and the type; in Python "
        "also a list, or a dictionary of word to type",
        default=None,
        metavar=FILE,
    )
    user_bonus: float = option(
        "how strongly: what is added to the score of each tag of such a word, in nats", default=5.0
    )
    keep_runs: bool = option(
        "keep runs of Latin letters and digits, decimal numbers and addresses together, as the training data did",
        default=True,
    )
    simplify: bool = option(
        "read traditional characters that the model does not know as their simplified forms; offsets stay", default=True
    )

    def validate(self) -> None:
        if not math.isfinite(self.user_bonus):
            raise ConfigError(f"user_bonus = {self.user_bonus!r}: must be a finite number")
        if self.user_dictionary is None and self.user_bonus != type(self).user_bonus:
            raise ConfigError("user_bonus is the weight of a user dictionary; give that as well")


_DEMO = {"epochs": 30, "batch_size": 16, "learning_rate": 4e-3, "warmup_steps": 40, "ema_momentum": 0.98}

TAGGING = Declaration(
    name="tagging",
    summary="word segmentation, named entities, any spans spelt in BIO, BIOES or BMES",
    settings=TaggingSettings,
    reading=TaggingReading,
    prediction=TaggingPrediction,
    metric=Metric("f1"),
    formats=("text", "jsonl", "conll"),
    task="nlpkit.tasks.tagging.task:Tagger",
    check="nlpkit.tasks.tagging.check:check",
    demos=(
        Demo("Word segmentation", "words-train.txt", "words-test.txt", {**_DEMO, "lexicon": "jieba"}),
        Demo("Named entities", "entities-train.conll", "entities-test.conll", {**_DEMO, "epochs": 60}),
    ),
)
