"""The search for lower lines, in the graph."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from nlpkit.decoding import beam_search, sample
from nlpkit.ops.top_k import GROUP, top_k_of_many
from nlpkit.prediction.programs import Graph
from nlpkit.text.vocabulary import PADDING, UNKNOWN

_SHARED = ("forbidden", "switches", "tones", "beams", "temperature")
_NUM_SWITCHES = 3
_IMPOSSIBLE = -float("inf")


class CoupletSearch(layers.Layer):
    """The best lower lines under the rules, by a beam over the likeliest characters of each position, or samples.

    The characters that the rules or the user forbid at a position (copies, sharing, tones) are removed from the
    vocabulary before the candidates are chosen. The rule of repetition depends on the characters written so far, so the
    search itself enforces it. A line without remaining candidates has no answer.

    A character's score is its log probability among the candidates, given the upper line and the lower line so far,
    plus ``settings.independent_weight`` times its log probability given the upper line alone.

    Args:
        network: `nlpkit.tasks.couplet.model.CoupletNetwork`.
        settings: `nlpkit.tasks.couplet.config.CoupletSettings`.
        is_sampling: whether to sample lines instead of searching for the best.

    Call arguments:
        inputs: dictionary of

            - ``characters``: ids of the upper line, int32 ``(batch, time)``, 0 for padding;
            - ``tied``: for each position the first one with the same character, int32 ``(batch, time)``;
            - ``required``: the required id of each position, or 0, int32 ``(batch, time)``;
            - ``demand``: the required tone of each position, or 0, int32 ``(batch, time)``;
            - ``forbidden``: the ids forbidden in answers, bool ``(num_characters,)``;
            - ``switches``: the rules no_copy, no_share and repetition, on or off, bool ``(3,)``;
            - ``tones``: tones of the characters, uint8 ``(num_characters,)``, see `nlpkit.text.tones`;
            - ``beams``: any array of shape ``(beam_width,)``, for its shape alone; or, for sampling, ``noise``, numbers
              in [0, 1), float32 ``(batch, time, answers)``, and ``temperature``, ``(1,)``.

    Returns:
        Ids, int32 ``(batch, beam_width, time)``, and sums of scores, float32 ``(batch, beam_width)``, -inf where there
        is no answer.
    """

    def __init__(self, network: Any, settings: Any, is_sampling: bool, **kwargs: Any):
        super().__init__(dtype="float32", **kwargs)
        self._network, self._is_sampling = network, is_sampling
        self._model = network.model  # so that Keras tracks its weights
        self._candidates = settings.candidates
        self._weight = settings.independent_weight if network.reads_lower else 0.0
        size = network.embedding.input_dim
        self._filling = -size % GROUP  # rows that pad the vocabulary to a multiple; never chosen
        never = np.zeros(size + self._filling, bool)
        never[[PADDING, UNKNOWN, *range(size, size + self._filling)]] = True
        self._never = never

    def call(self, inputs: dict[str, Any]) -> Any:
        network, upper = self._network, inputs["characters"]
        repeats = inputs["switches"][2]
        states = network.encode(upper)  # (batch, time, width)
        choices, independent = self._choose(inputs, states)  # (batch, time, candidates) both
        batch, time = ops.shape(upper)[:2]
        beams = ops.shape(inputs["noise"])[-1] if self._is_sampling else ops.shape(inputs["beams"])[0]
        vectors = network.embedding.embeddings

        def step(t: Any, history: Any, state: Any) -> tuple[Any, Any, Any]:
            choice = ops.take(choices, t, axis=1)  # (batch, candidates)
            chance = ops.take(independent, t, axis=1)[:, None]  # (batch, 1, candidates)
            forced = self._forced(inputs, t, history, repeats)  # (batch, beams)
            if network.reads_lower:
                last = ops.where(t > 0, ops.take(history, ops.maximum(t - 1, 0), axis=2), PADDING)
                read, state = network.step(last, state)  # (batch, beams, lower_width)
                now = ops.take(states, t, axis=1)[:, None]  # (batch, 1, width)
                x = network.state_of(ops.broadcast_to(now, (batch, beams, now.shape[-1])), read)
                logits = ops.einsum("nbw,nkw->nbk", x, ops.take(vectors, choice, axis=0))
                own = ops.sum(x * ops.take(vectors, forced, axis=0), axis=-1, keepdims=True)
            else:
                logits = ops.broadcast_to(chance, (batch, beams, ops.shape(choice)[-1]))
                own = ops.zeros((batch, beams, 1))
            logits = ops.where(chance > _IMPOSSIBLE, logits, _IMPOSSIBLE)  # (batch, beams, candidates)
            total = _log_sum(logits)
            scores = logits - total + self._weight * (chance - _log_sum(chance))
            # Under the rule of repetition a used character is possible only where it is forced.
            used = ops.any(history[:, :, None, :] == choice[:, None, :, None], axis=-1) & repeats
            is_forced = (forced > 0)[..., None]  # (batch, beams, 1)
            scores = ops.where(used | is_forced | (chance == _IMPOSSIBLE), _IMPOSSIBLE, scores)
            scores = ops.concatenate([scores, ops.where(is_forced, own - total, _IMPOSSIBLE)], axis=-1)
            symbols = ops.broadcast_to(choice[:, None], (batch, beams, ops.shape(choice)[-1]))
            return scores, ops.concatenate([symbols, forced[..., None]], axis=-1), state

        state, lengths = network.initial_state(batch, beams), ops.sum(ops.cast(upper != 0, "int32"), axis=1)
        if self._is_sampling:
            noise = ops.transpose(inputs["noise"], (0, 2, 1))
            return sample(
                step, state, batch, time, beams, noise=noise, temperature=inputs["temperature"][0], lengths=lengths
            )
        return beam_search(step, state, batch, time, beams, lengths=lengths)

    def _forced(self, inputs: dict[str, Any], t: Any, history: Any, repeats: Any) -> Any:
        """The required id at step `t`, from the prefix or by repetition, or 0: ``(batch, beams)``."""
        first = ops.take(inputs["tied"], t, axis=1)  # (batch,)
        required = ops.take(inputs["required"], t, axis=1)  # (batch,)
        place = ops.broadcast_to(first[:, None, None], (*ops.shape(history)[:2], 1))
        repeated = ops.take_along_axis(history, place, axis=2)[..., 0]  # (batch, beams)
        again = (first < t)[:, None] & (required == 0)[:, None] & repeats
        return ops.where(again, repeated, required[:, None])

    def _choose(self, inputs: dict[str, Any], states: Any) -> tuple[Any, Any]:
        """The likeliest allowed ids of each position independent of the lower line, and their logits.

        Forbidden ids have -inf.
        """
        upper, (copies, shares, repeats) = inputs["characters"], (inputs["switches"][i] for i in range(3))
        time = ops.shape(upper)[1]
        lower = None
        if self._network.reads_lower:
            lower = self._network.read_nothing(time)  # (1, time, lower_width)
            lower = ops.broadcast_to(lower, (*ops.shape(states)[:2], lower.shape[-1]))
        x = self._network.state_of(states, lower)  # (batch, time, width)
        # With repetition, positions with the same character share the mean of their states.
        same = inputs["tied"][:, :, None] == inputs["tied"][:, None, :]  # (batch, time, time)
        same = ops.cast(same & (upper != 0)[:, None], x.dtype)
        mean = ops.matmul(same, x) / ops.maximum(ops.sum(same, axis=-1, keepdims=True), 1)
        logits = self._logits(ops.where(repeats, mean, x), inputs)
        # Each character of the upper line, and of the lower one so far, can rule out a candidate: choose more.
        count, size = self._candidates + 2 * time, logits.shape[-1]
        count = min(count, size) if isinstance(count, int) else ops.minimum(count, size)
        chance, ids = top_k_of_many(logits, count)  # (batch, time, count) both
        ids = ops.where(ids < self._network.embedding.input_dim, ids, PADDING)
        shared = ops.any(ids[..., None] == upper[:, None, None, :], axis=-1) & shares
        ruled_out = shared | ((ids == upper[..., None]) & copies)
        chance = ops.where(ruled_out, _IMPOSSIBLE, chance)
        # The number of remaining candidates must not depend on the padding.
        real = ops.sum(ops.cast(upper != 0, "int32"), axis=1)[:, None, None]  # (batch, 1, 1)
        limit = self._candidates + ops.where(repeats, real, 0)
        rank = ops.cumsum(ops.cast(chance > _IMPOSSIBLE, "int32"), axis=-1)
        return ids, ops.where(rank > limit, _IMPOSSIBLE, chance)

    def _logits(self, x: Any, inputs: dict[str, Any]) -> Any:
        """Logits over the padded vocabulary, -inf for the ids forbidden at a position."""
        vectors = ops.cast(ops.convert_to_tensor(self._network.embedding.embeddings), "float32")
        vectors = ops.pad(vectors, [[0, self._filling], [0, 0]])
        forbidden = ops.pad(ops.cast(inputs["forbidden"], "bool"), [[0, self._filling]])
        # The -inf of ids that are forbidden everywhere is a further column of the product, at next to no cost.
        never = ops.where(ops.logical_or(forbidden, self._never), _IMPOSSIBLE, 0.0)
        x = ops.concatenate([x, ops.ones_like(x[..., :1])], axis=-1)  # (batch, time, width + 1)
        table = ops.concatenate([vectors, never[:, None]], axis=-1)  # (ids, width + 1)
        logits = ops.matmul(x, ops.transpose(table))  # (batch, time, ids)
        demand = ops.cast(inputs["demand"], "int32")

        def by_tone() -> Any:
            tones = ops.pad(ops.cast(inputs["tones"], "int32"), [[0, self._filling]])
            demands = ops.arange(4, dtype="int32")[:, None]  # none, level, oblique, a reading of both
            wrong = ops.bitwise_and(tones, demands) != demands  # (4, ids)
            return ops.where(ops.take(wrong, demand, axis=0), _IMPOSSIBLE, logits)

        return ops.cond(ops.any(demand > 0), by_tone, lambda: logits)

    def compute_output_spec(self, inputs: dict[str, Any]) -> Any:
        batch, time = inputs["characters"].shape
        return (
            keras.KerasTensor((batch, None, time), dtype="int32"),
            keras.KerasTensor((batch, None), dtype="float32"),
        )


def _log_sum(x: Any) -> Any:
    """Log of the sum of exponentials over the last axis, 0 where all are impossible."""
    total = ops.logsumexp(x, axis=-1, keepdims=True)
    return ops.where(total > _IMPOSSIBLE, total, 0.0)


def search_graph(network: Any, settings: Any, is_sampling: bool) -> Graph:
    """`CoupletSearch` as a program, independent of the user's options."""
    inputs = {
        name: keras.Input((None,), dtype="int32", name=name) for name in ("characters", "tied", "required", "demand")
    }
    size = network.embedding.input_dim
    inputs["forbidden"] = keras.Input(batch_shape=(size,), dtype="bool", name="forbidden")
    inputs["switches"] = keras.Input(batch_shape=(_NUM_SWITCHES,), dtype="bool", name="switches")
    inputs["tones"] = keras.Input(batch_shape=(size,), dtype="uint8", name="tones")
    if is_sampling:
        inputs["noise"] = keras.Input((None, None), name="noise")
        inputs["temperature"] = keras.Input(batch_shape=(1,), name="temperature")
    else:
        inputs["beams"] = keras.Input(batch_shape=(None,), dtype="int32", name="beams")
    return Graph(keras.Model(inputs, CoupletSearch(network, settings, is_sampling)(inputs)), _SHARED)
