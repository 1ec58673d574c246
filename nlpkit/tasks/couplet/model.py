"""Arrays to a distribution over characters: the network."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from nlpkit.layers import GatedConv, GoldScores, TokenDropout, encode_text
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.couplet.search import search_graph
from nlpkit.text.vocabulary import PADDING, UNKNOWN
from nlpkit.training.forward import Forward


class CoupletNetwork:
    """The network of a couplet model, whole for training and in parts for the search.

    Each position sees the whole upper line and the characters before it in the lower one. All three roles of a
    character, as input from either line and as output, share one vector.

    Args:
        settings: `nlpkit.tasks.couplet.config.CoupletSettings`.
        num_characters: size of the vocabulary.

    Attributes:
        model: from ``characters``, ids of the upper line, and ``before``, ids of the lower line one step later (the
            first is 0), to logits ``(batch, time, num_characters)``. A `before` of unknown ids gives the distribution
            of each character independent of the lower line. A plain tagger has no `before`.
        reads_lower: whether the lower line is an input.
        embedding: embedding of the characters, ``(num_characters, width)``.
    """

    divides_batches = True

    def __init__(self, settings: Any, num_characters: int):
        self.reads_lower = bool(settings.lower_dilations)
        self._settings = settings
        characters = keras.Input((None,), dtype="int32", name="characters")
        inputs = {"characters": characters}
        self.embedding = layers.ReversibleEmbedding(
            num_characters, settings.width, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05),
            name="embedding",
        )  # fmt: skip
        x = layers.Dropout(settings.dropout)(self.embedding(characters))
        x = encode_text(x, characters != 0, settings.encoder, settings.dilations, settings.layers, settings.dropout)
        x = layers.Identity(name="upper")(x)  # (batch, time, width)
        self._upper = keras.Model(characters, x)
        if self.reads_lower:
            inputs["before"] = keras.Input((None,), dtype="int32", name="before")
            lower = TokenDropout(settings.hide, unknown=UNKNOWN, whole_rows=True)(inputs["before"])
            self._enter = layers.Dense(settings.lower_width, name="lower")
            lower = self._enter(layers.Dropout(settings.dropout)(self.embedding(lower)))
            self._convolutions = []
            for i, dilation in enumerate(settings.lower_dilations):
                self._convolutions.append(GatedConv(dilation, settings.dropout, causal=True, name=f"lower_{i}"))
                lower = self._convolutions[-1](lower)  # (batch, time, lower_width)
            self._join = layers.Dense(settings.width, name="join")
            x = self._join(layers.Concatenate()([x, lower]))
        self._norm = layers.LayerNormalization(name="norm")
        x = layers.Dropout(settings.dropout)(self._norm(x))
        # The product drops the Keras mask, about which the embedding would warn.
        logits = self.embedding(ops.multiply(x, 1.0), reverse=True)
        self.model = keras.Model(inputs, logits, name="couplet")

    @property
    def graphs(self) -> dict[str, Graph]:
        """The graphs of prediction, see `nlpkit.tasks.couplet.search.CoupletSearch`: ``search`` and ``draw``."""
        return {name: search_graph(self, self._settings, name == "draw") for name in ("search", "draw")}

    def encode(self, characters: Any) -> Any:
        """States of upper lines: ids ``(batch, time)`` to float32 ``(batch, time, width)``."""
        return ops.cast(self._upper(characters), "float32")

    def initial_state(self, batch: Any, beams: Any) -> list[Any]:
        """The initial states of the convolutions over the lower line, ``(batch, beams, …)``."""
        if not self.reads_lower:
            return []
        return [ops.zeros((batch, beams, 2 * conv.dilation, self._enter.units)) for conv in self._convolutions]

    def step(self, last: Any, state: Sequence[Any]) -> tuple[Any, list[Any]]:
        """Read one more character of lower lines.

        Args:
            last: ids, int32 ``(batch, beams)``.
            state: state from `initial_state` or the previous step.

        Returns:
            Output of the convolutions, float ``(batch, beams, lower_width)``, and the new state.
        """
        x = self._enter(self.embedding(ops.reshape(last, (-1,))))  # (batch * beams, lower_width)
        new = []
        for convolution, before in zip(self._convolutions, state):
            shape = ops.shape(before)
            x, after = convolution.step(x, ops.reshape(before, (-1, *shape[2:])))
            new.append(ops.reshape(after, shape))
        return ops.reshape(x, (*ops.shape(last), x.shape[-1])), new

    def read_nothing(self, time: Any) -> Any:
        """The output of the convolutions over a hidden lower line, equal for all upper lines: ``(1, time, …)``."""
        x = self._enter(self.embedding(ops.where(ops.arange(time) == 0, PADDING, UNKNOWN)[None]))
        for convolution in self._convolutions:
            x = convolution(x)
        return ops.cast(x, "float32")

    def state_of(self, upper: Any, lower: Any = None) -> Any:
        """States of the upper line, ``(…, width)``, joined with those of the lower line: float32 ``(…, width)``.

        Their product with the vectors of the characters gives the logits.
        """
        if lower is None:
            return ops.cast(self._norm(upper), "float32")
        return ops.cast(self._norm(self._join(ops.concatenate([upper, lower], axis=-1))), "float32")

    @functools.cached_property
    def gold_scores(self) -> Forward:
        """The inputs of `model` and ``gold``, the right ids, to the scores of `nlpkit.layers.GoldScores`."""
        gold = keras.Input((None,), dtype="int32", name="gold")
        return Forward(keras.Model({**self.model.input, "gold": gold}, GoldScores()(self.model.output, gold)))
