"""The shared settings of tasks with an encoder of text."""

from __future__ import annotations

from nlpkit.options import FILE, MODEL, option, options
from nlpkit.training.settings import TrainingSettings


@options
class EncoderSettings(TrainingSettings):
    """Settings of `nlpkit.layers.encode_text`."""

    group = "encoder"

    encoder: str = option(
        "type of the encoder: dilated, residual convolutions or bidirectional recurrent layers",
        default="gated_conv",
        choices=("gated_conv", "gru", "lstm"),
    )
    width: int = option("channels of the encoder, both directions together", default=128, least=1)
    dilations: tuple[int, ...] = option(
        "dilations of the gated convolutions, one a layer", default=(1, 2, 1, 2), least=1
    )
    layers: int = option("number of recurrent layers, for gru and lstm", default=1, least=1, below=65)
    char_min_count: int = option(
        "lowest count in the training data of a character with a vector of its own; rarer ones share one",
        default=2,
        least=1,
    )
    dropout: float = option(
        "dropout rate of the embeddings and of the input of each layer", default=0.3, least=0, below=1
    )

    def validate(self) -> None:
        super().validate()
        self.require("width", self.width % 2 == 0, "even")
        self.require("dilations", 0 < len(self.dilations) <= 64, "1 to 64 integers from 1")


@options
class CharacterSettings(EncoderSettings):
    """Settings of the vectors of characters and character bigrams."""

    group = "characters"

    char_dim: int = option("size of the character vectors", default=64, least=1)
    bigram_dim: int = option("size of the vectors of character bigrams; 0 turns bigrams off", default=32, least=0)
    bigram_min_count: int = option(
        "lowest count in the training data of a bigram with a vector of its own; rarer ones share one",
        default=2,
        least=1,
    )
    max_bigrams: int = option("largest number of bigrams, the most frequent first", default=100_000, least=1)
    vectors: str = option(
        "file of pretrained vectors in word2vec's text format, of characters and bigrams, or of tokens if the unit "
        "is the token",
        default="",
        metavar=FILE,
    )
    freeze_vectors: bool = option("keep the pretrained vectors fixed in training", default=False)
    char_dropout: float = option(
        "share of the characters replaced by the unknown character in a training step", default=0.05, least=0, below=1
    )
    bigram_dropout: float = option(
        "share of the bigrams replaced by the unknown bigram in a training step", default=0.4, least=0, below=1
    )

    def validate(self) -> None:
        super().validate()
        self.require("freeze_vectors", self.vectors or not self.freeze_vectors, "false without vectors")


@options
class UnitSettings(CharacterSettings):
    """Settings of the vectors of tokens, in addition to those of characters."""

    group = "tokens"

    token_dim: int = option("size of the token vectors", default=100, least=1)
    max_tokens: int = option(
        "largest number of tokens with a vector of their own: the most frequent ones of the training data first, "
        "then those of `vectors` in the order of the file",
        default=50_000,
        least=1,
    )
    token_dropout: float = option(
        "share of the tokens replaced by the unknown token in a training step", default=0.1, least=0, below=1
    )
    spelling: str = option(
        "encoder of a token's characters: convolutions, a recurrent layer or none",
        default="cnn",
        choices=("cnn", "lstm", "none"),
    )
    spelling_width: int = option("size of the vector computed from a token's characters", default=128, least=2)
    affix_dim: int = option(
        "size of the vectors of a token's first and last one to three characters; 0 turns these affixes off",
        default=24,
        least=0,
    )
    num_affixes: int = option("size of the table of affix vectors, indexed by hash", default=16_384, least=16)
    affix_dropout: float = option(
        "share of the affixes replaced by the unknown affix in a training step", default=0.2, least=0, below=1
    )
    shapes: bool = option("use the case, digits and length of a token as features", default=True)
    column_dim: int = option("size of the vectors of further columns", default=16, least=1)
    segmenter: str = option(
        "tokenizer of a model of tokens at prediction: at white space, by rules that separate punctuation from "
        "words, jieba, or a trained word segmenter, which becomes part of the model",
        default="spaces",
        metavar=MODEL,
        other=("spaces", "rules", "jieba"),
    )

    lexicon: str = option(
        "words to mark in the text: jieba for its dictionary, train for the words that occur at least three times in "
        "the training data, or a file with a word on each line",
        default="",
        metavar=FILE,
        other=("jieba", "train"),
    )

    word_vectors: str = option(
        "file of word vectors in word2vec's format, fixed in training; each character gets the vector of its jieba "
        "word as a further input",
        default="",
        metavar=FILE,
    )
    word_dim: int = option("size of the word vectors", default=100, least=1)
    max_words: int = option("largest number of word vectors, in the order of the file", default=50_000, least=1)

    def validate(self) -> None:
        super().validate()
        self.require("spelling_width", self.spelling_width % 2 == 0, "even")
