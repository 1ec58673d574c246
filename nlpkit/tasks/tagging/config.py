"""Every option of the tagger and its default."""

from __future__ import annotations

from typing import Any, ClassVar

from nlpkit.errors import ConfigError
from nlpkit.options import FILE, option, options
from nlpkit.tasks.declaration import Declaration, Demo, Metadata, PredictionOptions, ReadingOptions
from nlpkit.tasks.shared.encoder_settings import UnitSettings
from nlpkit.training.metric import Metric


@options
class TaggingSettings(UnitSettings):
    """Settings of a tagger: embeddings of characters or tokens, an encoder, a head."""

    group = "tagger"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # One narrow layer is enough for features of the lexicon and of bigrams.
        "fast": {
            "lexicon": "jieba",
            "width": 16,
            "dilations": [1],
            "char_dim": 16,
            "bigram_dim": 12,
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
        "type of the output layer, which scores the tags of a sentence",
        default="crf",
        choices=("crf", "memm", "softmax"),
    )
    transition_rate: float = option("factor of the learning rate of the transitions", default=10.0, above=0)
    window: int = option(
        "longest window of a text, in characters; longer texts are cut at safe places",
        default=256,
        least=32,
    )


@options
class TaggingReading(ReadingOptions):
    """Reading options of labelled data."""

    measured = {"repair": True}  # noqa: RUF012
    checked = ("unit", "columns")

    repair: bool = option("repair illegal tag sequences as conlleval does; otherwise they are errors", default=False)
    unit: str = option(
        "unit of labels: auto means the unit of the model, or for training characters if no token of the file is "
        "longer than one, else tokens. Labels of words without prefixes, with characters as the unit, make a joint "
        "model of segmentation and labels",
        default="auto",
        choices=("auto", "character", "token"),
    )
    columns: tuple[str, ...] = option(
        "names of all columns of a CoNLL file, among them token and label; _ skips a column, and any other name "
        "makes it a feature, which prediction needs as well. By default the first column is the token and the last "
        "its label",
        default=(),
        metavar="NAME",
    )

    def validate(self) -> None:
        names = [name for name in self.columns if name != "_"]
        if self.columns:
            self.require("columns", {"token", "label"} <= {*names}, "names among which are token and label")
            self.require("columns", len({*names}) == len(names), "names of which none occurs twice")
            self.require("columns", not _TAKEN & {*names}, f"names other than {', '.join(sorted(_TAKEN))}")
            self.require("columns", all(map(str.isidentifier, names)), "names of letters, digits and _")


@options
class TaggingPrediction(PredictionOptions):
    """Prediction options of a tagger."""

    segmenter: str | None = option(
        "tokenizer of texts; by default the one in the model's settings",
        default=None,
        choices=("spaces", "rules", "jieba"),
    )

    confidence: bool = option("add the probability of each word, entity or token", default=False)
    user_dictionary: Any = option(
        "file of a user dictionary, a word on each line, for entities followed by a tab and the type; in Python also "
        "a list, or a dictionary of word to type",
        default=None,
        metavar=FILE,
    )
    user_bonus: float = option(
        "weight of the user dictionary: nats added to the score of the tags of a matching word", default=5.0
    )
    keep_runs: bool = option(
        "keep runs of Latin letters and digits, decimal numbers and addresses together, as in the training data",
        default=True,
    )
    simplify: bool = option(
        "read unknown traditional characters as their simplified forms; offsets stay the same", default=True
    )

    def validate(self) -> None:
        self.require("user_bonus", abs(self.user_bonus) <= 1e6, "a finite number, at most 1,000,000 either way")
        if self.user_dictionary is None and self.user_bonus != type(self).user_bonus:
            raise ConfigError("user_bonus is the weight of a user dictionary; give that as well")

    def check_format(self, file_format: str) -> None:
        if self.confidence and file_format != "jsonl":
            raise ConfigError(f"confidence: the format {file_format} has no place for it; name the output .jsonl")


_TAKEN = {"tokens", "labels", "text"}

_DEMO = {"epochs": 30, "batch_size": 16, "learning_rate": 4e-3, "warmup_steps": 40, "ema_momentum": 0.98}


@options
class TaggingMetadata(Metadata):
    """Values of the training data that a tagger keeps."""

    scheme: str = option("tagging scheme of spans", default="BMES", choices=("BIO", "BIOES", "BMES", "plain"))
    unit: str = option("unit of labels", default="character", choices=("character", "token"))
    columns: tuple[str, ...] = option("names of the columns of a file", default=())
    blanks: bool = option("whether words may contain white space", default=False)
    splits: tuple[str, ...] = option(
        "kinds of runs with word boundaries inside, see `nlpkit.text.latin_runs`", default=()
    )


TAGGING = Declaration(
    name="tagging",
    summary="word segmentation, named entities, parts of speech: labels of characters or tokens",
    data=(
        "words with spaces between them; or a character, or token, and its tag on each line, with an "
        'empty line after each sentence; or JSON lines {"text": …, "entities": [{"start": 2, "end": 5, '
        '"label": "LOC"}]}'
    ),
    settings=TaggingSettings,
    reading=TaggingReading,
    prediction=TaggingPrediction,
    metadata=TaggingMetadata,
    metric=Metric("f1"),
    batches_at_once=2,
    formats=("text", "jsonl", "conll"),
    task="nlpkit.tasks.tagging.task:Tagger",
    check="nlpkit.tasks.tagging.check:check",
    packaged_example=("characters_example.py", ("characters", "bigrams", "lexicon")),
    demos=(
        Demo("Word segmentation", "words-train.txt", "words-test.txt", {**_DEMO, "lexicon": "jieba"}),
        Demo("Named entities", "entities-train.conll", "entities-test.conll", {**_DEMO, "epochs": 60}),
        Demo("Parts of speech", "pos-train.conll", "pos-test.conll", {**_DEMO, "epochs": 20, "encoder": "gru"}),
        Demo(
            "Entities in English",
            "english-train.conll",
            "english-test.conll",
            {**_DEMO, "epochs": 40, "batch_size": 8, "encoder": "gru", "segmenter": "rules"},
        ),
    ),
)
