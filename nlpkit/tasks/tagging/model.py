"""Arrays to potentials and tags: the network."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.datasets.padding import batches_by_length
from nlpkit.datasets.windows import Windows
from nlpkit.layers import CRF, MEMM, TagSoftmax, TokenDropout, ViterbiDecoder, encode_text
from nlpkit.losses import CRFLoss, PathLoss
from nlpkit.text.lexicon import NUM_FEATURES
from nlpkit.training.forward import Forward

_HEADS = {"crf": CRF, "memm": MEMM, "softmax": TagSoftmax}


class TaggingNetwork:
    """The network of a tagger.

    Args:
        settings: `nlpkit.tasks.tagging.config.TaggingSettings`.
        labels, scheme: the tags, and the scheme whose illegal transitions the head forbids.
        num_characters, num_bigrams: sizes of the vocabularies; `num_bigrams` is 0 for none.

    Attributes:
        model: from the arrays of `TextFeatures`, ``(batch, time, …)``, to the potentials of a tagging head.
        character_vectors, bigram_vectors: its embeddings; the second is None without bigrams.
    """

    def __init__(self, settings: Any, labels: Sequence[str], scheme: str, num_characters: int, num_bigrams: int):
        characters = keras.Input((None,), dtype="int32", name="characters")
        inputs = [characters]
        mask = characters != 0
        ids = TokenDropout(settings.char_dropout)(characters)
        self.character_vectors = layers.Embedding(num_characters, settings.char_dim, name="character_vectors")
        x = self.character_vectors(ids)  # (batch, time, char_dim)
        self.bigram_vectors = None
        if num_bigrams:
            bigrams = keras.Input((None, 2), dtype="int32", name="bigrams")
            inputs.append(bigrams)
            ids = TokenDropout(settings.bigram_dropout)(bigrams)
            self.bigram_vectors = layers.Embedding(num_bigrams, settings.bigram_dim, name="bigram_vectors")
            pair = self.bigram_vectors(ids)  # (batch, time, 2, bigram_dim)
            x = layers.Concatenate()([x, layers.Reshape((-1, 2 * settings.bigram_dim))(pair)])
        x = layers.Dropout(settings.dropout)(x)
        if settings.lexicon:
            levels = keras.Input((None, NUM_FEATURES), dtype="uint8", name="lexicon")
            inputs.append(levels)
            x = layers.Concatenate()([x, layers.Rescaling(0.1)(levels)])
        x = layers.Dense(settings.width, name="mix")(x)  # (batch, time, width)
        x = encode_text(x, mask, settings.encoder, settings.dilations, settings.layers, settings.dropout)
        x = layers.Dropout(settings.dropout)(x)
        emissions = layers.Dense(len(labels), name="emissions")(x)  # (batch, time, tags)
        head = _HEADS[settings.head].from_labels(
            labels, scheme, learning_rate_multiplier=settings.transition_rate, name="potentials"
        )
        self.model = keras.Model({x.name: x for x in inputs}, head(emissions, mask=mask), name="tagger")

    def tags_of(self, arrays: dict[str, np.ndarray], windows: Windows) -> np.ndarray:
        """Tag ids, int16 ``(total,)``, of flat texts; -1 at their edges."""
        forward = self.steered_tags if "bonus" in arrays else self.tags
        tags = np.full(len(arrays["characters"]), -1, "int16")
        for rows, length in batches_by_length(windows.lengths):
            batch = forward(windows.gather(arrays, rows, length))
            kept, places = windows.kept(rows, length)
            tags[places] = batch[kept]
        return tags

    @functools.cached_property
    def tags(self) -> Forward:
        """Arrays to the best tags, int32 ``(batch, time)``."""
        return Forward(keras.Model(self.model.input, ViterbiDecoder()(self.model.output)))

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
