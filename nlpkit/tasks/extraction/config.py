"""Every option of the extraction of triples and its default."""

from __future__ import annotations

from typing import Any, ClassVar

from nlpkit.options import FILE, option, options
from nlpkit.tasks.declaration import Declaration, Demo, Metadata, PredictionOptions, ReadingOptions
from nlpkit.tasks.shared.encoder_settings import UnitSettings
from nlpkit.training.metric import Metric

FLOOR = 0.05
"""Less probable triples are never looked at."""


@options
class ExtractionSettings(UnitSettings):
    """A network that finds subjects, objects and what holds between them."""

    group = "extraction"
    presets: ClassVar[dict[str, dict[str, Any]]] = {}

    epochs: int = 12
    batch_size: int = 16
    encoder: str = option(
        "how text is encoded: by dilated, residual convolutions, or by recurrent layers that read both ways",
        default="gru",
        choices=("gated_conv", "gru", "lstm"),
    )
    layers: int = 2
    dilations: tuple[int, ...] = (1, 2, 5, 1, 2, 5, 1, 2, 5, 1, 1, 1)
    char_dim: int = 128
    bigram_dim: int = 0
    lexicon: str = "jieba"
    segmenter: str = option(
        "how texts are cut where the units are tokens: at white space; by rules, which part punctuation from words; or "
        "by jieba",
        default="rules",
        choices=("spaces", "rules", "jieba"),
    )

    unit: str = option(
        "what subjects and objects are made of: characters, or tokens; with auto tokens where the training texts are "
        "in letters that separate words by spaces",
        default="auto",
        choices=("auto", "character", "token"),
    )
    head: str = option(
        "how triples are found: pairs scores all spans, then all pairs of the best ones at once; pointers marks where "
        "subjects begin and end, then for each subject and predicate where objects do",
        default="pairs",
        choices=("pairs", "pointers"),
    )
    loss: str = option(
        "how true labels are compared with the many others: multi_label is a cross entropy of all true ones against "
        "all others, sigmoid looks at each alone, and sigmoid_power expects few to be true",
        default="multi_label",
        choices=("multi_label", "sigmoid", "sigmoid_power"),
    )
    power: float = option("of sigmoid_power", default=4.0, above=0)
    num_subjects: int = option(
        "best spans of a text that can be subjects, for the head pairs", default=12, least=1, below=33
    )
    num_objects: int = option(
        "best spans of a text that can be objects, for the head pairs", default=24, least=1, below=33
    )
    head_dim: int = option("size of the vectors of first and last steps, even, for the head pairs", default=48, least=2)
    pair_width: int = option("numbers that describe a pair, for the head pairs", default=160, least=1)
    all_subjects: bool = option(
        "train on all subjects of a text in each step, not on one drawn by chance, for the head pointers", default=True
    )
    prior: bool = option(
        "tell the network which triples of the training data could hold in a text, since both their names stand in it; "
        "in training those of the text itself are left out",
        default=False,
    )
    adversarial: float = option(
        "length of a perturbation of the embeddings that each step is also trained on; doubles its cost; 0 leaves it "
        "out",
        default=0.0,
        least=0,
    )
    context: str = option(
        "what is read at once: a sentence, or a text; with auto sentences where nearly all triples of the training "
        "data have both names in one, since longer texts are then strange to the network",
        default="auto",
        choices=("auto", "sentence", "text"),
    )
    window: int = option("longest window that a text is read in, in units", default=256, least=32)
    overlap: int = option(
        "units that two windows of a longer text have in common; a triple is found if a window holds it",
        default=64,
        least=0,
    )

    @property
    def label_power(self) -> float:
        """The probability of a label is the sigmoid of its score to this power."""
        return self.power if self.loss == "sigmoid_power" else 1.0

    def validate(self) -> None:
        super().validate()
        self.require("overlap", self.overlap <= self.window // 2, f"at most half a window, {self.window // 2}")
        self.require("head_dim", self.head_dim % 2 == 0, "even")
        self.require("head", self.head == "pairs" or self.width % 2 == 0, "pairs where width is odd")


@options
class ExtractionReading(ReadingOptions):
    """How sentences with triples are read."""

    on_error: str = option("at a bad line: skip it and report it, or stop", default="skip", choices=("skip", "stop"))
    aliases: str = option(
        "names of the same thing, a line each, separated by tabs: they are also scored as the same",
        default="",
        metavar=FILE,
    )


@options
class ExtractionPrediction(PredictionOptions):
    """Which triples are answered."""

    threshold: float | None = option(
        "lowest probability of a triple; without, the one that was best on the validation data",
        default=None,
        least=FLOOR,
        below=1,
    )
    predicates: tuple[str, ...] = option("only these", default=(), metavar="PREDICATE")
    schema: Any = option(
        "types that are allowed: JSON lines with predicate, subject_type and object_type, a predicate in several of "
        "them if it has several; other predicates are left out, and of triples that give a thing two types the less "
        "probable; in Python also a list of such dictionaries",
        default=None,
        metavar=FILE,
    )


_DEMO = {
    "epochs": 40, "batch_size": 8, "width": 96, "char_dim": 64, "learning_rate": 2e-3, "warmup_steps": 60,
    "ema_momentum": 0.99,
}  # fmt: skip


@options
class ExtractionMetadata(Metadata):
    """What a model knows of the triples that it was trained on."""

    predicates: tuple[str, ...] = option("the predicates", default=())
    unit: str = option("what names begin and end with", default="character", choices=("character", "token"))
    types: dict = option("by predicate the types of its subject and object", default=None)
    context: str = option("what is read at once", default="text", choices=("sentence", "text"))
    threshold: float = option("least probability of a triple that is answered", default=0.5, least=0.0, below=1.01)

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
