"""The recursions behind `nlpkit.ops.linear_chain`, on rows whose real steps come first.

Shapes here: ``scores`` ``(batch, time, tags)`` float32, with start and end scores already added to the first and last
real step; ``transitions`` ``(tags, tags)`` float32; ``lengths`` ``(batch,)`` int32. Inside the loops time comes first.
None of these functions is differentiable: the callers attach the derivatives.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

IMPOSSIBLE = -1e4
"""Score that forbids a tag or a transition: far below any real score, and its sums stay finite in float32."""

# Between scores of one step that lie further apart than this, exp() loses the lower one (float32 ends at e**-87).
_SAFE_GAP = 80.0


def messages(scores: Any, transitions: Any, lengths: Any, exact: bool) -> tuple[Any, Any, Any, Any]:
    """Forward and backward messages, both with the emission of their own step.

    Args:
        scores: float32 ``(batch, time, tags)``.
        transitions: float32 ``(tags, tags)``.
        lengths: int32 ``(batch,)``.
        exact: bool; if False, the loop runs in the exponential domain, where a step is one matrix product. The result
            is right unless a tag scores so far below the best one of its step that ``exp`` loses it, and a path with
            it. If True, it runs in the log domain, which is slower and always right.

    Returns:
        ``forward`` ``(time, batch, tags)``: log-sum of all beginnings of a path that end with this tag at this step.
        ``backward`` ``(time, batch, tags)``: log-sum of all endings of a path that begin with this tag at this step.
        ``log_z`` ``(batch,)``: log-sum of all paths.
        ``in_doubt``, a scalar bool: whether the fast loop may have lost a path.

    The two recursions are independent of each other, so one loop runs both.
    """
    by_time = ops.transpose(scores, (1, 0, 2))  # (time, batch, tags)
    real = _real_steps(by_time, lengths)  # (time, batch, 1)
    peak = ops.max(transitions)
    both = ops.stack([transitions, ops.transpose(transitions)])  # (2, tags, tags)
    weights = ops.exp(both - peak)

    def exponential_step(state: Any) -> Any:  # (2, batch, tags)
        top = ops.max(state, axis=-1, keepdims=True)
        total = ops.matmul(ops.exp(state - top), weights)
        return ops.where(total > 0, ops.log(ops.maximum(total, 1e-38)) + peak, IMPOSSIBLE) + top

    def log_step(state: Any) -> Any:
        return ops.logsumexp(state[..., None] + both[:, None], axis=-2)

    step = log_step if exact else exponential_step

    def body(state: Any, inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        here, ahead, real_here, real_ahead = inputs
        after = step(state)
        forward = ops.where(real_here, after[0] + here, state[0])
        backward = ops.where(real_ahead, after[1], 0.0) + ahead
        state = ops.stack([forward, backward])
        return state, state

    # Going forward, step t joins t-1 and t; going backward it joins t+1 (the message) and t (the emission).
    ahead = ops.flip(by_time, axis=0)
    first = ops.stack([by_time[0], ahead[0]])
    _, states = _scan(body, first, (by_time[1:], ahead[1:], real[1:], ops.flip(real, axis=0)[:-1]))
    states = ops.concatenate([first[None], states])  # (time, 2, batch, tags)

    gap = ops.max(states, axis=-1, keepdims=True) - states
    possible = transitions > peak + IMPOSSIBLE / 2
    gap_of_transitions = peak - ops.min(ops.where(possible, transitions, peak))
    in_doubt = ops.any(ops.logical_and(gap > _SAFE_GAP - gap_of_transitions, gap < -IMPOSSIBLE / 2))
    forward, backward = states[:, 0], ops.flip(states[:, 1], axis=0)
    return forward, backward, ops.logsumexp(forward[-1], axis=-1), in_doubt


def posteriors(scores: Any, transitions: Any, lengths: Any, exact: bool) -> tuple[Any, Any, Any, Any]:
    """The log normaliser and its derivatives; see `messages` for the arguments and `in_doubt`.

    Returns:
        ``log_z`` ``(batch,)``; ``unary`` ``(batch, time, tags)``, the probability of each tag at each step;
        ``pairwise`` ``(batch, tags, tags)``, the expected count of each transition; ``in_doubt``.
    """
    forward, backward, log_z, in_doubt = messages(scores, transitions, lengths, exact)
    by_time = ops.transpose(scores, (1, 0, 2))
    real = _real_steps(by_time, lengths)
    unary = ops.where(real, ops.exp(forward + backward - by_time - log_z[:, None]), 0.0)
    before, after, real = forward[:-1], backward[1:], real[1:]
    if before.shape[0] == 0:
        pairwise = ops.zeros((ops.shape(scores)[0], *transitions.shape))
    elif exact:
        joint = before[..., None] + transitions + (after - log_z[:, None])[:, :, None]
        pairwise = ops.sum(ops.where(real[..., None], ops.exp(joint), 0.0), axis=0)
    else:
        # p(i at t-1, j at t) = exp(before + transition + after - log_z), with the maxima of each row factored
        # out, so that the sum over time becomes a matrix product.
        before_top = ops.max(before, axis=-1, keepdims=True)
        after_top = ops.max(after, axis=-1, keepdims=True)
        peak = ops.max(transitions)
        factor = ops.where(real, before_top + after_top + peak - log_z[:, None], IMPOSSIBLE)
        in_doubt = ops.logical_or(in_doubt, ops.any(factor > _SAFE_GAP))
        left = ops.exp(before - before_top) * ops.exp(factor)
        right = ops.exp(after - after_top)
        pairwise = ops.matmul(ops.transpose(left, (1, 2, 0)), ops.transpose(right, (1, 0, 2)))
        pairwise = pairwise * ops.exp(transitions - peak)
    return log_z, ops.transpose(unary, (1, 0, 2)), pairwise, in_doubt


def viterbi(scores: Any, transitions: Any, lengths: Any) -> tuple[Any, Any]:
    """The best path of each row.

    Args:
        scores: float32 ``(batch, time, tags)``.
        transitions: float32 ``(tags, tags)``.
        lengths: int32 ``(batch,)``.

    Returns:
        A pair: the path, int32 ``(batch, time)``, and its score, float32 ``(batch,)``.
    """
    by_time = ops.transpose(scores, (1, 0, 2))
    real = _real_steps(by_time, lengths)
    into = ops.transpose(transitions)  # (to, from)

    def body(state: Any, inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        here, real_here = inputs
        best = ops.max(state[:, None, :] + into, axis=-1) + here  # (batch, to)
        state = ops.where(real_here, best, state)
        return state, state

    last, states = _scan(body, by_time[0], (by_time[1:], real[1:]))
    states = ops.concatenate([by_time[:1], states])  # (time, batch, tags)
    return ops.transpose(_trace_back(states, transitions, real[..., 0])), ops.max(last, axis=-1)


def sample(scores: Any, transitions: Any, lengths: Any, noise: Any) -> Any:
    """Draw paths by filtering forward and sampling backward.

    The arg-max of scores plus standard Gumbel noise is a sample from their softmax, so a path is sampled by a
    trace-back through noisy forward messages.

    Args:
        scores: float32 ``(batch, time, tags)``.
        transitions: float32 ``(tags, tags)``.
        lengths: int32 ``(batch,)``.
        noise: float32 ``(time, n, batch, tags)``, from `gumbel_noise`.

    Returns:
        Paths, int32 ``(batch, n, time)``.
    """
    forward, _, _, _ = messages(scores, transitions, lengths, exact=True)
    real = _real_steps(forward, lengths)[..., 0]
    paths = _trace_back(forward[:, None] + noise, transitions, real[:, None])  # (time, n, batch)
    return ops.transpose(paths, (2, 1, 0))


def nbest_viterbi(scores: Any, transitions: Any, lengths: Any, n: int) -> tuple[Any, Any]:
    """The ``n`` best paths of each row, best first.

    Args:
        scores: float32 ``(batch, time, tags)``.
        transitions: float32 ``(tags, tags)``.
        lengths: int32 ``(batch,)``.
        n: int, number of paths per row.

    Returns:
        A pair: the paths, int32 ``(batch, n, time)``, and their scores, float32 ``(batch, n)``, -inf where there are
        fewer than ``n``.
    """
    by_time = ops.transpose(scores, (1, 0, 2))
    real = _real_steps(by_time, lengths)[..., None]  # (time, batch, 1, 1)
    batch, tags = ops.shape(scores)[0], scores.shape[-1]
    # A state is a list of the n best beginnings per tag; a pointer is an index into the flat list, tag * n + rank.
    surplus = ops.full((batch, tags, n - 1), -float("inf"))
    first = ops.concatenate([by_time[0][..., None], surplus], axis=-1)  # (batch, tags, n)
    stay = ops.broadcast_to(ops.reshape(ops.arange(tags * n, dtype="int32"), (1, tags, n)), ops.shape(first))

    def body(carry: tuple[Any, Any], inputs: tuple[Any, Any]) -> tuple[Any, Any]:
        state, _ = carry
        here, real_here = inputs
        joined = state[:, None] + ops.transpose(transitions)[:, :, None]  # (batch, to, from, n)
        values, pointers = ops.top_k(ops.reshape(joined, (-1, tags, tags * n)), n)
        carry = (
            ops.where(real_here, values + here[..., None], state),
            ops.where(real_here, ops.cast(pointers, "int32"), stay),
        )
        return carry, carry

    (last, _), (_, pointers) = _scan(body, (first, stay), (by_time[1:], real[1:]))
    values, pointer = ops.top_k(ops.reshape(last, (-1, tags * n)), n)
    pointer = ops.cast(pointer, "int32")

    def back(pointer: Any, pointers_here: Any) -> tuple[Any, Any]:
        previous = ops.take_along_axis(ops.reshape(pointers_here, (-1, tags * n)), pointer, axis=1)
        return previous, previous

    _, earlier = _scan(back, pointer, pointers, reverse=True)
    paths = ops.concatenate([earlier, pointer[None]]) // n  # (time, batch, n)
    return ops.transpose(paths, (1, 2, 0)), values


def gumbel_noise(shape: Sequence[int], seed: int | keras.random.SeedGenerator | None) -> Any:
    """Standard Gumbel noise of this shape, float32."""
    uniform = keras.random.uniform(shape, minval=1e-7, maxval=1.0, seed=seed)
    return -ops.log(-ops.log(uniform))


def _trace_back(states: Any, transitions: Any, real: Any) -> Any:
    """The best tag given the one after it, from the last step to the first: ``(time, …)`` int32.

    The best predecessor is recomputed from the states, which costs one row of tags per step; storing pointers would
    need an arg-max over all pairs of tags.
    """
    into = ops.transpose(transitions)

    def body(tag: Any, inputs: tuple[Any, Any]) -> tuple[Any, Any]:
        state, real_after = inputs
        before = ops.argmax(state + ops.take(into, tag, axis=0), axis=-1)
        tag = ops.where(real_after, ops.cast(before, "int32"), tag)
        return tag, tag

    last = ops.cast(ops.argmax(states[-1], axis=-1), "int32")
    _, tags = _scan(body, last, (states[:-1], real[1:]), reverse=True)
    return ops.concatenate([tags, last[None]])


def _scan(
    body: Callable[[Any, Any], tuple[Any, Any]], first: Any, inputs: Any, reverse: bool = False
) -> tuple[Any, Any]:
    """`ops.scan` for several inputs of unknown length, where it fails on TensorFlow.

    Also for zero steps, where it fails on PyTorch.
    """
    if keras.tree.flatten(inputs)[0].shape[0] == 0:
        return first, keras.tree.map_structure(lambda x: x[None][:0], first)
    if keras.backend.backend() != "tensorflow":
        return ops.scan(body, first, inputs, reverse=reverse)
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    unpack = (lambda x: x) if len(inputs) > 1 else (lambda x: x[0])
    places = ops.arange(ops.shape(inputs[0])[0], dtype="int32")
    return ops.scan(
        lambda carry, place: body(carry, unpack(tuple(x[place] for x in inputs))), first, places, reverse=reverse
    )


def _real_steps(by_time: Any, lengths: Any) -> Any:
    """Mask ``(time, batch, 1)``: the first `lengths` steps of each row."""
    time = ops.shape(by_time)[0]
    return (ops.arange(time, dtype="int32")[:, None] < lengths)[..., None]
