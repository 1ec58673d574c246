"""Batched sampling of sequences from any step function, in the graph."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from nlpkit.decoding.constraints import Constraints, is_number
from nlpkit.ops.top_k import GROUP, top_k_of_many


def sample(
    step: Callable[[Any, Any, Any], tuple[Any, Any, Any]],
    state: Any,
    batch: Any,
    steps: Any,
    num_samples: Any,
    *,
    noise: Any = None,
    seed: Any = None,
    temperature: Any = 1.0,
    top_k: int = 0,
    top_p: Any = 1.0,
    lengths: Any = None,
    end_id: int | None = None,
    min_length: Any = 0,
    no_repeat: int = 0,
    forbidden: Any = None,
    required: Any = None,
) -> tuple[Any, Any]:
    """Independent random sequences, drawn symbol by symbol.

    A symbol is drawn from the softmax of the scores of the possible candidates, by the inverse of its cumulative
    distribution. Equal noise gives equal sequences, independently of the rest of the batch.

    Args:
        step: function of ``(t, history, state)`` as in `nlpkit.decoding.beam_search`, with `num_samples` in place of
            the beam width.
        state: tensors ``(batch, num_samples, …)`` in any nesting, ``[]`` for none.
        batch, steps: ints or int32 scalars, number of rows, and of steps.
        num_samples: int, number of sequences per row; on TensorFlow also an int32 scalar.
        noise: float ``(batch, num_samples, steps)`` in [0, 1), one number per symbol, or None to draw it.
        seed: int or `keras.random.SeedGenerator` of the noise, or None for a different seed at each call.
        temperature: float or float scalar above 0, divisor of the scores before the softmax.
        top_k: int, number of candidates with the highest scores to draw from; 0 for all.
        top_p: float or float scalar in (0, 1], probability of the smallest set of likeliest candidates to draw from,
            after temperature and `top_k`. Below 1 without `top_k` all candidates are sorted.
        lengths, end_id, min_length, no_repeat, forbidden, required: see `nlpkit.decoding.beam_search`.

    Returns:
        Ids, int32 ``(batch, num_samples, steps)``, 0 after the end; and the sums of the scores of the drawn symbols,
        including the end, float32 ``(batch, num_samples)``. A sequence without a possible candidate at some step has
        zeros and -inf.

    Raises:
        ValueError: if the temperature or `top_p` is a number outside of its range.

    Example:

        >>> import numpy as np
        >>> table = np.log([[0.1, 0.3, 0.6], [0.8, 0.1, 0.1]]).astype("float32")
        >>> step = lambda t, history, state: (ops.broadcast_to(ops.take(table, t, axis=0), (1, 2, 3)), None, state)
        >>> noise = np.array([[[0.2, 0.5], [0.9, 0.85]]], "float32")
        >>> ids, scores = sample(step, [], batch=1, steps=2, num_samples=2, noise=noise, end_id=0)
        >>> print(ops.convert_to_numpy(ids).tolist(), ops.convert_to_numpy(ops.exp(scores)).round(2))
        [[[1, 0], [2, 1]]] [[0.24 0.06]]

    References:
        Top k: Fan, Lewis and Dauphin (2018), Hierarchical Neural Story Generation. Top p: Holtzman et al. (2020), The
        Curious Case of Neural Text Degeneration.
    """
    for name, value, limit in (("temperature", temperature, float("inf")), ("top_p", top_p, 1)):
        if isinstance(value, int | float) and not 0 < value <= limit:
            raise ValueError(f"{name} must be above 0 and at most {limit}, received {value!r}.")
    lengths = ops.broadcast_to(steps, (batch,)) if lengths is None else ops.minimum(lengths, steps)
    lengths = ops.cast(lengths, "int32")[:, None]  # (batch, 1)
    constraints = Constraints(end_id, min_length, no_repeat, forbidden, required)
    if noise is None:
        noise = keras.random.uniform((batch, num_samples, steps), seed=seed)
    noise = ops.cast(noise, "float32")

    def goes_on(t: Any, ids: Any, totals: Any, is_on: Any, flat_state: list[Any]) -> Any:
        return ops.any(is_on)

    def advance(
        t: Any, ids: Any, totals: Any, is_on: Any, flat_state: list[Any]
    ) -> tuple[Any, Any, Any, Any, list[Any]]:
        scores, symbols, new = step(t, ids, keras.tree.pack_sequence_as(state, flat_state))
        # (batch, samples, candidates)
        scores = constraints.mask(t, ids, ops.cast(scores, "float32"), symbols)
        chosen = _draw(scores, ops.take(noise, t, axis=2), temperature, top_k, top_p)  # (batch, samples)
        symbol = chosen if symbols is None else ops.take_along_axis(symbols, chosen[..., None], axis=-1)[..., 0]
        score = ops.take_along_axis(scores, chosen[..., None], axis=-1)[..., 0]
        totals = ops.where(is_on, totals + score, totals)
        is_on = is_on & (score > -float("inf"))
        if end_id is not None:
            is_on = is_on & (symbol != end_id)
        is_now = ops.arange(steps, dtype="int32") == t  # (steps,)
        ids = ops.where(is_now & is_on[..., None], symbol[..., None], ids)
        return t + 1, ids, totals, is_on & (t + 1 < lengths), keras.tree.flatten(new)

    ids = ops.zeros((batch, num_samples, steps), dtype="int32")
    totals = ops.zeros((batch, num_samples), dtype="float32")
    start = (ops.convert_to_tensor(0, dtype="int32"), ids, totals, (lengths > 0) & (totals == 0))
    _, ids, totals, *_ = ops.while_loop(goes_on, advance, (*start, keras.tree.flatten(state)))
    return ops.where(totals[..., None] > -float("inf"), ids, 0), totals


def _draw(scores: Any, noise: Any, temperature: Any, top_k: int, top_p: Any) -> Any:
    """One random candidate per sequence, int32 ``(batch, samples)``; an impossible one only if there is no other."""
    order, is_cut = None, not is_number(top_p, 1)
    if top_k or is_cut:
        scores, order = _sorted(scores, top_k)
    best = ops.max(scores, axis=-1, keepdims=True)
    best = ops.where(best > -float("inf"), best, 0.0)
    weights = ops.exp((scores - best) / ops.cast(temperature, "float32"))  # (batch, samples, candidates)
    if is_cut:
        sums = ops.cumsum(weights, axis=-1)
        weights = ops.where(sums - weights < top_p * sums[..., -1:], weights, 0.0)
    chosen = _place_of(weights, noise * ops.sum(weights, axis=-1))
    return chosen if order is None else ops.take_along_axis(order, chosen[..., None], axis=-1)[..., 0]


def _sorted(scores: Any, top_k: int) -> tuple[Any, Any]:
    """The highest scores, `top_k` of them or all for 0, and their places."""
    size = ops.shape(scores)[-1]
    if not isinstance(size, int):
        scores, order = ops.top_k(scores, ops.minimum(top_k, size) if top_k else size)
    elif top_k:
        scores, order = top_k_of_many(scores, min(top_k, size))
    else:
        scores, order = ops.top_k(scores, size)
    # The padding of groups is impossible, but its places must be valid.
    return scores, ops.minimum(ops.cast(order, "int32"), size - 1)


def _place_of(weights: Any, target: Any) -> Any:
    """The first place up to which the weights, ``(batch, samples, size)``, sum to more than the target.

    Its weight is above 0, if there is any such: also if the target is 0, or above the sum by rounding. With many
    weights the group is searched first, since cumulative sums are slow on a CPU.
    """
    size = ops.shape(weights)[-1]
    if isinstance(size, int) and size >= 2 * GROUP * GROUP:
        weights = ops.pad(weights, [[0, 0], [0, 0], [0, -size % GROUP]]) if size % GROUP else weights
        grouped = ops.reshape(weights, (*ops.shape(weights)[:2], -(-size // GROUP), GROUP))
        sums = ops.sum(grouped, axis=-1)  # (batch, samples, groups)
        group = _place_of(sums, target)  # (batch, samples)
        is_before = ops.arange(ops.shape(sums)[-1], dtype="int32") < group[..., None]
        inside = ops.take_along_axis(grouped, group[..., None, None], axis=2)[:, :, 0]  # (batch, samples, GROUP)
        return group * GROUP + _place_of(inside, target - ops.sum(ops.where(is_before, sums, 0.0), axis=-1))
    place, is_possible = ops.arange(size, dtype="int32"), weights > 0
    last = ops.max(ops.where(is_possible, place, 0), axis=-1, keepdims=True)
    is_after = is_possible & (ops.cumsum(weights, axis=-1) > target[..., None])
    return ops.min(ops.where(is_after, place, last), axis=-1)
