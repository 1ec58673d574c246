"""Vocabularies and pretrained vectors of characters and bigrams, for several tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nlpkit.datasets.vector_files import read_chosen_vectors
from nlpkit.errors import DataError
from nlpkit.tasks.shared.encoder_settings import CharacterSettings
from nlpkit.text.characters import normalize_text
from nlpkit.text.features import TextFeatures, count_symbols
from nlpkit.text.lexicon import Lexicon
from nlpkit.text.vocabulary import FIRST_ID, BigramVocabulary, CharacterVocabulary, Vocabulary

_SCALE = 0.3  # root mean square of pretrained vectors after scaling


def make_features(
    texts: Iterable[str],
    settings: CharacterSettings,
    more_symbols: Iterable[str] = (),
    lexicon: Lexicon | None = None,
) -> TextFeatures:
    """The vocabularies of training texts.

    Args:
        texts: the texts.
        settings: least counts and largest numbers of symbols.
        more_symbols: further characters and bigrams, such as those with pretrained vectors.
        lexicon: words to mark in the texts, or None.
    """
    characters, bigrams = count_symbols(texts)
    for symbol in more_symbols:
        counts, least = {
            1: (characters, settings.char_min_count), 2: (bigrams, settings.bigram_min_count)
        }[len(symbol)]  # fmt: skip
        counts[symbol] = max(counts[symbol], least)
    return TextFeatures(
        CharacterVocabulary.from_counts(characters, settings.char_min_count),
        BigramVocabulary.from_counts(bigrams, settings.bigram_min_count, settings.max_bigrams)
        if settings.bigram_dim
        else None,
        lexicon,
    )


def vocabulary_sizes(features: TextFeatures) -> tuple[int, int]:
    """Numbers of ids of characters and of bigrams, 0 without bigrams."""
    return len(features.characters), len(features.bigrams) if features.bigrams else 0


def read_symbol_vectors(path: str | Path) -> dict[str, np.ndarray]:
    """The vectors of characters and bigrams in a file; if two symbols are normalised to the same one, the first.

    An empty path gives none.
    """
    vectors = read_chosen_vectors(path, lambda symbol: {1: "character", 2: "pair"}.get(len(symbol))) if path else {}
    return {normalize_text(symbol): vector for symbol, vector in reversed(vectors.items())}


def set_vectors(network: Any, features: TextFeatures, vectors: Mapping[str, np.ndarray], frozen: bool) -> None:
    """Put vectors into the embeddings of a network.

    Symbols without a vector keep their random values, or get zeros if the layer is frozen.

    Args:
        network: network with embedding layers `character_vectors` and, with bigrams, `bigram_vectors`.
        features: its vocabularies.
        vectors: vectors by symbol.
        frozen: whether the vectors stay fixed in training.

    Raises:
        DataError: if the vectors differ in size from those of the network.
    """
    set_rows(network.character_vectors, features.characters, vectors, "char_dim", frozen)
    if features.bigrams is not None:
        set_rows(network.bigram_vectors, features.bigrams, vectors, "bigram_dim", frozen)


def set_rows(layer: Any, vocabulary: Vocabulary, vectors: Mapping[str, np.ndarray], setting: str, frozen: bool) -> None:
    """Put vectors into an embedding layer; `setting` is the name of the setting for its size."""
    (table,) = layer.get_weights()
    rows = [(i, vectors[symbol]) for i, symbol in enumerate(vocabulary.symbols, FIRST_ID) if symbol in vectors]
    if not rows:
        return
    places, given = map(np.array, zip(*rows))
    if given.shape[1] != table.shape[1]:
        raise DataError(
            f"the vectors have {given.shape[1]} numbers, {setting} is {table.shape[1]}; set {setting}={given.shape[1]}"
        )
    if frozen:
        layer.trainable, table[FIRST_ID:] = False, 0
    table[places] = given * (_SCALE / np.sqrt(np.mean(given**2)))
    layer.set_weights([table])
