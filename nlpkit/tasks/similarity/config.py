"""Every option of sentence similarity and its default."""

from __future__ import annotations

from typing import Any, ClassVar

from nlpkit.options import FILE, Options, option, options
from nlpkit.tasks.declaration import Command, Declaration, Demo, Metadata, PredictionOptions, ReadingOptions
from nlpkit.tasks.shared.encoder_settings import CharacterSettings
from nlpkit.training.metric import Metric

CLASS_LOSSES = ("am_softmax", "softmax", "simpler", "arcface")
"""Losses that tell each group of sentences from all others, for groups."""
PAIR_LOSSES = ("logistic", "cosent")
"""Losses for pairs of sentences with labels."""


@options
class SimilaritySettings(CharacterSettings):
    """Vectors of sentences: embeddings, an encoder, a pooling; sentences that mean the same have a high cosine."""

    group = "similarity"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # Pairs are few and their labels noisy: what can learn less learns better.
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
        "not used by sentence similarity, whose loss compares within a batch", default=1, choices=(1,)
    )
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    ema_momentum: float = 0.99
    encoder: str = option(
        "how a sentence is encoded: by recurrent layers that read both ways, by dilated, residual convolutions, or as "
        "a bag, whose vector is the mean of those of its characters and pairs",
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
        "what is trained on: for groups a softmax over the groups, with a margin or without, or contrastive, which "
        "compares the sentences of a batch, also for plain text; for pairs logistic, or cosent, which learns "
        "their order",
        default="am_softmax",
        choices=(*CLASS_LOSSES, "contrastive", *PAIR_LOSSES),
    )
    scale: float = option("by which cosines are multiplied in the loss", default=30.0, above=0)
    margin: float = option(
        "by which a sentence's own group has to win: a cosine for am_softmax, an angle for arcface; for logistic the "
        "cosine at which a pair is as likely the same as not",
        default=0.35,
        least=0,
    )
    sampled_groups: int = option(
        "groups that a step compares its sentences with; where there are more, these are their own and others drawn at "
        "random, and a step takes no longer than with so many",
        default=8192,
        least=2,
    )
    pooling: str = option(
        "how the steps of a sentence become one vector",
        default="max_mean",
        choices=("max_mean", "max", "mean", "attention", "last"),
    )
    vector_size: int = option("numbers of a sentence's vector", default=128, least=1)
    max_length: int = option("characters of a sentence that are read; the rest is cut off", default=64, least=1)

    def validate(self) -> None:
        super().validate()
        size = self.char_dim + self.bigram_dim
        fits = self.encoder != "bag" or self.vector_size == size
        self.require("vector_size", fits, f"char_dim + bigram_dim for a bag, {size}")


@options
class SimilarityReading(ReadingOptions):
    """How files of sentences are read."""

    negatives: tuple[str, ...] = option(
        "files of hard negatives: a group, a tab and a sentence that looks as if it were of that group but is not. "
        "A data file gets those of its own groups",
        default=(),
        metavar=FILE,
    )
    candidates: tuple[str, ...] = option(
        "files of further sentences, for evaluation: a search looks among them as well, and they are never right; the "
        "last column counts",
        default=(),
        metavar=FILE,
    )


@options
class SimilarityPrediction(PredictionOptions):
    """How records are answered."""

    n_best: int = option("sentences to answer with, of a model with an index", default=5, least=1)


@options
class IndexOptions(Options):
    """What `nlpkit index` adds and takes away, and how is looked."""

    input: str = option("sentences to add, a line each; the last column counts", default="", metavar=FILE)
    remove: str = option("sentences to take away, a line each", default="", metavar=FILE)
    method: str = option(
        "how the nearest are found: exact, by comparing with all; cells, by comparing with those in the nearest cells "
        "of a faiss index, which misses one in a hundred; auto takes cells for many sentences, if faiss is installed",
        default="auto",
        choices=("auto", "exact", "cells"),
    )


@options
class DuplicatesOptions(Options):
    """Which sentences `nlpkit duplicates` compares, and which it lists."""

    input: str = option("sentences, a line each; the last column counts", default="", metavar=FILE)
    threshold: float = option("score from which two sentences are listed", default=0.5, least=0)


@options
class SimilarityMetadata(Metadata):
    """What was chosen on validation data."""

    score: dict = option("weights of `nlpkit.tasks.similarity.scoring.score.PairScore`", default=None)

    def validate(self) -> None:
        score = dict(self.score or {})
        weights = score.pop("overlap_weights", [])
        numbers = [*score.values(), *(weights if isinstance(weights, list) else [None])]
        is_right = score.keys() <= {"cosine_weight", "constant"} and all(type(x) in (int, float) for x in numbers)
        self.require("score", is_right, "weights by name")


SIMILARITY = Declaration(
    name="similarity",
    summary="vectors of sentences, whether two sentences mean the same, and the nearest of many",
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
            "index", "a model with an index of sentences, to look for the nearest among", writes="model",
            function="nlpkit.tasks.similarity.commands:index", options=IndexOptions,
        ),
        Command(
            "duplicates", "pairs of sentences of a file that mean the same",
            "nlpkit.tasks.similarity.commands:duplicates", DuplicatesOptions,
        ),
        Command(
            "search", "the nearest sentences of an index", writes="answers",
            needs=("sentences.txt", "holds no index; nlpkit index DIR --input FILE --out INDEX makes one"),
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
