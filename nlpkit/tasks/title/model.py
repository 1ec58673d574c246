"""Arrays to the probability of the next character: the network."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import keras
from keras import layers, ops

from nlpkit.layers import (
    ConditionalLayerNorm,
    CopyAttention,
    CopySwitch,
    MaskedGRU,
    SourcePrior,
    TiedEmbedding,
    VisibleAttention,
    encode_text,
    pool_text,
)
from nlpkit.layers.copying import gold_log_probability
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.title.config import TitlePrediction
from nlpkit.tasks.title.search import search_graph
from nlpkit.text.vocabulary import FIRST_ID, UNKNOWN
from nlpkit.training.forward import Forward


class Memory(NamedTuple):
    """The decoder's inputs from a source, computed once; all float32 but the mask.

    Attributes:
        mask: bool ``(batch, time)``.
        enter, leave: scale and shift of the decoder's two normalisations, see `ConditionalLayerNorm.modulation`, or
            empty.
        start: initial state of the decoder, ``(batch, decoder_width)``.
        keys, values: keys and values of the attention.
        copy_keys: keys of the copy attention, or None.
        prior: prior logits, added at each step, ``(batch, num_characters)``, or None.
        bonus: excess of the prior at the symbols of the source over all others, ``(batch, time)``, or None.
    """

    mask: Any
    enter: tuple[Any, ...]
    leave: tuple[Any, ...]
    start: Any
    keys: Any
    values: Any
    copy_keys: Any
    prior: Any
    bonus: Any


class TitleNetwork:
    """The network of a title model, whole for training and in parts for the search.

    The encoder is bidirectional. The decoder is a recurrent layer whose initial state and normalisation depend on the
    source's vector. It attends to the encoder and then generates a character of the vocabulary, with a bonus for
    those of the source, or copies one of the source. Input and output share one vector for each character.

    Args:
        settings: `nlpkit.tasks.title.config.TitleSettings`.
        num_characters: size of the vocabulary.
        num_features: number of further features of each character of a source, see `nlpkit.tasks.title.examples.Texts`.

    Attributes:
        model: from ``source``, ids ``(batch, time)``, ``features``, uint8 ``(batch, time, num_features)``, if there
            are any, ``previous`` and ``gold``, ids before and at each step ``(batch, steps)``, to the log probability
            of each right character, float32 ``(batch, steps)``. Ids from `num_characters` on are those of characters
            that are not in the vocabulary, see `nlpkit.tasks.title.examples.Texts`.
        training_model: `model`, or with label smoothing a model with outputs ``(batch, steps, 2)``: the same, and the
            mean log probability over the vocabulary.
        read_inputs: inputs of the encoder by name, a part of those of `model`.
        embedding: embedding of the characters, ``(num_characters, char_dim)``.
        copy_attention: attention for copying, or None if the model does not copy.
        parts: inputs of the `switch` of a model that copies, at each step: logits, log weights of the source, and the
            state that the switch depends on.
    """

    divides_batches = True

    def __init__(self, settings: Any, num_characters: int, num_features: int = 0):
        self.num_characters = num_characters
        width, size = settings.decoder_width, settings.char_dim
        self.embedding = TiedEmbedding(num_characters, size, name="embedding")
        self._start = layers.Dense(width, "tanh", name="start")
        norm = ConditionalLayerNorm if settings.conditional_norm else layers.LayerNormalization
        self._enter, self._leave = norm(name="enter"), norm(name="leave")
        self._is_conditional = settings.conditional_norm
        self.decoder = MaskedGRU(width, name="decoder")
        self.attention = VisibleAttention(settings.heads, max(1, width // settings.heads), name="attention")
        self._output = layers.Dense(size, "tanh", name="output")
        self._prior = SourcePrior(num_characters, FIRST_ID, name="prior") if settings.prior else None
        switches = {} if settings.coverage else {"coverage": 0}
        self.copy_attention: Any = CopyAttention(size, **switches, name="copy") if settings.copy else None
        self.switch: Any = CopySwitch(name="switch") if settings.copy else None

        source, previous, gold = (
            keras.Input((None,), dtype="int32", name=name) for name in ("source", "previous", "gold")
        )
        ids, mask = self._known(source), source != 0
        x = layers.Dropout(settings.dropout)(self.embedding(ids))  # (batch, time, char_dim)
        self.read_inputs = {"source": source}
        if num_features:
            features = keras.Input((None, num_features), dtype="uint8", name="features")
            self.read_inputs["features"] = features
            x = layers.Concatenate()([x, ops.log(ops.cast(features, x.dtype) + 1)])
        if x.shape[-1] != settings.width:
            x = layers.Dense(settings.width, name="widen")(x)
        x = encode_text(x, mask, settings.encoder, settings.dilations, settings.layers, settings.dropout)
        x = layers.LayerNormalization(name="encoded")(x)  # (batch, time, width)
        vector = pool_text(x, mask, "max")
        encoded = [x, vector, self._start(vector)] + ([] if self._prior is None else [self._prior(ids)])
        self._encoder = keras.Model(self.read_inputs, encoded, name="encoder")

        dropout = layers.Dropout(settings.dropout)
        now = self._condition(self._enter, dropout(self.embedding(self._known(previous))), vector)
        states = self.decoder(now, initial_state=encoded[2])  # (batch, steps, decoder_width)
        states = self._condition(self._leave, layers.Dropout(settings.dropout)(states), vector)
        seen, _ = self.attention(states, x, memory_mask=mask)
        both = layers.Concatenate()([states, seen])
        hidden = layers.Dropout(settings.dropout)(self._output(both))
        logits = self.embedding(hidden, reverse=True)
        if self._prior is not None:
            logits = logits + encoded[-1][:, None]
        if self.copy_attention is None or self.switch is None:
            scores = gold_log_probability(ops.cast(logits, "float32"), gold)
        else:
            pointed = self.copy_attention(both, x, source, previous, memory_mask=mask)
            scores = self.switch(logits, pointed, source, both, gold)
            self.parts = logits, pointed, both
        inputs = {**self.read_inputs, "previous": previous, "gold": gold}
        self.model = self.training_model = keras.Model(inputs, scores, name="title")
        if settings.label_smoothing:
            mean = ops.mean(ops.log_softmax(ops.cast(logits, "float32")), axis=-1)
            self.training_model = keras.Model(inputs, ops.stack([scores, mean], axis=-1), name="title")

    @functools.cached_property
    def gold_scores(self) -> Forward:
        """`model` as a function of arrays."""
        return Forward(self.model)

    @property
    def graphs(self) -> dict[str, Graph]:
        """The graphs of prediction, see `nlpkit.tasks.title.search.TitleSearch`: ``search``, ``draw`` for samples."""
        options = {"search": TitlePrediction(), "draw": TitlePrediction(temperature=1.0)}
        return {name: self.graph_under(each) for name, each in options.items()}

    def graph_under(self, options: TitlePrediction) -> Graph:
        """The graph of a search under options outside `graphs`."""
        return search_graph(self, options)

    def _known(self, ids: Any) -> Any:
        """Ids of the vocabulary, with UNKNOWN for characters outside it."""
        return ops.where(ids < self.num_characters, ids, UNKNOWN)

    def _condition(self, norm: Any, x: Any, vector: Any) -> Any:
        return norm(x, vector) if self._is_conditional else norm(x)

    def _normalize(self, norm: Any, x: Any, modulation: tuple[Any, ...]) -> Any:
        return norm.modulate(x, *modulation) if self._is_conditional else norm(x)

    def read(self, inputs: dict[str, Any]) -> Memory:
        """The decoder's memory of sources, given by the names of `read_inputs`."""
        source = inputs["source"]
        outputs = self._encoder({name: inputs[name] for name in self.read_inputs})
        x, vector, start, *prior = (ops.cast(each, "float32") for each in outputs)
        keys, values = (ops.cast(each, "float32") for each in self.attention.keys_and_values(x))
        copy_keys = None if self.copy_attention is None else ops.cast(self.copy_attention.keys(x), "float32")
        bonus = None if self._prior is None else ops.cast(self._prior.bonus(source), "float32")
        enter, leave = (norm.modulation(vector) if self._is_conditional else () for norm in (self._enter, self._leave))
        return Memory(source != 0, enter, leave, start, keys, values, copy_keys, prior[0] if prior else None, bonus)

    def output_bias(self, with_shift: bool) -> Any:
        """The output bias of each character, float32 ``(num_characters,)``, with or without the prior's shift."""
        bias = ops.cast(ops.convert_to_tensor(self.embedding.bias), "float32")
        if self._prior is None or not with_shift:
            return bias
        return bias + ops.cast(ops.convert_to_tensor(self._prior.shift), "float32")

    def step(self, last: Any, state: Any, memory: Memory) -> tuple[Any, Any, Any]:
        """Read one more character of titles.

        Args:
            last: ids, int32 ``(batch, beams)``, 0 before the first.
            state: float32 ``(batch, beams, decoder_width)``.
            memory: memory of the sources.

        Returns:
            The output vector, float32 ``(batch, beams, char_dim)``, whose product with the vectors of the characters,
            plus their bias and ``memory.prior``, gives the logits; the input of copying, float32
            ``(batch, beams, channels)``; and the new state.
        """
        batch, beams = ops.shape(last)[:2]
        x = self._normalize(self._enter, self.embedding(self._known(last)), memory.enter)
        flat = ops.reshape(state, (-1, state.shape[-1]))
        flat = self.decoder.step(ops.reshape(x, (-1, x.shape[-1])), flat)
        state = ops.reshape(flat, (batch, beams, state.shape[-1]))
        states = self._normalize(self._leave, state, memory.leave)
        attended, _ = self.attention.attend(states, memory.keys, memory.values, memory.mask)
        both = ops.concatenate([states, attended], axis=-1)
        return ops.cast(self._output(both), "float32"), ops.cast(both, "float32"), ops.cast(state, "float32")
