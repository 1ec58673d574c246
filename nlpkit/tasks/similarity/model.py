"""Arrays to sentence vectors: the network, and the heads for training."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.layers import ClassCosines, TokenDropout, encode_text, pool_text
from nlpkit.layers.class_cosines import unit_vectors
from nlpkit.losses import (
    AMSoftmaxLoss,
    ArcFaceLoss,
    ContrastiveLoss,
    CoSENTLoss,
    PairLogisticLoss,
    ScaledSoftmaxLoss,
    SimplerMarginLoss,
)
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.similarity.config import CLASS_LOSSES, PAIR_LOSSES


class SimilarityNetwork:
    """The network of sentence vectors.

    Args:
        settings: `nlpkit.tasks.similarity.config.SimilaritySettings`.
        num_characters, num_bigrams: sizes of the vocabularies; `num_bigrams` is 0 for none.

    Attributes:
        model: from the arrays of `TextFeatures`, ``(batch, time, …)``, to unit vectors, ``(batch, vector_size)``.
        training_model: the same with the head of the loss.
        character_vectors, bigram_vectors: its embeddings; the second exists with bigrams only.
    """

    def __init__(self, settings: Any, num_characters: int, num_bigrams: int):
        self._settings = settings
        characters = keras.Input((None,), dtype="int32", name="characters")
        inputs = [characters]
        mask = characters != 0
        start = keras.initializers.RandomNormal(stddev=0.1)
        ids = TokenDropout(settings.char_dropout)(characters)
        self.character_vectors = layers.Embedding(num_characters, settings.char_dim, start, name="character_vectors")
        x = self.character_vectors(ids)  # (batch, time, char_dim)
        if num_bigrams:
            bigrams = keras.Input((None, 2), dtype="int32", name="bigrams")
            inputs.append(bigrams)
            ids = TokenDropout(settings.bigram_dropout)(bigrams[:, :, 1])  # of each character with the next
            self.bigram_vectors = layers.Embedding(num_bigrams, settings.bigram_dim, start, name="bigram_vectors")
            x = layers.Concatenate()([x, self.bigram_vectors(ids)])
        if settings.encoder == "bag":
            x = layers.Dropout(settings.dropout)(pool_text(x, mask, "mean"))  # (batch, char_dim + bigram_dim)
        else:
            x = layers.Dropout(settings.dropout)(layers.LayerNormalization()(x))
            x = layers.Dense(settings.width, name="mix")(x)  # (batch, time, width)
            x = encode_text(x, mask, settings.encoder, settings.dilations, settings.layers, settings.dropout)
            x = layers.Dropout(settings.dropout)(pool_text(x, mask, settings.pooling))
            x = layers.Dense(settings.vector_size, name="vector")(x)  # (batch, vector_size)
        self.model = keras.Model({x.name: x for x in inputs}, unit_vectors(x), name="sentence_vectors")
        self.training_model = self.model
        if settings.loss in PAIR_LOSSES:
            pairs = ops.reshape(self.model.output, (-1, 2, settings.vector_size))
            is_of_cosines = settings.loss == "cosent"
            output = ops.sum(pairs[:, 0] * pairs[:, 1], axis=-1) if is_of_cosines else pairs
            self.training_model = keras.Model(self.model.input, output)

    def add_classes(self, vectors: np.ndarray, groups: np.ndarray) -> None:
        """Add weights for each group to the training model, initialised with the mean of its sentences' vectors.

        From random weights training takes several times as long: most steps pass before the vectors of a group come
        near its weights.

        Args:
            vectors: vectors of the training sentences, float32 ``(n, vector_size)``.
            groups: group of each sentence, from 0, int ``(n,)``.
        """
        head = ClassCosines(int(groups.max()) + 1, name="classes")
        inputs = dict(self.model.input)
        if head.num_classes > self._settings.sampled_groups:
            inputs["compared"] = keras.Input(batch_shape=(None,), dtype="int32", name="compared")
        self.training_model = keras.Model(inputs, head(self.model.output, inputs.get("compared")))
        means = np.zeros((head.num_classes, self._settings.vector_size), "float32")
        np.add.at(means, groups, vectors)
        head.table.set_weights([means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)])

    @functools.cached_property
    def graphs(self) -> dict[str, Graph]:
        """Its programs by name: ``vectors``."""
        return {"vectors": Graph(self.model)}


def loss_for(settings: Any) -> keras.losses.Loss:
    """The loss chosen in the settings."""
    if settings.loss == "cosent":
        return CoSENTLoss(settings.scale)
    if settings.loss == "logistic":
        return PairLogisticLoss(settings.scale, settings.margin)
    if settings.loss == "contrastive":
        return ContrastiveLoss(settings.scale)
    kind = dict(zip(CLASS_LOSSES, (AMSoftmaxLoss, ScaledSoftmaxLoss, SimplerMarginLoss, ArcFaceLoss)))[settings.loss]
    return kind(settings.scale, settings.margin) if kind in (AMSoftmaxLoss, ArcFaceLoss) else kind(settings.scale)
