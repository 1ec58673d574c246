"""Vectors of characters mixed with vectors of their words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="MixedEmbedding")
class MixedEmbedding(keras.layers.Layer):
    """The sum of the vector of a character, the projected vector of its word, and the vector of its position.

    Characters have unambiguous boundaries, words carry more meaning: with a large, frozen table of pretrained words,
    this layer has both. The vectors of positions are initially zero.

    Args:
        num_characters: int, number of ids of characters; 0 is padding.
        num_words: int, number of ids of words; 0 is padding.
        dim: int, size of the vectors.
        word_dim: int, size of the vectors of words before the projection.
        num_positions: int, number of distinct positions; later steps share the last one; 0 for none.

    Call arguments:
        characters: int ``(batch, time)``.
        words: int ``(batch, time)``, the word of each character.

    Returns:
        float ``(batch, time, dim)``.

    Raises:
        ValueError: if a size is no integer from 1, or `num_positions` none from 0.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import MixedEmbedding
        >>> layer = MixedEmbedding(100, 1000, dim=8, word_dim=16)
        >>> tuple(layer(np.array([[5, 6, 7]]), np.array([[40, 40, 41]])).shape)
        (1, 3, 8)
        >>> layer.words.trainable = False

    References:
        https://spaces.ac.cn/archives/6671 (2019).
    """

    def __init__(
        self, num_characters: int, num_words: int, dim: int, word_dim: int, num_positions: int = 0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        sizes = {"num_characters": num_characters, "num_words": num_words, "dim": dim, "word_dim": word_dim}
        for name, value in sizes.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer from 1. Received: {value!r}")
        if not isinstance(num_positions, int) or num_positions < 0:
            raise ValueError(f"num_positions must be an integer from 0. Received: {num_positions!r}")
        self.num_characters, self.num_words, self.dim, self.word_dim = num_characters, num_words, dim, word_dim
        self.num_positions = num_positions
        self.characters = keras.layers.Embedding(num_characters, dim, name="characters", dtype=self.dtype_policy)
        self.words = keras.layers.Embedding(num_words, word_dim, name="words", dtype=self.dtype_policy)
        self.project = keras.layers.Dense(dim, use_bias=False, name="project", dtype=self.dtype_policy)

    def build(self, characters_shape: Any, words_shape: Any) -> None:
        self.characters.build(characters_shape)
        self.words.build(words_shape)
        self.project.build((*characters_shape, self.word_dim))
        if self.num_positions:
            self.positions = self.add_weight((self.num_positions, self.dim), "zeros", name="positions")
        self.built = True

    def call(self, characters: Any, words: Any) -> Any:
        vectors = self.characters(characters) + self.project(self.words(words))
        if self.num_positions:
            places = ops.minimum(ops.arange(ops.shape(characters)[1]), self.num_positions - 1)
            vectors = vectors + ops.cast(ops.take(self.positions, places, axis=0), vectors.dtype)
        return vectors

    def compute_output_shape(self, characters_shape: Any, words_shape: Any) -> Any:
        return (*characters_shape, self.dim)

    def get_config(self) -> dict[str, Any]:
        names = ("num_characters", "num_words", "dim", "word_dim", "num_positions")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
