"""Every option of sentence similarity and its default."""

from __future__ import annotations

from typing import Any, ClassVar

from nlpkit.options import FILE, Options, option, options
from nlpkit.tasks.declaration import Command, Declaration, Demo, Metadata, PredictionOptions, ReadingOptions
from nlpkit.tasks.shared.encoder_settings import CharacterSettings
from nlpkit.training.metric import Metric

CLASS_LOSSES = ("am_softmax", "softmax", "simpler", "arcface")
"""Losses over groups: classification of a sentence into its group."""
PAIR_LOSSES = ("logistic", "cosent")
"""Losses for pairs of sentences with labels."""


@options
class SimilaritySettings(CharacterSettings):
    """Settings of sentence vectors: embeddings, an encoder, a pooling; similar meanings have a high cosine."""

    group = "similarity"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # Pairs are few and their labels noisy: a smaller model generalises better.
        "pairs": {
            "loss": "logistic",
            "scale": 10.0,
            "margin": 0.7,
            "encoder": "bag",
            "char_dim": 128,
            "bigram_dim": 128,
            "vector_size": 256,
            "bigram_dropout": 0.2,
            "learning_rate": 4e-3,
            "epochs": 5,
        },
    }

    epochs: int = 8
    batch_size: int = 64
    accumulate: int = option(
        "not used by sentence similarity, whose loss compares sentences within a batch", default=1, choices=(1,)
    )
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    ema_momentum: float = 0.99
    encoder: str = option(
        "type of the encoder: bidirectional recurrent layers, dilated, residual convolutions, or bag, the mean of "
        "the vectors of characters and bigrams",
        default="gru",
        choices=("gru", "lstm", "gated_conv", "bag"),
    )
    width: int = 256
    char_min_count: int = 1
    char_dim: int = 192
    bigram_dim: int = 192
    bigram_min_count: int = 1
    max_bigrams: int = 200_000
    dropout: float = 0.1
    bigram_dropout: float = 0.4

    loss: str = option(
        "training loss: for groups a softmax over the groups, with or without a margin; for groups or plain text "
        "contrastive, which compares the sentences of a batch; for pairs logistic, or cosent, which learns their "
        "ranking",
        default="am_softmax",
        choices=(*CLASS_LOSSES, "contrastive", *PAIR_LOSSES),
    )
    scale: float = option("factor of the cosines in the loss", default=30.0, above=0)
    margin: float = option(
        "margin of the loss: a cosine for am_softmax, an angle in radians for arcface; for logistic the cosine of a "
        "pair whose probability is one half; not used by the other losses",
        default=0.35,
        least=0,
    )
    sampled_groups: int = option(
        "largest number of groups compared in a step; if there are more, those of the batch and a random sample of "
        "the others",
        default=8192,
        least=2,
    )
    pooling: str = option(
        "pooling of the steps of a sentence into one vector",
        default="max_mean",
        choices=("max_mean", "max", "mean", "attention", "last"),
    )
    vector_size: int = option("size of the sentence vectors", default=128, least=1)
    max_length: int = option(
        "longest part of a sentence to use, in characters; the rest is cut off", default=64, least=1
    )

    def validate(self) -> None:
        super().validate()
        size = self.char_dim + self.bigram_dim
        fits = self.encoder != "bag" or self.vector_size == size
        self.require("vector_size", fits, f"char_dim + bigram_dim for a bag, {size}")


@options
class SimilarityReading(ReadingOptions):
    """Reading options of files of sentences."""

    negatives: tuple[str, ...] = option(
        "files of hard negatives, a group, a tab and a sentence on each line: the sentence looks like one of the "
        "group but is not. Only the groups of a data file count for it",
        default=(),
        metavar=FILE,
    )
    candidates: tuple[str, ...] = option(
        "files of further sentences in their last column, for evaluation: wrong answers added to the search",
        default=(),
        metavar=FILE,
    )


@options
class SimilarityPrediction(PredictionOptions):
    """Prediction options of sentence similarity."""

    n_best: int = option("number of nearest sentences in an answer, for a model with an index", default=5, least=1)


@options
class IndexOptions(Options):
    """Options of `nlpkit index`: sentences to add and to remove, and the method of search."""

    input: str = option("file of sentences to add, one a line, in the last column", default="", metavar=FILE)
    remove: str = option("file of sentences to remove, one a line", default="", metavar=FILE)
    method: str = option(
        "method of search: exact compares with all sentences; cells compares with the nearest cells of a faiss index "
        "and misses about one in a hundred; auto means cells for many sentences if faiss is installed, else exact",
        default="auto",
        choices=("auto", "exact", "cells"),
    )


@options
class DuplicatesOptions(Options):
    """Options of `nlpkit duplicates`: sentences to compare, and the threshold of the output."""

    input: str = option("file of sentences, one a line, in the last column", default="", metavar=FILE)
    threshold: float = option("lowest score of a pair in the output", default=0.5, least=0)


@options
class SimilarityMetadata(Metadata):
    """Values calibrated on the validation data."""

    score: dict = option("weights of `nlpkit.tasks.similarity.scoring.score.PairScore`", default=None)

    def validate(self) -> None:
        score = dict(self.score or {})
        weights = score.pop("overlap_weights", [])
        numbers = [*score.values(), *(weights if isinstance(weights, list) else [None])]
        is_right = score.keys() <= {"cosine_weight", "constant"} and all(type(x) in (int, float) for x in numbers)
        self.require("score", is_right, "weights by name")


SIMILARITY = Declaration(
    name="similarity",
    summary="sentence vectors, scores of similarity, and search for the nearest sentences",
    data=(
        "a group, a tab and a sentence on each line; or two sentences and a label, with tabs; or a "
        "sentence on each line"
    ),
    settings=SimilaritySettings,
    reading=SimilarityReading,
    prediction=SimilarityPrediction,
    metadata=SimilarityMetadata,
    metric=Metric("score"),
    formats=("text", "jsonl", "npy"),
    task="nlpkit.tasks.similarity.task:SentenceVectors",
    check="nlpkit.tasks.similarity.check:check",
    commands=(
        Command(
            "index", "build an index of sentences for search", writes="model",
            function="nlpkit.tasks.similarity.commands:index", options=IndexOptions,
        ),
        Command(
            "duplicates", "pairs of sentences of a file with the same meaning",
            "nlpkit.tasks.similarity.commands:duplicates", DuplicatesOptions,
        ),
        Command(
            "search", "the nearest sentences of an index", writes="answers",
            needs=("sentences.txt", "holds no index; nlpkit index DIR --input FILE --out INDEX builds one"),
        ),
    ),
    demos=(
        Demo(
            "Similar questions", "questions-train.tsv", "questions-test.tsv",
            {"epochs": 15, "batch_size": 32, "width": 128, "char_dim": 64, "bigram_dim": 64, "warmup_steps": 20},
            (
                "怎么开通自动续费\t自动续费在哪里打开", "怎么开通自动续费\t怎么取消自动续费",
                "退货的运费谁出\t退货邮费要我自己付吗", "退货的运费谁出\t图书证丢了怎么补办",
            ),
        ),
    ),
)  # fmt: skip
