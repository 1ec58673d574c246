"""Batched beam search over any step function, in the graph."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

_NEVER = -1e9


def beam_search(step: Callable, state: Any, batch: int, steps: int, beam_width: int, noise=None):
    """The best sequences of a fixed length, by a beam or drawn at random.

    Everything is done for a whole batch at once, by `keras.ops` only, so that it runs inside a compiled graph.

    Args:
        step: function of ``(t, history, state)``, where ``t`` is the step (an int32 scalar), ``history``, int32
            ``(batch, beam_width, steps)``, holds the symbols so far and zeros after them, and ``state`` is what the
            step before has returned. It returns scores, float ``(batch, beam_width, candidates)``, usually log
            probabilities; the symbols that they belong to, int32 of the same shape; and the new state.
        state: tensors ``(batch, beam_width, …)`` in any nesting, ``[]`` for none. They follow their sequences as
            these change places.
        batch, steps: ints or int32 scalars.
        beam_width: int, the number of sequences that are kept, and returned.
        noise: float ``(batch, beam_width, steps)`` in [0, 1), or None. With it nothing is searched for: each of the
            sequences is drawn by itself from the distribution that the scores are the logarithms of.

    Returns:
        Symbols, int32 ``(batch, beam_width, steps)``, best first unless drawn, and the sums of their scores, float32
        ``(batch, beam_width)``.

    Example:

        >>> import numpy as np
        >>> table = np.log([[0.1, 0.9], [0.6, 0.4]]).astype("float32")
        >>> symbols = np.arange(2, dtype="int32") + np.zeros((1, 2, 1), "int32")
        >>> step = lambda t, history, state: (ops.take(table, t, axis=0) + np.zeros((1, 2, 1)), symbols, state)
        >>> found, scores = beam_search(step, [], batch=1, steps=2, beam_width=2)
        >>> np.asarray(found).tolist()
        [[[1, 0], [1, 1]]]
    """
    # All beams begin alike, so at the first step only the first of them counts.
    first = ops.where(ops.arange(beam_width) == 0, 0.0, 0.0 if noise is not None else _NEVER)
    totals = ops.broadcast_to(ops.cast(first, "float32"), (batch, beam_width))
    history = ops.zeros((batch, beam_width, steps), dtype="int32")
    place = ops.arange(steps, dtype="int32")

    def body(t, history, totals, *state):
        state = keras.tree.pack_sequence_as(structure, list(state))
        scores, symbols, state = step(t, history, state)
        candidates = ops.shape(scores)[-1]
        scores = ops.cast(scores, "float32")
        if noise is None:
            flat = ops.reshape(totals[..., None] + scores, (batch, beam_width * candidates))
            totals, chosen = ops.top_k(flat, beam_width)  # (batch, beams)
            parent = ops.cast(chosen // candidates, "int32")
            symbols = ops.take_along_axis(ops.reshape(symbols, (batch, beam_width * candidates)), chosen, axis=1)
            history, state = keras.tree.map_structure(lambda x: _of_parent(x, parent), (history, state))
        else:
            chosen = _draw(scores, ops.take(noise, t, axis=-1))[..., None]
            totals = totals + ops.take_along_axis(scores, chosen, axis=-1)[..., 0]
            symbols = ops.take_along_axis(symbols, chosen, axis=-1)[..., 0]
        history = ops.where(place == t, symbols[..., None], history)
        return (t + 1, history, totals, *keras.tree.flatten(state))

    structure = state
    start = (ops.convert_to_tensor(0, dtype="int32"), history, totals, *keras.tree.flatten(state))
    _, history, totals, *_ = ops.while_loop(lambda t, *_: t < steps, body, start)
    return history, totals


def _of_parent(x, parent):
    """Rows of ``(batch, beams, …)`` by the beam that each goes on from."""
    shape = ops.shape(x)
    batch, beams = shape[:2]
    rows = ops.reshape(ops.arange(batch, dtype="int32")[:, None] * beams + parent, (-1,))
    return ops.reshape(ops.take(ops.reshape(x, (batch * beams, *shape[2:])), rows, axis=0), shape)


def _draw(scores, noise):
    """Indices, by the inverse of the cumulative distribution."""
    sums = ops.cumsum(ops.softmax(scores, axis=-1), axis=-1)

    def count(is_below):
        return ops.sum(ops.cast(is_below, "int32"), axis=-1)

    # Never one without a chance: neither at the front, if the noise is 0, nor at the end, if rounding leaves a gap.
    return ops.minimum(count(sums <= noise[..., None]), count(sums < sums[..., -1:]))
