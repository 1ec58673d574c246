"""Every option of the extraction of triples and its default."""

from __future__ import annotations

from typing import Any, ClassVar

from nlpkit.options import FILE, option, options
from nlpkit.tasks.declaration import Declaration, Demo, Metadata, PredictionOptions, ReadingOptions
from nlpkit.tasks.shared.encoder_settings import UnitSettings
from nlpkit.training.metric import Metric

FLOOR = 0.05
"""Lowest probability of a triple at any threshold."""


@options
class ExtractionSettings(UnitSettings):
    """Settings of a network that extracts subjects, objects and the relations between them."""

    group = "extraction"
    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    epochs: int = 12
    batch_size: int = 16
    encoder: str = option(
        "type of the encoder: dilated, residual convolutions or bidirectional recurrent layers",
        default="gru",
        choices=("gated_conv", "gru", "lstm"),
    )
    layers: int = 2
    dilations: tuple[int, ...] = (1, 2, 5, 1, 2, 5, 1, 2, 5, 1, 1, 1)
    char_dim: int = 128
    bigram_dim: int = 0
    lexicon: str = "jieba"
    segmenter: str = option(
        "tokenizer, if the unit is the token: at white space, by rules that separate punctuation from words, or jieba",
        default="rules",
        choices=("spaces", "rules", "jieba"),
    )

    unit: str = option(
        "unit of subjects and objects; auto means tokens if the training texts are in letters with spaces between "
        "words, else characters",
        default="auto",
        choices=("auto", "character", "token"),
    )
    head: str = option(
        "method of extraction: pairs scores all spans, then all pairs of the best spans at once; pointers marks the "
        "first and last steps of subjects, then those of objects for each subject and predicate",
        default="pairs",
        choices=("pairs", "pointers"),
    )
    loss: str = option(
        "training loss: multi_label is one cross entropy of all true labels against all others, sigmoid a binary "
        "cross entropy of each label, and sigmoid_power the same for rare labels",
        default="multi_label",
        choices=("multi_label", "sigmoid", "sigmoid_power"),
    )
    power: float = option("exponent of the sigmoid in the loss sigmoid_power", default=4.0, above=0)
    num_subjects: int = option(
        "number of best spans of a text that are candidates for subjects, for the head pairs",
        default=12,
        least=1,
        below=33,
    )
    num_objects: int = option(
        "number of best spans of a text that are candidates for objects, for the head pairs",
        default=24,
        least=1,
        below=33,
    )
    head_dim: int = option(
        "size of the vectors of first and last steps, an even number, for the head pairs", default=48, least=2
    )
    pair_width: int = option("size of the vector of a pair of spans, for the head pairs", default=160, least=1)
    all_subjects: bool = option(
        "train on all subjects of a text in each step, not on one chosen at random, for the head pointers", default=True
    )
    prior: bool = option(
        "tell the network which triples of the training data have both names in the text; in training, triples of "
        "the text itself are left out",
        default=False,
    )
    adversarial: float = option(
        "size of the adversarial perturbation of the embeddings (FGM), which doubles the cost of a step; 0 turns it "
        "off",
        default=0.0,
        least=0,
    )
    context: str = option(
        "input of the network; auto means single sentences if nearly all triples of the training data lie in one "
        "sentence, else whole texts",
        default="auto",
        choices=("auto", "sentence", "text"),
    )
    window: int = option("longest window of a text, in units", default=256, least=32)
    overlap: int = option(
        "overlap of the windows of a longer text, in units; a triple is found if it lies within one window",
        default=64,
        least=0,
    )

    @property
    def label_power(self) -> float:
        """Exponent of the sigmoid of a label's score in its probability."""
        return self.power if self.loss == "sigmoid_power" else 1.0

    def validate(self) -> None:
        super().validate()
        self.require("overlap", self.overlap <= self.window // 2, f"at most half a window, {self.window // 2}")
        self.require("head_dim", self.head_dim % 2 == 0, "even")
        self.require("head", self.head == "pairs" or self.width % 2 == 0, "pairs where width is odd")


@options
class ExtractionReading(ReadingOptions):
    """Reading options of sentences with triples."""

    on_error: str = option(
        "action at a bad line: skip it and report it, or stop", default="skip", choices=("skip", "stop")
    )
    aliases: str = option(
        "file of aliases, the names of one thing on each line, separated by tabs; adds a score that treats them as "
        "equal",
        default="",
        metavar=FILE,
    )


@options
class ExtractionPrediction(PredictionOptions):
    """Prediction options of triples."""

    threshold: float | None = option(
        "lowest probability of a triple in the output; by default the best one on the validation data",
        default=None,
        least=FLOOR,
        below=1,
    )
    predicates: tuple[str, ...] = option("predicates in the output; by default all", default=(), metavar="PREDICATE")
    schema: Any = option(
        "file of allowed types: JSON lines with predicate, subject_type and object_type, several lines for a "
        "predicate of several types; other predicates are left out, and if two triples give a thing different types, "
        "the less probable one; in Python also a list of such dictionaries",
        default=None,
        metavar=FILE,
    )


_DEMO = {
    "epochs": 40, "batch_size": 8, "width": 96, "char_dim": 64, "learning_rate": 2e-3, "warmup_steps": 60,
    "ema_momentum": 0.99,
}  # fmt: skip


@options
class ExtractionMetadata(Metadata):
    """Values of the training data that an extraction model keeps."""

    predicates: tuple[str, ...] = option("names of the predicates", default=())
    unit: str = option("unit of subjects and objects", default="character", choices=("character", "token"))
    types: dict = option("types of subject and object by predicate", default=None)
    context: str = option("input of the network", default="text", choices=("sentence", "text"))
    threshold: float = option("lowest probability of a triple in the output", default=0.5, least=0.0, below=1.01)

    def validate(self) -> None:
        pairs = [] if self.types is None else self.types.values()
        is_right = all(isinstance(pair, list) and list(map(type, pair)) == [str, str] for pair in pairs)
        self.require("types", is_right, "two texts by predicate")


EXTRACTION = Declaration(
    name="extraction",
    summary="triples of subject, predicate and object from sentences",
    data='JSON lines {"text": …, "spo_list": [{"subject": …, "predicate": …, "object": …}]}',
    settings=ExtractionSettings,
    reading=ExtractionReading,
    prediction=ExtractionPrediction,
    metadata=ExtractionMetadata,
    metric=Metric("f1"),
    batches_at_once=2,
    chunk=1 << 16,
    task="nlpkit.tasks.extraction.task:Extractor",
    check="nlpkit.tasks.extraction.check:check",
    demos=(
        Demo("Triples", "triples-train.jsonl", "triples-test.jsonl", _DEMO),
        Demo("Triples in English", "english-train.jsonl", "english-test.jsonl", _DEMO),
    ),
)
