"""The settings that tasks with an encoder of text share."""

from __future__ import annotations

from nlpkit.options import FILE, MODEL, option, options
from nlpkit.training.settings import TrainingSettings


@options
class EncoderSettings(TrainingSettings):
    """What `nlpkit.layers.encode_text` is to build."""

    group = "encoder"

    encoder: str = option(
        "how text is encoded: by dilated, residual convolutions, or by recurrent layers that read both ways",
        default="gated_conv",
        choices=("gated_conv", "gru", "lstm"),
    )
    width: int = option("channels of the encoder, of both directions together", default=128, least=1)
    dilations: tuple[int, ...] = option("of the gated convolutions, one each", default=(1, 2, 1, 2), least=1)
    layers: int = option("recurrent layers, for gru and lstm", default=1, least=1, below=65)
    char_min_count: int = option("characters seen less often in training share one vector", default=2, least=1)
    dropout: float = option(
        "share of the embeddings and of each layer's input that is dropped", default=0.3, least=0, below=1
    )

    def validate(self) -> None:
        super().validate()
        self.require("width", self.width % 2 == 0, "even")
        self.require("dilations", 0 < len(self.dilations) <= 64, "1 to 64 integers from 1")


@options
class CharacterSettings(EncoderSettings):
    """How characters and pairs of characters become vectors."""

    group = "characters"

    char_dim: int = option("size of the character vectors", default=64, least=1)
    bigram_dim: int = option("size of the vectors of pairs of characters; 0 leaves the pairs out", default=32, least=0)
    bigram_min_count: int = option("pairs seen less often in training share one vector", default=2, least=1)
    max_bigrams: int = option("number of the most frequent pairs that are kept", default=100_000, least=1)
    vectors: str = option(
        "vectors to start from: a text file in word2vec's format that holds characters and pairs of characters, or "
        "where the units are tokens these",
        default="",
        metavar=FILE,
    )
    freeze_vectors: bool = option("leave these vectors as they are in training", default=False)
    char_dropout: float = option(
        "share of the characters that are made unknown in a training step", default=0.05, least=0, below=1
    )
    bigram_dropout: float = option(
        "share of the pairs that are made unknown in a training step", default=0.4, least=0, below=1
    )

    def validate(self) -> None:
        super().validate()
        self.require("freeze_vectors", self.vectors or not self.freeze_vectors, "false without vectors")


@options
class UnitSettings(CharacterSettings):
    """How characters or tokens become vectors, as far as the units are these."""

    group = "tokens"

    token_dim: int = option("size of the token vectors", default=100, least=1)
    max_tokens: int = option(
        "number of tokens that have a vector of their own: those of the training data, the most frequent first, and "
        "after them those of `vectors` in the order of the file",
        default=50_000,
        least=1,
    )
    token_dropout: float = option(
        "share of the tokens that are made unknown in a training step", default=0.1, least=0, below=1
    )
    spelling: str = option(
        "how the characters of a token are read: by convolutions, by a recurrent layer, or not at all",
        default="cnn",
        choices=("cnn", "lstm", "none"),
    )
    spelling_width: int = option("numbers of what is read of a token's characters", default=128, least=2)
    affix_dim: int = option(
        "size of the vectors of the first and last one to three characters; 0 leaves them out", default=24, least=0
    )
    num_affixes: int = option("size of the table that these are hashed into", default=16_384, least=16)
    affix_dropout: float = option(
        "share of these that are made unknown in a training step", default=0.2, least=0, below=1
    )
    shapes: bool = option("read case, digits and length of a token", default=True)
    column_dim: int = option("size of the vectors of further columns", default=16, least=1)
    segmenter: str = option(
        "how a model of tokens cuts the texts that it predicts: at white space; by rules, which part punctuation from "
        "words; by jieba; or by a trained model that finds words, which becomes part of this one",
        default="spaces",
        metavar=MODEL,
        other=("spaces", "rules", "jieba"),
    )

    lexicon: str = option(
        "words that the text is matched against: jieba for its dictionary, train for the words that occur at least "
        "three times in the training data, or a file with a word a line",
        default="",
        metavar=FILE,
        other=("jieba", "train"),
    )

    word_vectors: str = option(
        "vectors of words, a file in word2vec's format: each character also reads the vector of the jieba word that it "
        "stands in; training leaves them as they are",
        default="",
        metavar=FILE,
    )
    word_dim: int = option("size of these vectors", default=100, least=1)
    max_words: int = option("number of these that are kept, in the order of the file", default=50_000, least=1)

    def validate(self) -> None:
        super().validate()
        self.require("spelling_width", self.spelling_width % 2 == 0, "even")
