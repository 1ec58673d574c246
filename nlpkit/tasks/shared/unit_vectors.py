"""Arrays of units to vectors: the first part of the networks of several tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from nlpkit.layers import CharacterCNN, MixedEmbedding, TokenDropout
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.shared.characters import set_rows, set_vectors
from nlpkit.tasks.shared.reader import DESCRIBED, GivenVectors, Reader
from nlpkit.text.features import TextFeatures
from nlpkit.text.lexicon import NUM_FEATURES
from nlpkit.text.tokens import NUM_AFFIXES, NUM_SHAPES


class UnitVectors:
    """The first part of a network: inputs, and a vector for each unit.

    Args:
        settings: `nlpkit.tasks.shared.encoder_settings.UnitSettings`.
        reader: the reader of characters or tokens, with its vocabularies.

    Attributes:
        inputs: the Keras inputs by name, those of `nlpkit.tasks.shared.reader.Inputs`.
        vectors: float ``(batch, time, width)``.
        mask: bool ``(batch, time)``.
        character_vectors, bigram_vectors, word_vectors: the embeddings, or None.
    """

    def __init__(self, settings: Any, reader: Reader):
        # Each an `Embedding` or None, and the model of distinct tokens or None.
        self.character_vectors: Any = None
        self.bigram_vectors: Any = None
        self.word_vectors: Any = None
        self._known: Any = None
        if isinstance(reader.features, TextFeatures):
            inputs, self.vectors, self.mask = self._read_characters(settings, reader.features)
        else:
            inputs, self.vectors, self.mask = self._read_tokens(settings, reader)
        self.inputs = {x.name: x for x in inputs}

    def _read_characters(self, settings: Any, features: TextFeatures) -> tuple[list[Any], Any, Any]:
        """The inputs, the characters as vectors ``(batch, time, width)``, and the mask."""
        characters = keras.Input((None,), dtype="int32", name="characters")
        inputs = [characters]
        ids = TokenDropout(settings.char_dropout)(characters)
        size = len(features.characters)
        if features.words is None:
            self.character_vectors = layers.Embedding(size, settings.char_dim, name="character_vectors")
            x = self.character_vectors(ids)  # (batch, time, char_dim)
        else:
            words = keras.Input((None,), dtype="int32", name="words")
            inputs.append(words)
            mixed = MixedEmbedding(
                size, len(features.words), settings.char_dim, settings.word_dim, name="mixed_vectors"
            )
            x = mixed(ids, words)
            self.character_vectors, self.word_vectors = mixed.characters, mixed.words
            mixed.words.trainable = False
        if features.bigrams is not None:
            bigrams = keras.Input((None, 2), dtype="int32", name="bigrams")
            inputs.append(bigrams)
            ids = TokenDropout(settings.bigram_dropout)(bigrams)
            size = len(features.bigrams)
            self.bigram_vectors = layers.Embedding(size, settings.bigram_dim, name="bigram_vectors")
            pair = self.bigram_vectors(ids)  # (batch, time, 2, bigram_dim)
            x = layers.Concatenate()([x, layers.Reshape((-1, 2 * settings.bigram_dim))(pair)])
        x = layers.Dropout(settings.dropout)(x)
        if settings.lexicon:
            levels = keras.Input((None, NUM_FEATURES), dtype="uint8", name="lexicon")
            inputs.append(levels)
            x = layers.Concatenate()([x, layers.Rescaling(0.1)(levels)])
        return inputs, layers.Dense(settings.width, name="mix")(x), characters != 0

    def _read_tokens(self, settings: Any, reader: Reader) -> tuple[list[Any], Any, Any]:
        """The inputs, the tokens as vectors ``(batch, time, width)``, and the mask.

        The vector of a token is computed once for each distinct token of a batch, ``(distinct, …)``.
        """
        features: Any = reader.features
        words = keras.Input((), dtype="int32", name="words")
        tables = [words]
        self.word_vectors = layers.Embedding(len(features.tokens), settings.token_dim, name="word_vectors")
        parts = [self.word_vectors(TokenDropout(settings.token_dropout)(words))]
        if features.characters is not None:
            spelling = keras.Input((None,), dtype="int32", name="spelling")
            tables.append(spelling)
            ids = TokenDropout(settings.char_dropout)(spelling)
            parts.append(self._spell(settings, len(features.characters), ids))
        if settings.affix_dim:
            affixes = keras.Input((NUM_AFFIXES,), dtype="int32", name="affixes")
            tables.append(affixes)
            ids = TokenDropout(settings.affix_dropout)(affixes)
            vectors = layers.Embedding(settings.num_affixes, settings.affix_dim, name="affix_vectors")(ids)
            parts.append(layers.Reshape((NUM_AFFIXES * settings.affix_dim,))(vectors))
        if settings.shapes:
            shapes = keras.Input((NUM_SHAPES,), dtype="uint8", name="shapes")
            tables.append(shapes)
            parts.append(layers.Rescaling(1.0)(shapes))
        known = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]  # (distinct, channels)
        known = layers.Dense(settings.width, name="mix")(layers.Dropout(settings.dropout)(known))
        self._known = keras.Model({x.name: x for x in tables}, known, name="known")
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = ops.take(known, tokens, axis=0)  # (batch, time, width)
        inputs = [tokens]
        if reader.values is not None:
            size = len(reader.columns)
            columns = keras.Input((None, size), dtype="int32", name="columns")
            inputs.append(columns)
            values = layers.Embedding(len(reader.values), settings.column_dim, name="column_vectors")(columns)
            values = layers.Dropout(settings.dropout)(layers.Reshape((-1, size * settings.column_dim))(values))
            x = x + layers.Dense(settings.width, use_bias=False, name="mix_columns")(values)
        return [*inputs, *tables], x, tokens != 0

    def _spell(self, settings: Any, num_characters: int, ids: Any) -> Any:
        """Vectors of tokens computed from their characters, ``(distinct, spelling_width)``."""
        if settings.spelling == "cnn":
            cnn = CharacterCNN(
                num_characters, settings.char_dim, settings.spelling_width // 2, (2, 3), settings.dropout / 2,
                name="spelling_cnn",
            )  # fmt: skip
            return cnn(ids)
        x = layers.Embedding(num_characters, settings.char_dim, mask_zero=True, name="character_vectors")(ids)
        return layers.Bidirectional(layers.LSTM(settings.spelling_width // 2), name="spelling_lstm")(x)

    def set_vectors(self, reader: Reader, given: GivenVectors, frozen: bool) -> None:
        """Put vectors into the embeddings of characters and bigrams, or of tokens, and of words; see `set_rows`."""
        if not isinstance(reader.features, TextFeatures):
            set_rows(self.word_vectors, reader.features.tokens, given.symbols, "token_dim", frozen)
            return
        set_vectors(self, reader.features, given.symbols, frozen)
        if given.words is not None and reader.features.words is not None:
            by_word = dict(zip(reader.features.words.symbols, given.words))
            set_rows(self.word_vectors, reader.features.words, by_word, "word_dim", frozen=True)

    def graphs(self, name: str, inputs: Mapping[str, Any], outputs: Any) -> dict[str, Graph]:
        """Graphs from arrays to outputs, and for tokens the graph ``known`` of the vectors of distinct tokens; see
        `nlpkit.tasks.shared.reader.Inputs.described`.

        Args:
            name: name of the first graph.
            inputs: the Keras inputs by name, including `inputs`.
            outputs: a tensor, or a structure of tensors, computed from `vectors`.
        """
        if self._known is None:
            return {name: Graph(keras.Model(dict(inputs), outputs))}
        rest = {name: x for name, x in inputs.items() if name not in self._known.input}
        after = keras.Model([*rest.values(), self._known.output], outputs)
        rest[DESCRIBED] = keras.Input(self._known.output.shape[1:], name=DESCRIBED)
        return {"known": Graph(self._known), name: Graph(keras.Model(rest, after([*rest.values()])), [DESCRIBED])}
