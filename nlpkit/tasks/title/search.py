"""The search for titles, in the graph."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from nlpkit.decoding import beam_search, sample
from nlpkit.layers.copying import likeliest
from nlpkit.ops.copying import last_of, matches, source_symbols
from nlpkit.ops.top_k import smaller
from nlpkit.prediction.programs import Graph
from nlpkit.tasks.title.config import TitlePrediction
from nlpkit.tasks.title.examples import END_ID, table_size

_IMPOSSIBLE = -1e9
_LEAST = -69.0  # lowest score of a character required by the user
_SHARED = ("bias", "beams", "places", "numbers")


class TitleSearch(layers.Layer):
    """The best titles of texts by a beam search, or samples.

    Args:
        network: `nlpkit.tasks.title.model.TitleNetwork`.
        options: `nlpkit.tasks.title.config.TitlePrediction`; options that are inputs are ignored.

    Call arguments:
        inputs: dictionary of

            - ``source``: ids, int32 ``(batch, time)``, 0 for padding;
            - ``features``: features of the source, uint8 ``(batch, time, num_features)``, if the model has any;
            - ``copyable``: whether a character may be copied, bool ``(batch, time)``;
            - ``required``: the required id of each step, or 0, int32 ``(batch, steps)``;
            - ``bias``: added to the logit of each id, 0 or -1e9, float32 ``(size,)``; the size is that of the
              vocabulary plus `NUM_EXTRA`, rounded up;
            - ``beams`` and ``places``: any arrays of shapes ``(beam_width,)`` and ``(steps,)``, for their shapes;
            - ``numbers``: length penalty, least length, temperature and top p, float32 ``(4,)``;
            - ``noise``: numbers in [0, 1) for sampling, float32 ``(batch, beam_width, steps)``.

    Returns:
        Ids, int32 ``(batch, beam_width, steps)``, and scores, float32 ``(batch, beam_width)``, best first.
    """

    def __init__(self, network: Any, options: TitlePrediction, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)
        self._network, self._options = network, options
        self._model = network.model  # so that Keras tracks its weights

    def call(self, inputs: dict[str, Any]) -> Any:
        network, options, source = self._network, self._options, inputs["source"]
        memory = network.read(inputs)
        batch, time = ops.shape(source)
        beams, steps = ops.shape(inputs["beams"])[0], ops.shape(inputs["places"])[0]
        penalty, min_length, temperature, top_p = (inputs["numbers"][i] for i in range(4))
        size = ops.shape(inputs["bias"])[0]
        copy, is_sampling, required = network.copy_attention, options.temperature > 0, inputs["required"]
        searches_copies = copy is not None and not is_sampling
        # A search with copying adds the bonus to the source's symbols alone, not to the whole vocabulary.
        symbols = source_symbols(source, inputs["copyable"], size) if searches_copies else None
        more = [[0, 0], [0, size - network.num_characters]]
        prior = None if searches_copies or memory.prior is None else ops.pad(memory.prior, more)[:, None]
        table, own_table = self._tables(inputs, memory, symbols)
        # One more than the beam, for the end, and with bans as many more as can be banned.
        count = smaller(beams + 1 + (steps if options.no_repeat else 0), size)

        def step(t: Any, history: Any, state: Any) -> tuple[Any, Any, Any]:
            last = last_of(history, t, 1 if copy is None else max(1, copy.reach))
            x, both, hidden = network.step(last[0], state[0], memory)
            x = ops.concatenate([x, ops.ones_like(x[..., :1])], axis=-1)  # (batch, beams, char_dim + 1)
            logits = ops.matmul(x, table)  # (batch, beams, size)
            logits = logits if prior is None else logits + prior
            if copy is None:
                if is_sampling:
                    return *_candidates(ops.log_softmax(logits), None, None, required, t), [hidden]
                scores, ids, total = likeliest(logits, count)
                return *_candidates(scores, ids, (logits, -total), required, t), [hidden]
            matched = matches(source, last)
            copied = [before | now for before, now in zip(state[1:], matched)]
            pointed = ops.softmax(copy.score(both, memory.copy_keys, matched, copied, memory.mask))
            if is_sampling:
                allowed = ops.log(ops.where(inputs["copyable"][:, None], pointed, 0.0))
                scores = ops.log(network.switch.mix(logits, allowed, source, both))
                return *_candidates(scores, None, None, required, t), [hidden, *copied]
            own = ops.matmul(x, own_table)  # (batch, beams, time)
            scores, ids, rest = network.switch.candidates(logits, own, pointed, symbols, both, count, memory.bonus)
            return *_candidates(scores, ids, (logits, rest), required, t), [hidden, *copied]

        state = [ops.broadcast_to(memory.start[:, None], (batch, beams, memory.start.shape[-1]))]
        if copy is not None:
            state += [ops.zeros((batch, beams, time), dtype="bool") for _ in range(copy.coverage)]
        rules = {
            "end_id": END_ID, "min_length": ops.cast(min_length, "int32"), "no_repeat": options.no_repeat,
            "required": required,
        }  # fmt: skip
        if is_sampling:
            return sample(
                step, state, batch, steps, beams, noise=inputs["noise"], temperature=temperature, top_k=options.top_k,
                top_p=top_p if options.top_p < 1 else 1.0, **rules,
            )  # fmt: skip
        return beam_search(step, state, batch, steps, beams, length_penalty=penalty, **rules)

    def _tables(self, inputs: dict[str, Any], memory: Any, symbols: Any) -> tuple[Any, Any]:
        """The matrices from output vectors to logits, float32: of all ids ``(char_dim + 1, size)`` and, if `symbols`
        are given, of those of the source ``(batch, char_dim + 1, time)``. The last row holds biases."""
        network, size = self._network, ops.shape(inputs["bias"])[0]
        more = size - network.num_characters
        vectors = ops.pad(ops.cast(ops.convert_to_tensor(network.embedding.embeddings), "float32"), [[0, more], [0, 0]])
        bias = ops.pad(network.output_bias(with_shift=symbols is not None), [[0, more]]) + inputs["bias"]
        table = ops.concatenate([vectors, bias[:, None]], axis=-1)  # (size, char_dim + 1)
        if symbols is None:
            return ops.transpose(table), None
        bonus = ops.where(symbols.is_first, 0.0 if memory.bonus is None else memory.bonus, _IMPOSSIBLE)
        own = ops.take(table, inputs["source"], axis=0)  # (batch, time, char_dim + 1)
        own = ops.concatenate([own[..., :-1], own[..., -1:] + bonus[..., None]], axis=-1)
        return ops.transpose(table), ops.transpose(own, (0, 2, 1))

    def compute_output_spec(self, inputs: dict[str, Any]) -> Any:
        batch = inputs["source"].shape[0]
        return (
            keras.KerasTensor((batch, None, None), dtype="int32"),
            keras.KerasTensor((batch, None), dtype="float32"),
        )


def _candidates(scores: Any, ids: Any, others: tuple[Any, Any] | None, required: Any, t: Any) -> tuple[Any, Any]:
    """Scores and ids of the candidates of a step, -inf for impossible ones; the required id is always among them.

    Without `ids` all ids are candidates. Else `others` are the logits of all ids, and the terms that make them scores
    of ids outside the candidates.
    """
    scores = ops.where(scores > _IMPOSSIBLE / 2, scores, -float("inf"))
    batch, beams, count = ops.shape(scores)
    wanted = ops.broadcast_to(ops.take(required, t, axis=1)[:, None, None], (batch, beams, 1))
    if ids is None:
        ids = ops.broadcast_to(ops.arange(count, dtype="int32"), (batch, beams, count))
    is_wanted = ops.equal(ids, wanted)
    own = ops.max(ops.where(is_wanted, scores, _LEAST), axis=-1, keepdims=True)  # (batch, beams, 1)
    if others is not None:
        logits, rest = others
        own = ops.maximum(own, ops.take_along_axis(logits, wanted, axis=-1) + rest)
    own = ops.where(wanted > 0, own, -float("inf"))
    scores = ops.concatenate([ops.where(is_wanted, -float("inf"), scores), own], axis=-1)
    return scores, ops.concatenate([ids, wanted], axis=-1)


def search_graph(network: Any, options: TitlePrediction) -> Graph:
    """`TitleSearch` as a program; see `nlpkit.tasks.title.decode.program_of` for its name."""
    inputs = {
        **network.read_inputs,
        "copyable": keras.Input((None,), dtype="bool", name="copyable"),
        "required": keras.Input((None,), dtype="int32", name="required"),
        "bias": keras.Input(batch_shape=(table_size(network.num_characters),), name="bias"),
        "beams": keras.Input(batch_shape=(None,), dtype="int32", name="beams"),
        "places": keras.Input(batch_shape=(None,), dtype="int32", name="places"),
        "numbers": keras.Input(batch_shape=(4,), name="numbers"),
    }
    if options.temperature > 0:
        inputs["noise"] = keras.Input((None, None), name="noise")
    return Graph(keras.Model(inputs, TitleSearch(network, options)(inputs)), _SHARED)
