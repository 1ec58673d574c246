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
    """A tagger: embeddings of characters or tokens, an encoder, a head."""

    group = "tagger"
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # One narrow layer: what the lexicon and the bigrams know needs little mixing.
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
        "last layer: how the tags of a sentence are scored", default="crf", choices=("crf", "memm", "softmax")
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
    checked = ("unit", "columns")

    repair: bool = option("read illegal tag sequences as conlleval does, where they would be an error", default=False)
    unit: str = option(
        "what has a label: each character, or each token. With auto these are characters if no token of the file has "
        "more than one; a model knows its own. Words with labels without prefixes, read by characters, are found and "
        "labelled at once",
        default="auto",
        choices=("auto", "character", "token"),
    )
    columns: tuple[str, ...] = option(
        "names of all columns of a CoNLL file, among them token and label; _ passes a column over, any other name is "
        "that of a feature, which prediction needs as well. Without names the first column is the token, the last its "
        "label",
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
    """How texts are tagged."""

    segmenter: str | None = option(
        "how a text is cut into tokens; without, as the settings of the model say",
        default=None,
        choices=("spaces", "rules", "jieba"),
    )

    confidence: bool = option("give each word, entity or token the probability that it is one", default=False)
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
    """What a tagger knows of the data that it was trained on."""

    scheme: str = option("how tags spell spans", default="BMES", choices=("BIO", "BIOES", "BMES", "plain"))
    unit: str = option("what has a tag", default="character", choices=("character", "token"))
    columns: tuple[str, ...] = option("names of the columns of a file", default=())
    blanks: bool = option("whether words may hold white space", default=False)
    splits: tuple[str, ...] = option("kinds of runs that words part, see `nlpkit.text.latin_runs`", default=())


TAGGING = Declaration(
    name="tagging",
    summary="word segmentation, named entities, parts of speech: labels of characters or of tokens",
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
