"""Every setting of the tagger and its default."""

import dataclasses

from nlpkit.tasks.encoder_config import EncoderConfig

HEADS = ("crf", "memm", "softmax")


@dataclasses.dataclass(frozen=True)
class TaggingConfig(EncoderConfig):
    """A character tagger: embeddings, an encoder, a head."""

    learning_rate: float = 2e-3
    epochs: int = 12

    head: str = "crf"
    """`crf`, `memm` or `softmax`."""
    char_dim: int = 64
    bigram_dim: int = 32
    """0 leaves the bigrams out."""
    bigram_min_count: int = 2
    """Bigrams seen less often in training share one vector."""
    max_bigrams: int = 100_000
    lexicon: str = ""
    """Words that the text is matched against: `jieba` for its dictionary, `train` for the words of the training data
    that it holds three times, or a file with a word a line."""
    vectors: str = ""
    """Vectors to start from, a text file in word2vec's format that holds characters and pairs of characters."""
    freeze_vectors: bool = False
    """Leave them as they are in training."""
    char_dropout: float = 0.05
    bigram_dropout: float = 0.4
    """Share of the characters and bigrams that are made unknown in a training step."""
    transition_rate: float = 10.0
    """How many times faster than the rest the transitions learn."""
    window: int = 256
    """Longest piece that a text is read in, in characters; longer texts are cut at safe places."""

    presets = {  # noqa: RUF012
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
    """Settings by name."""

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("head", HEADS)
        for key in ("char_dim", "bigram_min_count"):
            self.check(key, getattr(self, key) >= 1, "at least 1")
        self.check("bigram_dim", self.bigram_dim >= 0, "0 or more")
        self.check("freeze_vectors", self.vectors or not self.freeze_vectors, "false without vectors")
        self.check("window", self.window >= 32, "at least 32")
        self.check("transition_rate", self.transition_rate > 0, "above 0")
        for key in ("char_dropout", "bigram_dropout"):
            self.check(key, 0 <= getattr(self, key) < 1, "from 0 to below 1")
