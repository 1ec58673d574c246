"""Texts and tokens to what a network reads: arrays of windows, and tables of the tokens in them."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from nlpkit.datasets.lexicon_files import read_lexicon
from nlpkit.datasets.vector_files import read_chosen_vectors, read_vectors
from nlpkit.datasets.windows import Windows
from nlpkit.errors import ConfigError
from nlpkit.prediction.programs import Program, cores, side_by_side
from nlpkit.tasks.shared.characters import make_features, read_symbol_vectors
from nlpkit.text.characters import FlatTexts, normalize_text
from nlpkit.text.features import TextFeatures
from nlpkit.text.tokens import FlatTokens, TokenFeatures
from nlpkit.text.vocabulary import CharacterVocabulary, Vocabulary

if TYPE_CHECKING:
    from nlpkit.tasks.shared.encoder_settings import UnitSettings


class Units(Protocol):
    """A text in units: an example, or a sentence of a prediction."""

    @property
    def text(self) -> str: ...

    @property
    def tokens(self) -> Sequence[str] | None: ...

    @property
    def columns(self) -> Mapping[str, Sequence[str]]: ...


Columns = Mapping[str, Sequence[str]]

DESCRIBED = "described"
"""Name of the table of what is known of each token, float ``(tokens, width)``."""
_TOKENS_AT_ONCE = 512  # as many as the cache of a core has room for
_MULTIPLE = 128  # of which the rows of a batch's tables are, so that few shapes occur


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Flat texts as the network reads them.

    Attributes:
        flat: the texts, `FlatTexts` or `FlatTokens`.
        arrays: by name of an input, ``(total, …)``.
        tables: of models of tokens, by name of an input, ``(distinct, …)``: what is known of each token. The array
            ``tokens`` says which row a token has; row 0 is padding.
    """

    flat: Any
    arrays: dict[str, np.ndarray]
    tables: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def batch(self, windows: Windows, rows: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """One padded batch: some windows, and of the tables those rows that stand in them."""
        batch = windows.gather(self.arrays, rows, length)
        if not self.tables:
            return batch
        distinct, places = np.unique(np.append(batch["tokens"], 0), return_inverse=True)  # padding is row 0
        batch["tokens"] = places[:-1].reshape(batch["tokens"].shape).astype("int32")
        more = -len(distinct) % _MULTIPLE
        tables = {name: table[np.pad(distinct, (0, more))] for name, table in self.tables.items()}
        return {**batch, **tables}

    def described(self, program: Callable[[str], Program]) -> Inputs:
        """The same inputs with what is known of each token, computed once for all batches.

        Args:
            program: gives the programs of the network by name, of which ``known`` describes tokens.
        """
        if not self.tables:
            return self
        starts = range(0, len(self.tables["words"]), _TOKENS_AT_ONCE)
        described, found = program("known"), {}

        def describe(start):
            part = {name: table[start : start + _TOKENS_AT_ONCE] for name, table in self.tables.items()}
            found[start] = described(part)

        side_by_side(describe, ((start,) for start in starts), cores())
        return dataclasses.replace(self, tables={DESCRIBED: np.concatenate([found[start] for start in starts])})


class Reader:
    """Units, characters or tokens, to `Inputs`. Training and prediction share it.

    Args:
        features: what is known of each unit.
        columns: names of further columns of tokens that are read.
        values: vocabulary of what stands in these columns, see `column_symbols`, or None without any.
    """

    def __init__(
        self, features: TextFeatures | TokenFeatures, columns: Sequence[str] = (), values: Vocabulary | None = None
    ):
        self.features, self.columns, self.values = features, tuple(columns), values

    @property
    def unit(self) -> str:
        return "character" if isinstance(self.features, TextFeatures) else "token"

    def parts(self) -> dict[str, Any]:
        """Its vocabularies and lexicon as parts of a trained folder, by name."""
        if isinstance(self.features, TextFeatures):
            parts = {
                "character_vocabulary": self.features.characters, "bigram_vocabulary": self.features.bigrams,
                "lexicon": self.features.lexicon, "word_vocabulary": self.features.words,
            }  # fmt: skip
        else:
            parts = {
                "token_vocabulary": self.features.tokens, "character_vocabulary": self.features.characters,
                "column_vocabulary": self.values,
            }  # fmt: skip
        return {name: part for name, part in parts.items() if part is not None}

    def read_sentences(self, sentences: Sequence[Units], table: np.ndarray | None = None) -> Inputs:
        """Inputs of examples or sentences; `table` says what characters are read as, see `FlatTexts`."""
        if isinstance(self.features, TextFeatures):
            characters = FlatTexts([each.text for each in sentences], table)
            return Inputs(characters, self.features.encode(characters))
        flat = FlatTokens([each.tokens or () for each in sentences])
        arrays = {"tokens": flat.places}
        if self.values is not None:
            arrays["columns"] = np.zeros((len(flat.places), len(self.columns)), "int32")
            symbols = [
                symbol for each in sentences if each.tokens for symbol in column_symbols(each.columns, self.columns)
            ]
            arrays["columns"][flat.places > 0] = self.values.encode(symbols).reshape(-1, len(self.columns))
        return Inputs(flat, arrays, self.features.describe(flat.distinct))


class GivenVectors(NamedTuple):
    """Vectors that training starts with.

    Attributes:
        symbols: of characters and pairs of characters, or of tokens, by symbol.
        words: of the words that characters stand in, float32 ``(words, size)``, or None.
    """

    symbols: Mapping[str, np.ndarray]
    words: np.ndarray | None


def column_symbols(columns: Columns, names: Sequence[str]) -> list[str]:
    """Values of these columns, token after token, as symbols of one vocabulary.

    >>> column_symbols({"pos": ("NOUN", "VERB"), "case": ("a", "b")}, ["pos", "case"])
    ['pos=NOUN', 'case=a', 'pos=VERB', 'case=b']
    """
    return [f"{name}={value}" for row in zip(*(columns[name] for name in names)) for name, value in zip(names, row)]


def make_reader(
    examples: Sequence[Units], settings: UnitSettings, unit: str, columns: Sequence[str], words: Mapping[str, int]
) -> tuple[Reader, GivenVectors]:
    """The vocabularies of training data, and the vectors that some of their symbols start with.

    Args:
        examples: the training data.
        settings: what is read of them.
        unit: ``character`` or ``token``.
        columns: names of all columns of the file, or none.
        words: how often each word occurs, for the lexicon `train`.

    Raises:
        DataError: if the file of vectors or the lexicon can't be read.
        ConfigError: if a setting does not go with the unit.
    """
    names = features_among(columns)
    if unit == "character":
        if names:
            raise ConfigError(f"columns = {list(columns)}: characters have no columns beside their label")
        if settings.segmenter != type(settings).segmenter:
            raise ConfigError(f"segmenter = {settings.segmenter!r}: is for tokens; this model reads characters")
        vectors = read_symbol_vectors(settings.vectors)
        lexicon = read_lexicon(settings.lexicon, words) if settings.lexicon else None
        features = make_features((example.text for example in examples), settings, vectors, lexicon)
        of_words = None
        if settings.word_vectors:
            words_given, of_words = read_vectors(settings.word_vectors)
            words_given = words_given[: settings.max_words]
            # Of two words that are read alike the first counts.
            kept = {normalize_text(word): i for i, word in reversed([*enumerate(words_given)])}
            features.words, of_words = Vocabulary(kept), of_words[[*kept.values()]]
        return Reader(features), GivenVectors(vectors, of_words)
    for name in ("lexicon", "word_vectors"):
        value = getattr(settings, name)
        if value and value != getattr(type(settings), name):
            raise ConfigError(f"{name} = {value!r}: is for characters; the units of this file are tokens")
    vectors = read_chosen_vectors(settings.vectors, _token_or_none) if settings.vectors else {}
    counts = collections.Counter(token for example in examples for token in example.tokens or ())
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    tokens = Vocabulary([*dict.fromkeys((*ranked, *vectors))][: settings.max_tokens])
    characters = collections.Counter(character for token in counts for character in token)
    spelling = CharacterVocabulary.from_counts(characters, settings.char_min_count)
    symbols = {symbol for each in examples for symbol in column_symbols(each.columns, names)}
    features = _token_features(settings, tokens, None if settings.spelling == "none" else spelling)
    return Reader(features, names, Vocabulary(sorted(symbols)) if names else None), GivenVectors(vectors, None)


def _token_or_none(symbol):
    return "token" if symbol.split() == [symbol] else None


def reader_of(settings: UnitSettings, metadata: Mapping[str, Any], parts: Mapping[str, Any]) -> Reader:
    """The reader of a model, from what `Reader.parts` gave."""
    if metadata.get("unit", "character") == "character":
        more = (parts.get(name) for name in ("bigram_vocabulary", "lexicon", "word_vocabulary"))
        return Reader(TextFeatures(parts["character_vocabulary"], *more))
    features = _token_features(settings, parts["token_vocabulary"], parts.get("character_vocabulary"))
    return Reader(features, features_among(metadata.get("columns", ())), parts.get("column_vocabulary"))


def features_among(columns: Sequence[str]) -> list[str]:
    """The names of those columns that are features."""
    return [name for name in columns if name not in ("token", "label", "_")]


def _token_features(settings, tokens, characters):
    return TokenFeatures(tokens, characters, settings.num_affixes if settings.affix_dim else 0, settings.shapes)
