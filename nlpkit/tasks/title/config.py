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
    """A writer of texts from texts: an encoder, and a decoder that attends to it, and writes or copies."""

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
        "let the encoder read how often each character, and the pairs and triples around it, occur in the text",
        default=True,
    )
    words: bool = option("let the encoder read where jieba's words begin and end", default=True)
    char_dim: int = option(
        "size of the character vectors, which serve for reading and for writing", default=128, least=1
    )
    decoder_width: int = option("numbers in the state of the decoder", default=256, least=1)
    heads: int = option("heads of the attention", default=4, least=1)
    prior: bool = option("give every character of the text a learned bonus in the output", default=True)
    copy: bool = option("let the model copy characters of the text, also such as training never saw", default=True)
    coverage: bool = option("let copying know what has been copied", default=True)
    conditional_norm: bool = option("let the decoder's layer normalisation depend on the whole text", default=True)
    label_smoothing: float = option(
        "share of the probability that training wants spread over all characters", default=0.0, least=0, below=1
    )
    replace: float = option(
        "share of the characters before each step that training replaces by others of the text, so that the model "
        "learns to go on after a mistake; it rises from epoch to epoch to this in the last",
        default=0.0,
        least=0,
        below=1,
    )
    hide: float = option(
        "mean share of the different characters of a text that a training step takes for unknown, so that the model "
        "learns to copy what it does not know; not used by models that don't copy",
        default=0.15,
        least=0,
        below=0.5,
    )
    max_text: int = option("characters of a text that are read; of longer ones the beginning", default=256, least=1)
    max_title: int = option("characters of a title that are trained on and written, at most", default=64, least=1)


@options
class TitlePrediction(GenerationOptions):
    """How texts are answered."""

    length_penalty: float = option(
        "titles are ranked by the sum of the log probabilities of their characters over this power of their number; 0 "
        "prefers short ones, 1 takes the mean",
        default=0.6,
    )
    min_length: int = option("characters that a title has at least", default=1, least=0)
    max_length: int | None = option(
        "characters that a title has at most; without, what the model was trained on", default=None, least=1
    )
    no_repeat: int = option(
        "no sequence of so many characters occurs twice in a title, but in its prefix; 0 allows all", default=0, least=0
    )
    top_k: int = option(
        "with a temperature: draw each character from this many of the likeliest; 0 from all", default=0, least=0
    )
    top_p: float = option(
        "with a temperature: draw each character from the likeliest that together have this probability, at most 1",
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
    """What a model knows of the titles that it was trained on."""

    mean_title: float = option("characters of a title in the mean", default=0.0, least=0.0)


TITLE = Declaration(
    name="title",
    summary="writes the title of a text, or any text from another one",
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
