"""Logits to lines: the search for answers that keep the rules."""

from collections.abc import Collection

import keras
import numpy as np
from keras import layers, ops

from nlpkit.decoding import beam_search
from nlpkit.ops.top_k import GROUP, top_k_of_many
from nlpkit.text.vocabulary import PADDING, UNKNOWN

BROKEN = -1e5
"""Score of breaking a rule: so low that it happens only where nothing else is left."""
_FORCED = 10 * BROKEN  # that of another character than the one that must stand here


class LineSearch(layers.Layer):
    """The best lower lines under the rules, by a beam over the likeliest characters of each position.

    The characters that rules of a position forbid (copies, sharing, tones, the user's) are taken out before the
    candidates are chosen, from the whole vocabulary. What depends on the characters written so far (repetition) is
    kept by the beam.

    A character's score is its log probability among the candidates, given both lines as far as they are known, and
    `config.alone` times its log probability by itself: the one knows what goes together, the other what goes with the
    upper line.

    Args:
        network: the model of `build_model`.
        config: `CoupletConfig`, for the settings of the search.
        rules: names of `nlpkit.tasks.couplet.rules.RULES`.
        beam_width: int.
        forbidden: ids that no answer may hold.
        tones: uint8 ``(num_characters,)``, `nlpkit.text.tones.tone_table`, for the rule `tone`.
        temperature: float; above 0 the lines are drawn, not searched for.

    Call arguments:
        inputs: dictionary of

            - ``characters``: ids of the upper line, ``(batch, time)``, 0 for padding;
            - ``tied``: for each position the first one with the same character;
            - ``required``: the id that must stand there, or 0;
            - ``demand``: with tones, the tone that the character must have, or 0;
            - ``noise``: with a temperature, numbers in [0, 1), ``(batch, time, beam_width)``.

    Returns:
        Ids, int32 ``(batch, beam_width, time)``, and sums of scores, float32 ``(batch, beam_width)``.
    """

    def __init__(
        self, network, config, rules: Collection[str], beam_width, forbidden=(), tones=None, temperature=0.0, **kwargs
    ):
        super().__init__(dtype="float32", **kwargs)
        self._embedding = network.get_layer("embedding")
        self._upper = keras.Model(network.input["characters"], network.get_layer("upper").output)
        self._lower = [network.get_layer(f"lower_{i}") for i in range(len(config.lower_dilations))]
        self._enter = network.get_layer("lower") if self._lower else None
        self._join = network.get_layer("join") if self._lower else None
        self._norm = network.get_layer("norm")
        self._rules, self._beam_width, self._candidates = rules, beam_width, config.candidates
        self._alone = config.alone if self._lower else 0.0
        self._temperature = temperature
        size = self._embedding.input_dim
        self._copies = -size % GROUP  # of the vector of padding, which nobody wants, to make the size a multiple
        never = np.zeros(size + self._copies, "float32")
        never[[PADDING, UNKNOWN, *range(size, size + self._copies)]] = 2 * BROKEN
        never[list(forbidden)] += BROKEN
        self._never, self._more = never, 2 + len(forbidden)
        # A row for each demand: none, level, oblique, a reading of both.
        self._wrong_tone = None if tones is None else np.stack([
            np.pad(np.where((tones & demand) == demand, 0, BROKEN), (0, self._copies)).astype("float32")
            for demand in range(4)
        ])  # fmt: skip

    def call(self, inputs):
        upper = inputs["characters"]
        states = ops.cast(self._upper(upper), "float32")
        candidates, chance = self._choose(inputs, states)  # (batch, time, candidates) both
        batch, time = ops.shape(upper)[:2]
        beams, vectors = self._beam_width, self._embedding.embeddings
        shape = (batch, beams, ops.shape(candidates)[-1])

        def step(t, history, past):
            choice = ops.take(candidates, t, axis=1)  # (batch, candidates)
            alone = ops.take(chance, t, axis=1)[:, None]  # (batch, 1, candidates)
            first = ops.take(inputs["tied"], t, axis=1)
            repeated = ops.take_along_axis(history, ops.broadcast_to(first[:, None, None], (batch, beams, 1)), axis=2)
            forced = ops.broadcast_to(ops.take(inputs["required"], t, axis=1)[:, None], (batch, beams))
            if "repetition" in self._rules:
                forced = ops.where((first < t)[:, None] & (forced == 0), repeated[..., 0], forced)
            if self._lower:
                x, past = self._read(t, history, past)
                x = ops.reshape(x, (batch, beams, x.shape[-1]))
                now = ops.broadcast_to(ops.take(states, t, axis=1)[:, None], (batch, beams, states.shape[-1]))
                x = self._state(now, x)  # (batch, beams, width)
                logits = ops.einsum("nbw,nkw->nbk", x, ops.take(vectors, choice, axis=0))
                own = ops.sum(x * ops.take(vectors, forced, axis=0), axis=-1, keepdims=True)
            else:
                logits = ops.broadcast_to(alone, shape)
                own = ops.zeros((batch, beams, 1))
            symbols = ops.broadcast_to(choice[:, None], shape)
            logits = ops.where(alone < 0.5 * BROKEN, logits + BROKEN, logits)
            total = ops.logsumexp(logits, axis=-1, keepdims=True)
            scores = logits - total + self._alone * ops.log_softmax(alone, axis=-1)
            own = own - total
            if self._temperature:
                scores, own = scores / self._temperature, own / self._temperature
                scores = ops.where(alone < 0.5 * BROKEN, BROKEN, scores)
            if "repetition" in self._rules:
                used = ops.any(history[:, :, None, :] == choice[:, None, :, None], axis=-1)
                scores = scores + ops.where(used, BROKEN, 0.0)
            is_forced = (forced > 0)[..., None]
            scores = ops.concatenate(
                [scores + ops.where(is_forced, _FORCED, 0.0), ops.where(is_forced, own, _FORCED)], axis=-1
            )
            # A step of padding adds nothing.
            real = ops.take(upper, t, axis=1)[:, None, None] != 0
            scores = ops.where(real, scores, ops.where(ops.arange(shape[-1] + 1) == 0, 0.0, _FORCED))
            return scores, ops.concatenate([symbols, forced[..., None]], axis=-1), past

        past = [ops.zeros((batch, beams, 2 * conv.dilation, self._enter.units)) for conv in self._lower]
        noise = ops.transpose(inputs["noise"], (0, 2, 1)) if self._temperature else None
        return beam_search(step, past, batch, time, beams, noise)

    def _choose(self, inputs, states):
        """The likeliest allowed characters of each position by itself, and the logarithm of their chance."""
        upper = inputs["characters"]
        time = ops.shape(upper)[1]
        x = self._norm(states)
        if self._lower:
            # A lower line that is hidden reads the same beside every upper line.
            hidden = self._enter(self._embedding(ops.where(ops.arange(time) == 0, PADDING, UNKNOWN)[None]))
            for conv in self._lower:
                hidden = conv(hidden)
            hidden = ops.cast(hidden, "float32")
            x = self._state(states, ops.broadcast_to(hidden, (*ops.shape(states)[:2], hidden.shape[-1])))
        x = ops.cast(x, "float32")
        if "repetition" in self._rules:
            # Positions that must agree choose by their mean.
            same = ops.cast(inputs["tied"][:, :, None] == inputs["tied"][:, None, :], x.dtype)
            same = same * ops.cast(upper != 0, x.dtype)[:, None]
            x = ops.matmul(same, x) / ops.maximum(ops.sum(same, axis=-1, keepdims=True), 1)
        vectors = ops.cast(ops.convert_to_tensor(self._embedding.embeddings), "float32")
        vectors = ops.concatenate([vectors, *[vectors[PADDING : PADDING + 1]] * self._copies], axis=0)
        logits = ops.matmul(x, ops.transpose(vectors))
        if self._wrong_tone is not None:
            logits = logits + ops.take(self._wrong_tone, ops.cast(inputs["demand"], "int32"), axis=0)
        # As many more as can be forbidden by the user, the upper line, and what is written of the lower one, so that
        # enough are left.
        shares = "no_share" in self._rules or "no_copy" in self._rules
        more = self._more + time * (shares + ("repetition" in self._rules))
        count, size = self._candidates + more, logits.shape[-1]
        chance, ids = top_k_of_many(logits, min(count, size) if isinstance(count, int) else ops.minimum(count, size))
        chance = chance + ops.take(self._never, ids, axis=0)
        ids = ops.where(ids < self._embedding.input_dim, ids, PADDING)
        if "no_share" in self._rules:
            shared = ops.any(ids[..., None] == upper[:, None, None, :], axis=-1)
            chance = chance + ops.where(shared, BROKEN, 0.0)
        elif "no_copy" in self._rules:
            chance = chance + ops.where(ids == upper[..., None], BROKEN, 0.0)
        # How many are left to choose from must not depend on the padding.
        limit = self._candidates
        if "repetition" in self._rules:
            limit = limit + ops.sum(ops.cast(upper != 0, "int32"), axis=1)[:, None, None]
        rank = ops.cumsum(ops.cast(chance > 0.5 * BROKEN, "int32"), axis=-1)
        return ids, ops.where(rank > limit, BROKEN, chance)

    def _read(self, t, history, past):
        """The reading of the lower line up to the character before step `t`, ``(batch * beams, width)``."""
        last = ops.where(t > 0, ops.take(history, ops.maximum(t - 1, 0), axis=2), PADDING)
        x = self._enter(self._embedding(ops.reshape(last, (-1,))))
        new = []
        for conv, before in zip(self._lower, past):
            shape = ops.shape(before)
            x, after = conv.step(x, ops.reshape(before, (-1, *shape[2:])))
            new.append(ops.reshape(after, shape))
        return x, new

    def _state(self, upper, lower):
        """What both lines say, as the network joins it."""
        return ops.cast(self._norm(self._join(ops.concatenate([upper, lower], axis=-1))), "float32")

    def compute_output_spec(self, inputs):
        batch, time = inputs["characters"].shape
        return (
            keras.KerasTensor((batch, self._beam_width, time), dtype="int32"),
            keras.KerasTensor((batch, self._beam_width), dtype="float32"),
        )


class GoldScores(layers.Layer):
    """How a model sees a right answer: its log probability and its rank, float32 ``(batch, time, 2)``.

    Call arguments:
        inputs: logits ``(batch, time, num_characters)`` and ids ``(batch, time)``.
    """

    def call(self, inputs):
        logits, gold = inputs
        own = ops.take_along_axis(logits, gold[..., None], axis=-1)
        above = ops.sum(ops.cast(logits > own, "float32"), axis=-1, keepdims=True)
        return ops.concatenate([own - ops.logsumexp(logits, axis=-1, keepdims=True), above], axis=-1)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((*inputs[1].shape, 2), dtype="float32")
