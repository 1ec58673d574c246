"""How probable the steps of a given path are, from which follows how probable each span of it is."""

from __future__ import annotations

from typing import Any

from keras import ops

from nlpkit.ops import recursions
from nlpkit.ops.alignment import align_left, restore
from nlpkit.ops.chain_inputs import prepare, prepare_tags
from nlpkit.ops.compiled import compiled
from nlpkit.ops.recursions import IMPOSSIBLE


def path_posteriors(
    emissions: Any,
    transitions: Any,
    tags: Any,
    closing: Any,
    start: Any = None,
    end: Any = None,
    mask: Any = None,
) -> Any:
    """Log probabilities of the steps of a path, under the distribution over all paths of its row.

    A span from step `a` to before step `b` has the log probability ``result[a, 0] + result[a + 1:b, 1].sum() +
    result[b - 1, 2]``: that of all paths which have just these tags there and do not go on with the span.

    Args:
        emissions, transitions, start, end, mask: as in `nlpkit.ops.linear_chain`.
        tags: int ``(batch, time)``, the path; every real step has a tag.
        closing: bool ``(tags,)``, which tags do not go on with a span that began before them.

    Returns:
        float32 ``(batch, time, 3)``: of the tag at this step; of it given the tag at the step before, at the first
        step the same as alone; and of a closing tag at the next step given this one, 0 at the last step. Zeros at
        masked steps. No gradient.

    Raises:
        ValueError: if a shape does not fit.

    Example:

        >>> import numpy as np
        >>> emissions = np.log([[[0.25, 0.75], [0.5, 0.5]]])
        >>> logs = path_posteriors(emissions, np.zeros((2, 2)), np.array([[1, 0]]), np.array([True, False]))
        >>> np.exp(np.asarray(logs[0])).round(2).tolist()
        [[0.75, 0.75, 0.5], [0.5, 0.5, 1.0]]

    References:
        Culotta and McCallum (2004), Confidence Estimation for Information Extraction.
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    tags = prepare_tags(tags, mask, scores.shape)
    return _path_posteriors(scores, mask, tags, transitions=transitions, closing=ops.cast(closing, "bool"))[0]


@compiled(returns="steps", in_graphs=False)
def _path_posteriors(scores, mask, tags, *, transitions, closing):
    real_first, lengths = align_left(scores, mask)
    path = ops.maximum(align_left(tags, mask)[0], 0)[..., None]  # (batch, time, 1)
    forward, backward, log_z, _ = recursions.messages(real_first, transitions, lengths, exact=True)
    forward, backward = (ops.transpose(x, (1, 0, 2)) for x in (forward, backward))  # (batch, time, tags)
    alone = _at(forward + backward - real_first, path) - log_z[:, None]  # (batch, time)
    # Of the step after, given the tag of this one: (batch, time - 1, tags)
    onward = ops.take(transitions, path[:, :-1, 0], axis=0) + backward[:, 1:]
    total = ops.logsumexp(onward, axis=-1)
    given = ops.concatenate([alone[:, :1], _at(onward, path[:, 1:]) - total], axis=1)
    closes = ops.logsumexp(ops.where(closing, onward, 10 * IMPOSSIBLE), axis=-1) - total
    closes = ops.concatenate([closes, ops.zeros_like(alone[:, :1])], axis=1)
    is_last = ops.arange(ops.shape(mask)[1], dtype="int32") == lengths[:, None] - 1
    logs = ops.stack([alone, given, ops.where(is_last, 0.0, closes)], axis=-1)
    return (restore(ops.minimum(logs, 0.0), mask),)


def _at(x, path):
    """The value of the path's tag, ``(batch, time)``."""
    return ops.take_along_axis(x, path, axis=-1)[..., 0]
