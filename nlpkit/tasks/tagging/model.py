"""Arrays to potentials and tags: the network."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.datasets.padding import batches_by_length
from nlpkit.datasets.windows import Windows
from nlpkit.layers import CRF, MEMM, CharacterCNN, TagSoftmax, TokenDropout, ViterbiDecoder, encode_text
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.tasks.character_features import set_rows, set_vectors
from nlpkit.tasks.tagging.config import TAGGING
from nlpkit.tasks.tagging.inputs import Inputs, Reader
from nlpkit.text.features import TextFeatures
from nlpkit.text.lexicon import NUM_FEATURES
from nlpkit.text.tokens import NUM_AFFIXES, NUM_SHAPES
from nlpkit.training.forward import Forward, side_by_side

_HEADS = {"crf": CRF, "memm": MEMM, "softmax": TagSoftmax}
_STEPS_AT_ONCE = {"gated_conv": 65_536, "gru": 16_384, "lstm": 16_384}  # of prediction; a loop's state fits the cache
_TOKENS_AT_ONCE = 4096


class TaggingNetwork:
    """The network of a tagger.

    Args:
        settings: `nlpkit.tasks.tagging.config.TaggingSettings`.
        labels, scheme: the tags, and the scheme whose illegal transitions the head forbids.
        reader: what is read, characters or tokens, and its vocabularies.

    Attributes:
        model: from the arrays of `Inputs` to the potentials of a tagging head.
        character_vectors, bigram_vectors, word_vectors: its embeddings, or None.
    """

    def __init__(self, settings: Any, labels: Sequence[str], scheme: str, reader: Reader):
        self.character_vectors = self.bigram_vectors = self.word_vectors = self._known = None
        self._steps_at_once = _STEPS_AT_ONCE[settings.encoder]
        if isinstance(reader.features, TextFeatures):
            inputs, x, mask = self._read_characters(settings, reader.features)
        else:
            inputs, x, mask = self._read_tokens(settings, reader)
        x = encode_text(x, mask, settings.encoder, settings.dilations, settings.layers, settings.dropout)
        x = layers.Dropout(settings.dropout)(x)
        emissions = layers.Dense(len(labels), name="emissions")(x)  # (batch, time, tags)
        head = _HEADS[settings.head].from_labels(
            labels, scheme, learning_rate_multiplier=settings.transition_rate, name="potentials"
        )
        self.model = keras.Model({x.name: x for x in inputs}, head(emissions, mask=mask), name="tagger")

    def _read_characters(self, settings, features):
        """The inputs, the characters as vectors ``(batch, time, width)``, and the mask."""
        characters = keras.Input((None,), dtype="int32", name="characters")
        inputs = [characters]
        ids = TokenDropout(settings.char_dropout)(characters)
        size = len(features.characters)
        self.character_vectors = layers.Embedding(size, settings.char_dim, name="character_vectors")
        x = self.character_vectors(ids)  # (batch, time, char_dim)
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

    def _read_tokens(self, settings, reader):
        """The inputs, the tokens as vectors ``(batch, time, width)``, and the mask.

        What is known of a token is computed once for each that stands in a batch, ``(distinct, …)``.
        """
        features = reader.features
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

    def _spell(self, settings, num_characters, ids):
        if settings.spelling == "cnn":
            cnn = CharacterCNN(
                num_characters, settings.char_dim, settings.spelling_width // 2, (2, 3), settings.dropout / 2,
                name="spelling_cnn",
            )  # fmt: skip
            return cnn(ids)
        x = layers.Embedding(num_characters, settings.char_dim, mask_zero=True, name="character_vectors")(ids)
        return layers.Bidirectional(layers.LSTM(settings.spelling_width // 2), name="spelling_lstm")(x)

    def set_vectors(self, reader: Reader, vectors: Mapping[str, np.ndarray], frozen: bool) -> None:
        """Put vectors into the embeddings of characters and pairs, or of tokens; see `set_rows`."""
        if isinstance(reader.features, TextFeatures):
            set_vectors(self, reader.features, vectors, frozen)
        else:
            set_rows(self.word_vectors, reader.features.tokens, vectors, "token_dim", frozen)

    def tags_of(self, inputs: Inputs, windows: Windows) -> np.ndarray:
        """Tag ids, int16 ``(total,)``, of flat texts; -1 at their edges."""
        forward = self.steered_tags if "bonus" in inputs.arrays else self.tags
        tags = np.full(len(inputs.flat.codes), -1, "int16")
        if inputs.tables:
            inputs = dataclasses.replace(inputs, tables={"known": self._know(inputs.tables)})

        def answer(rows, length):
            batch = forward(inputs.batch(windows, rows, length))
            kept, places = windows.kept(rows, length)
            tags[places] = batch[kept]

        side_by_side(answer, batches_by_length(windows.lengths, self._steps_at_once), TAGGING.batches_at_once)
        return tags

    def _know(self, tables):
        """What is known of each token, float ``(tokens, width)``: once for all batches."""
        starts = range(0, len(tables["words"]), _TOKENS_AT_ONCE)
        parts = ({name: table[a : a + _TOKENS_AT_ONCE] for name, table in tables.items()} for a in starts)
        return np.concatenate([self._known_of(part) for part in parts])

    @functools.cached_property
    def _known_of(self):
        return Forward(self._known)

    @functools.cached_property
    def tags(self) -> Forward:
        """Arrays to the best tags, int32 ``(batch, time)``; of tokens, ``known`` stands for the tables."""
        inputs, potentials = self.model.input, self.model.output
        if self._known is not None:
            inputs = {name: x for name, x in inputs.items() if name not in self._known.input}
            after = keras.Model([*inputs.values(), self._known.output], potentials)
            inputs["known"] = keras.Input(self._known.output.shape[1:], name="known")
            potentials = after([*inputs.values()])
        return Forward(keras.Model(inputs, ViterbiDecoder()(potentials)), shared=["known"])

    @functools.cached_property
    def steered_tags(self) -> Forward:
        """The same with one input more, ``bonus``, float32 ``(batch, time, tags)``, which is added to the emissions."""
        potentials = self.model.output
        num_tags = potentials.shape[-1] - 1
        bonus = keras.Input((None, num_tags), dtype="float32", name="bonus")
        potentials = potentials + ops.pad(bonus, [[0, 0], [0, num_tags + 2], [0, 1]])
        return Forward(keras.Model({**self.model.input, "bonus": bonus}, ViterbiDecoder()(potentials)))


def loss_for(head: str) -> keras.losses.Loss:
    """The loss that belongs to a head."""
    return CRFLoss() if head == "crf" else PathLoss()
