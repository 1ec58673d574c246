"""Distributions over the next character to titles: the search."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.datasets.padding import batches_by_length, gather_padded
from nlpkit.decoding import beam_search, sample
from nlpkit.layers.copying import likeliest
from nlpkit.metrics import copied_spans
from nlpkit.ops.copying import last_of, matches, source_symbols
from nlpkit.ops.top_k import GROUP, smaller
from nlpkit.prediction.programs import side_by_side
from nlpkit.tasks.draws import generators
from nlpkit.tasks.title.answers import Title, Titles
from nlpkit.tasks.title.config import TITLE, TitlePrediction
from nlpkit.tasks.title.examples import END, END_ID, NUM_EXTRA, Texts
from nlpkit.tasks.title.model import TitleNetwork
from nlpkit.text.characters import code_points
from nlpkit.text.vocabulary import FIRST_ID, UNKNOWN
from nlpkit.training.forward import Forward

_IMPOSSIBLE = -1e9
_LEAST = -69.0  # score of a character that the user wants, however unlikely it is
_BEAMS_AT_ONCE = 160  # each has a logit for the whole vocabulary
_CHARACTERS_AT_ONCE = 16_384  # of the texts in a batch
_SHARED = ("bias", "beams", "places", "numbers")


class TitleSearch(layers.Layer):
    """The best titles of texts by a beam search, or drawn ones.

    Args:
        network: `nlpkit.tasks.title.model.TitleNetwork`.
        options: `nlpkit.tasks.title.config.TitlePrediction`, of which only those count that `program_of` names.

    Call arguments:
        inputs: dictionary of

            - ``source``: ids, int32 ``(batch, time)``, 0 for padding;
            - ``features``: of the source, uint8 ``(batch, time, num_features)``, if the model reads such;
            - ``copyable``: which of them may be copied, bool ``(batch, time)``;
            - ``required``: the id that must stand at a step, or 0, int32 ``(batch, steps)``, with a prefix;
            - ``bias``: what is added to each id's logit, 0 or -1e9, float32 ``(size,)``, where the size is that of the
              vocabulary and `NUM_EXTRA`, rounded up;
            - ``beams`` and ``places``: anything of the shapes ``(beam_width,)`` and ``(steps,)``, for their shapes;
            - ``numbers``: length penalty, least length, temperature and top p, float32 ``(4,)``;
            - ``noise``: numbers in [0, 1), float32 ``(batch, beam_width, steps)``, when titles are drawn.

    Returns:
        Ids, int32 ``(batch, beam_width, steps)``, and scores, float32 ``(batch, beam_width)``, best first.
    """

    def __init__(self, network: TitleNetwork, options: TitlePrediction, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)
        self._network, self._options = network, options
        self._model = network.model  # so that its weights are known to be this layer's

    def call(self, inputs: dict[str, Any]) -> Any:
        network, options, source = self._network, self._options, inputs["source"]
        memory = network.read(inputs)
        batch, time = ops.shape(source)
        beams, steps = ops.shape(inputs["beams"])[0], ops.shape(inputs["places"])[0]
        penalty, min_length, temperature, top_p = (inputs["numbers"][i] for i in range(4))
        size = ops.shape(inputs["bias"])[0]
        copy, draws, required = network.copy_attention, options.temperature > 0, inputs.get("required")
        searches_copies = copy is not None and not draws
        # A search that may copy gives the bonus to the source's symbols alone, not to the whole vocabulary.
        symbols = source_symbols(source, inputs["copyable"], size) if searches_copies else None
        more = [[0, 0], [0, size - network.num_characters]]
        prior = None if searches_copies or memory.prior is None else ops.pad(memory.prior, more)[:, None]
        table, own_table = self._tables(inputs, memory, symbols)
        # One more than the beam in place of the end, and with bans as many more as can be banned.
        count = smaller(beams + 1 + (steps if options.no_repeat else 0), size)

        def step(t, history, state):
            last = last_of(history, t, 1 if copy is None else max(1, copy.reach))
            x, both, hidden = network.step(last[0], state[0], memory)
            x = ops.concatenate([x, ops.ones_like(x[..., :1])], axis=-1)  # (batch, beams, char_dim + 1)
            logits = ops.matmul(x, table)  # (batch, beams, size)
            logits = logits if prior is None else logits + prior
            if copy is None:
                if draws:
                    return *_candidates(ops.log_softmax(logits), None, None, required, t), [hidden]
                scores, ids, total = likeliest(logits, count)
                return *_candidates(scores, ids, (logits, -total), required, t), [hidden]
            matched = matches(source, last)
            copied = [before | now for before, now in zip(state[1:], matched)]
            pointed = ops.softmax(copy.score(both, memory.copy_keys, matched, copied, memory.mask))
            if draws:
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
        if draws:
            return sample(
                step, state, batch, steps, beams, noise=inputs["noise"], temperature=temperature, top_k=options.top_k,
                top_p=top_p if options.top_p < 1 else 1.0, **rules,
            )  # fmt: skip
        return beam_search(step, state, batch, steps, beams, length_penalty=penalty, **rules)

    def _tables(self, inputs, memory, symbols):
        """The matrices that turn what is written from into logits, float32: of all ids ``(char_dim + 1, size)``
        and, if `symbols` are given, of those of the source ``(batch, char_dim + 1, time)``. Biases are a row more."""
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


def _candidates(scores, ids, others, required, t):
    """The candidates of a step, -inf those that are impossible; with a prefix the id among them that it demands, no
    matter how unlikely it is.

    Without `ids` all are candidates. Else `others` are the logits of all, and what those lack to be scores that are
    no candidates.
    """
    scores = ops.where(scores > _IMPOSSIBLE / 2, scores, -float("inf"))
    if required is None:
        return scores, ids
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


def program_of(options: TitlePrediction, has_prefix: bool) -> tuple[Any, ...]:
    """What a compiled search depends on; all other options are inputs of it."""
    draws = options.temperature > 0
    return has_prefix, options.no_repeat, draws, draws and options.top_k, draws and options.top_p < 1


def compile_search(network: TitleNetwork, options: TitlePrediction, has_prefix: bool) -> Forward:
    """`TitleSearch` as a function of arrays."""
    inputs = {
        **network.read_inputs,
        "copyable": keras.Input((None,), dtype="bool", name="copyable"),
        "bias": keras.Input(batch_shape=(table_size(network.num_characters),), name="bias"),
        "beams": keras.Input(batch_shape=(None,), dtype="int32", name="beams"),
        "places": keras.Input(batch_shape=(None,), dtype="int32", name="places"),
        "numbers": keras.Input(batch_shape=(4,), name="numbers"),
    }
    if has_prefix:
        inputs["required"] = keras.Input((None,), dtype="int32", name="required")
    if options.temperature > 0:
        inputs["noise"] = keras.Input((None, None), name="noise")
    return Forward(keras.Model(inputs, TitleSearch(network, options)(inputs)), shared=_SHARED)


def table_size(num_characters: int) -> int:
    """Ids that a title can have: those of the vocabulary and `NUM_EXTRA`, rounded up."""
    return -(-(num_characters + NUM_EXTRA) // GROUP) * GROUP


@dataclasses.dataclass(frozen=True)
class Search:
    """A way of answering, made of a user's options.

    Attributes:
        options: the options.
        forwards: the compiled search, by whether there is a prefix.
        max_length: characters of a title at most.
    """

    options: TitlePrediction
    forwards: Callable[[bool], Forward]
    max_length: int

    def noise(self, texts: Sequence[str]) -> np.ndarray | None:
        """Numbers for the draws of titles, float32 ``(n, n_best, max_length)``."""
        if not self.options.temperature:
            return None
        shape = (self.options.n_best, self.max_length)
        drawn = [each.random(shape, "float32") for each in generators(texts, self.options.seed)]
        return np.stack(drawn) if drawn else np.zeros((0, *shape), "float32")

    def run(self, texts: Texts, prefixes: Sequence[str], noise: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Titles of texts: ids, int32 ``(n, n_best, max_length)``, and scores, float32 ``(n, n_best)``."""
        options, count = self.options, len(texts)
        ids = np.zeros((count, options.n_best, self.max_length), "int32")
        scores = np.full((count, options.n_best), -np.inf, "float32")
        has_prefix = any(prefixes)
        shared = self._shared(texts.vocabulary)
        width = len(shared["beams"])
        copyable = (texts.ids >= FIRST_ID) & ~np.isin(texts.flat.codes, code_points(options.forbidden_characters))
        forward = self.forwards(has_prefix)

        def answer(rows, size):
            starts, lengths = texts.flat.starts[rows], texts.flat.lengths[rows]
            batch = {**texts.padded(rows, size), **gather_padded({"copyable": copyable}, starts, lengths, size)}
            batch["copyable"] = batch["copyable"].astype(bool)
            if has_prefix:
                batch["required"] = np.zeros((len(rows), self.max_length), "int32")
                for place, row in enumerate(rows):
                    prefix = texts.encode(row, prefixes[row])
                    batch["required"][place, : len(prefix)] = np.where(prefix == UNKNOWN, 0, prefix)
            if noise is not None:
                batch["noise"] = noise[rows]
            best, score = forward({**batch, **shared})
            ids[rows], scores[rows] = best[:, : options.n_best], score[:, : options.n_best]

        at_once = max(1, _BEAMS_AT_ONCE // width)
        batches = (
            (rows[begin : begin + at_once], size)
            for rows, size in batches_by_length(texts.flat.lengths, _CHARACTERS_AT_ONCE)
            for begin in range(0, len(rows), at_once)
        )
        side_by_side(answer, batches, TITLE.batches_at_once)
        return ids, scores

    def _shared(self, vocabulary):
        options, size = self.options, len(vocabulary)
        bias = np.zeros(table_size(size), "float32")
        forbidden = vocabulary.encode(options.forbidden_characters.replace(END, ""))
        bias[[*range(FIRST_ID), *range(size, len(bias)), *forbidden]] = _IMPOSSIBLE
        width = options.n_best if options.temperature > 0 else max(options.n_best, options.beam_width)
        numbers = [options.length_penalty, options.min_length, max(options.temperature, 1e-3), options.top_p]
        return {
            "bias": bias,
            "beams": np.zeros(width, "int32"),
            "places": np.zeros(self.max_length, "int32"),
            "numbers": np.array(numbers, "float32"),
        }


def titles_of(texts: Texts, ids: np.ndarray, scores: np.ndarray) -> list[Titles]:
    """For each text its titles, best first; none where nothing was possible."""
    return [
        Titles(
            tuple(
                title_of(text, texts.decode(row, chosen), round(float(score), 4))
                for chosen, score in zip(ids[row], scores[row])
                if score > -np.inf
            )
        )
        for row, text in enumerate(texts.strings())
    ]


def title_of(text: str, title: str, score: float | None = None) -> Title:
    """A title, and what of it is copied from its text."""
    return Title(title, score, tuple(copied_spans(text, title)))
