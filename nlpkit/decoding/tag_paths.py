"""Best tags and their probabilities from the potentials of a linear chain, in NumPy, without a framework.

`nlpkit.ops.linear_chain` has the same recursions with gradients, for graphs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Chain(NamedTuple):
    """The parts of the potentials of `nlpkit.ops.potentials.pack`, as arrays.

    Attributes:
        emissions: float32 ``(batch, time, tags)``.
        transitions: float32 ``(tags, tags)``, from row to column.
        start, end: float32 ``(tags,)``, scores of the first and of the last tag.
    """

    emissions: np.ndarray
    transitions: np.ndarray
    start: np.ndarray
    end: np.ndarray

    @classmethod
    def unpacked(cls, potentials: np.ndarray) -> Chain:
        num_tags = potentials.shape[-1] - 1
        shared = potentials[0, -num_tags - 2 :, :num_tags]
        return cls(potentials[:, : -num_tags - 2, :num_tags], shared[:num_tags], shared[num_tags], shared[num_tags + 1])


def best_tags(chain: Chain, lengths: np.ndarray) -> np.ndarray:
    """The best path of each row; among equal ones that with the smallest tags.

    Args:
        chain: the potentials.
        lengths: int ``(batch,)``, number of real steps of each row, at least 1, descending; later steps are padding.

    Returns:
        Tags, int32 ``(batch, time)``, 0 at padding.
    """
    emissions = np.ascontiguousarray(chain.emissions.transpose(1, 2, 0))  # (time, tags, batch)
    time, _, batch = emissions.shape
    before, to_tag = chain.transitions[..., None], chain.transitions.T
    active = np.append(_active(lengths, time), 0)
    best = np.empty_like(emissions)  # score of the best path that ends with a tag at a step
    best[0] = emissions[0] + chain.start[:, None]
    for t in range(1, time):
        n = active[t]
        total = best[t - 1, :, None, :n] + before  # (tag before, tag, n)
        np.add(total.max(axis=0), emissions[t, :, :n], out=best[t, :, :n])
    tags = np.zeros((time, batch), "int32")
    for t in range(time - 1, -1, -1):
        n, onward = active[t], active[t + 1]
        if onward < n:  # rows that end here
            tags[t, onward:n] = (best[t, :, onward:n] + chain.end[:, None]).argmax(axis=0)
        if onward:
            tags[t, :onward] = (best[t, :, :onward].T + to_tag[tags[t + 1, :onward]]).argmax(axis=1)
    return np.ascontiguousarray(tags.T)


def path_posteriors(chain: Chain, lengths: np.ndarray, tags: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """Log probabilities of the steps of a path, under the distribution over all paths of its row.

    A span from step `a` to before step `b` has the log probability ``result[a, 0] + result[a + 1:b, 1].sum() +
    result[b - 1, 2]``: that of all paths which have these tags in the span and do not continue it.

    Args:
        chain, lengths: see `best_tags`.
        tags: int ``(batch, time)``, the path.
        closing: bool ``(tags,)``, whether a tag does not continue a span from before.

    Returns:
        float32 ``(batch, time, 3)``, log probabilities of the tag at this step; of the tag given the one at the step
        before, at the first step unconditional; and of a closing tag at the next step given this one, 0 at the last
        step. Zeros at padding.

    References:
        Culotta and McCallum (2004), Confidence Estimation for Information Extraction.
    """
    batch, time, _ = chain.emissions.shape
    scores, transitions = chain.emissions.astype("float64"), chain.transitions.astype("float64")
    scores[:, 0] += chain.start
    active = _active(lengths, time)
    last = lengths - 1
    scores[np.arange(batch), last] += chain.end
    forward, backward = scores.copy(), scores.copy()
    for t in range(1, time):
        n = active[t]
        forward[:n, t] += _log_sum(forward[:n, t - 1, :, None] + transitions, 1)
    for t in range(time - 2, -1, -1):
        n = active[t + 1]
        backward[:n, t] += _log_sum(transitions + backward[:n, t + 1, None, :], 2)
    path = tags[..., None]

    def at(x: np.ndarray, path: np.ndarray = path) -> np.ndarray:
        return np.take_along_axis(x, path, axis=-1)[..., 0]

    log_z = _log_sum(backward[:, 0], 1)
    logs = np.zeros((batch, time, 3))
    logs[..., 0] = at(forward + backward - scores) - log_z[:, None]
    onward = transitions[tags[:, :-1]] + backward[:, 1:]  # scores of the next step, given the tag of this one
    total = _log_sum(onward, 2)
    logs[:, 0, 1] = logs[:, 0, 0]
    logs[:, 1:, 1] = at(onward, path[:, 1:]) - total
    logs[:, :-1, 2] = _log_sum(np.where(closing, onward, -np.inf), 2) - total
    logs[np.arange(batch), last, 2] = 0
    logs[np.arange(time) >= lengths[:, None]] = 0
    return np.minimum(logs, 0).astype("float32")


def _active(lengths: np.ndarray, time: int) -> np.ndarray:
    """Number of rows with a step t, for each t; these are the first rows."""
    return np.searchsorted(-lengths, -np.arange(time), side="left")


def _log_sum(x: np.ndarray, axis: int) -> Any:
    most = np.maximum(x.max(axis=axis, keepdims=True), np.finfo(x.dtype).min)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - most).sum(axis=axis)) + most.squeeze(axis)
