"""Every option of the title model and its default."""

from __future__ import annotations

import math

from nlpkit.options import option, options
from nlpkit.tasks.declaration import Declaration, Demo, Metadata
from nlpkit.tasks.shared.encoder_settings import EncoderSettings
from nlpkit.tasks.shared.generation_options import GenerationOptions, PairReading
from nlpkit.training.metric import Metric


@options
class TitleSettings(EncoderSettings):
    """Settings of a title model: an encoder, and a decoder with attention that generates or copies characters."""

    group = "titles"

    epochs: int = 12
    batch_size: int = 32
    learning_rate: float = 2e-3
    warmup_steps: int = 200
    clip_norm: float = 1.0
    encoder: str = "gru"
    width: int = 256
    layers: int = 2
    dropout: float = 0.3

    counts: bool = option(
        "use the counts in the text of each character and of the bigrams and trigrams around it as features",
        default=True,
    )
    words: bool = option("use the boundaries of jieba's words as features", default=True)
    char_dim: int = option("size of the character vectors, shared by input and output", default=128, least=1)
    decoder_width: int = option("size of the decoder's state", default=256, least=1)
    heads: int = option("number of attention heads", default=4, least=1)
    prior: bool = option("add a learned bonus to the score of every character of the text", default=True)
    copy: bool = option("let the model copy characters from the text, including unknown ones", default=True)
    coverage: bool = option("show the copy mechanism which characters it has copied", default=True)
    conditional_norm: bool = option("condition the decoder's layer normalisation on the whole text", default=True)
    label_smoothing: float = option(
        "share of the target probability spread over all characters", default=0.0, least=0, below=1
    )
    replace: float = option(
        "share of the decoder's input characters replaced at random by others of the text in the last epoch, to "
        "practise recovery from mistakes; the share rises from epoch to epoch",
        default=0.0,
        least=0,
        below=1,
    )
    hide: float = option(
        "mean share of the different characters of a text treated as unknown in a training step, to practise "
        "copying; no effect without copy",
        default=0.15,
        least=0,
        below=0.5,
    )
    max_text: int = option("longest beginning of a text to use, in characters", default=256, least=1)
    max_title: int = option("longest title in training and prediction, in characters", default=64, least=1)


@options
class TitlePrediction(GenerationOptions):
    """Prediction options of titles."""

    length_penalty: float = option(
        "exponent of the length in the ranking of titles, by which the sum of log probabilities is divided; 0 "
        "favours short titles, 1 takes the mean",
        default=0.6,
    )
    min_length: int = option("shortest title, in characters", default=1, least=0)
    max_length: int | None = option(
        "longest title, in characters; by default the longest of training", default=None, least=1
    )
    no_repeat: int = option(
        "length of the character n-grams that must not occur twice in a title, its prefix aside; 0 allows all",
        default=0,
        least=0,
    )
    top_k: int = option(
        "number of likeliest characters to sample from, with a temperature; 0 means all", default=0, least=0
    )
    top_p: float = option(
        "total probability, at most 1, of the likeliest characters to sample from, with a temperature",
        default=1.0,
        above=0,
    )

    def validate(self) -> None:
        super().validate()
        self.require("length_penalty", math.isfinite(self.length_penalty), "a finite number")
        self.require("top_p", self.top_p <= 1, "at most 1")
        self.require("top_k", self.temperature or not self.top_k, "0 without a temperature, as nothing is drawn")
        self.require("top_p", self.temperature or self.top_p == 1, "1 without a temperature, as nothing is drawn")
        longest = math.inf if self.max_length is None else self.max_length
        self.require("min_length", self.min_length <= longest, f"at most max_length, {longest}")
        self.require("prefix", len(self.prefix) <= longest, f"no longer than max_length, {longest}")
        self.require("prefix", not {*self.prefix} & {*self.forbidden_characters}, "without forbidden characters")


@options
class TitleMetadata(Metadata):
    """Values of the training data that a title model keeps."""

    mean_title: float = option("mean length of a title, in characters", default=0.0, least=0.0)


TITLE = Declaration(
    name="title",
    summary="titles of texts, or any text from another text",
    data='JSON lines {"text": …, "title": …}, or a text, a tab and a title on each line',
    settings=TitleSettings,
    reading=PairReading,
    prediction=TitlePrediction,
    metadata=TitleMetadata,
    metric=Metric("rouge_l"),
    batches_at_once=2,
    chunk=1 << 16,
    task="nlpkit.tasks.title.task:TitleWriter",
    check="nlpkit.tasks.title.check:check",
    compared_under=({}, {"temperature": 1.0, "n_best": 2}),
    demos=(
        Demo(
            "Titles", "articles-train.jsonl", "articles-test.jsonl",
            {"epochs": 15, "batch_size": 8, "width": 128, "decoder_width": 128, "layers": 1, "warmup_steps": 20,
             "ema_momentum": 0.9, "learning_rate": 4e-3, "max_text": 128},
        ),
    ),
)  # fmt: skip
