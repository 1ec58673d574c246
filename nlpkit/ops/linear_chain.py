"""Linear-chain dynamic programs on tensors, for any Keras backend.

The same arguments, everywhere:

* ``emissions``: float ``(batch, time, tags)``, the score of each tag at each step;
* ``transitions``: float ``(tags, tags)``; ``transitions[i, j]`` is the score of tag ``j`` right after tag ``i``;
* ``start``, ``end``: float ``(tags,)``, optional scores of the first and of the last tag of a row;
* ``mask``: bool ``(batch, time)``, optional. A step whose mask is off does not exist: its neighbours become
  adjacent. Padding may stand on the right, on the left or in between, and a row may be empty;
* ``tags``: integer ``(batch, time)``.

The score of a path is the sum of its emissions and transitions, with ``start`` and ``end``; the distribution over the
paths of a row is the softmax of their scores. Everything is computed in float32 whatever the inputs are. A score more
than 5,000 below the best one of its step (`IMPOSSIBLE` is -10,000) counts as impossible.

`log_normalizer` and `log_likelihood` carry their exact first derivatives, the posterior marginals, found by the
forward and the backward recursion in one loop. Derivatives of a higher order are not defined. The other functions
have none.

Example:

    >>> import numpy as np
    >>> from nlpkit.ops import linear_chain
    >>> emissions = np.zeros((1, 3, 2), "float32")
    >>> transitions = np.array([[0.0, 1.0], [1.0, 0.0]], "float32")
    >>> tags, scores = linear_chain.viterbi_decode(emissions, transitions)
    >>> np.asarray(tags[0]).tolist(), float(scores[0])
    ([0, 1, 0], 2.0)

References:
    Lafferty, McCallum and Pereira (2001), Conditional Random Fields. Rabiner (1989), A Tutorial on Hidden Markov
    Models, for the recursions and their scaling.
"""

from keras import ops

from nlpkit.ops import recursions
from nlpkit.ops.compiled import compiled
from nlpkit.ops.recursions import IMPOSSIBLE

__all__ = [
    "IMPOSSIBLE",
    "log_likelihood",
    "log_normalizer",
    "marginals",
    "nbest_viterbi_decode",
    "path_score",
    "sample",
    "viterbi_decode",
]


def log_normalizer(emissions, transitions, start=None, end=None, mask=None):
    """Log of the sum of ``exp(score)`` over all paths of each row: float32 ``(batch,)``, 0 for an empty row."""
    scores, transitions, mask = _prepare(emissions, transitions, start, end, mask)
    log_z, unary, pairwise = _run(
        _posteriors, ops.stop_gradient(scores), mask, transitions=ops.stop_gradient(transitions)
    )
    return _with_derivatives(log_z, (scores, unary), (transitions, pairwise))


def log_likelihood(emissions, tags, transitions, start=None, end=None, mask=None):
    """Log probability of the given path of each row: float32 ``(batch,)``, 0 for an empty row.

    Tags at masked steps are ignored and may hold any value.
    """
    scores, transitions, mask = _prepare(emissions, transitions, start, end, mask)
    tags = _prepare_tags(tags)
    log_p, unary, pairwise = _run(
        _likelihoods, ops.stop_gradient(scores), tags, mask, transitions=ops.stop_gradient(transitions)
    )
    return _with_derivatives(log_p, (scores, unary), (transitions, pairwise))


def path_score(emissions, tags, transitions, start=None, end=None, mask=None):
    """Score of the given path of each row: float32 ``(batch,)``, 0 for an empty row."""
    scores, transitions, mask = _prepare(emissions, transitions, start, end, mask)
    unary, pairwise = _path_counts(_prepare_tags(tags), mask, ops.shape(scores)[-1])
    return ops.sum(scores * unary, axis=(1, 2)) + ops.sum(transitions * pairwise, axis=(1, 2))


def marginals(emissions, transitions, start=None, end=None, mask=None):
    """Posterior probability of each tag at each step: float32 ``(batch, time, tags)``, 0 at masked steps."""
    scores, transitions, mask = _prepare(emissions, transitions, start, end, mask)
    return _run(_posteriors, scores, mask, transitions=transitions)[1]


def viterbi_decode(emissions, transitions, start=None, end=None, mask=None):
    """The best path of each row.

    Returns:
        A pair: the tags, int32 ``(batch, time)``, 0 at masked steps; and their scores, float32 ``(batch,)``.
    """
    scores, transitions, mask = _prepare(emissions, transitions, start, end, mask)
    return _viterbi_decode(scores, mask, transitions=transitions)


def nbest_viterbi_decode(emissions, transitions, n, start=None, end=None, mask=None):
    """The ``n`` best paths of each row, best first.

    Returns:
        A pair: the tags, int32 ``(batch, n, time)``, 0 at masked steps; and their scores, float32 ``(batch, n)``.
        Where a row has fewer than ``n`` paths, the scores of the surplus are -inf.
    """
    scores, transitions, mask = _prepare(emissions, transitions, start, end, mask)
    real_first, lengths = _align_left(scores, mask)
    tags, best = recursions.nbest_viterbi(real_first, transitions, lengths, n)
    # An empty row has one path, the empty one.
    only_first = ops.where(ops.arange(n) == 0, 0.0, -float("inf"))
    return _restore_paths(tags, mask), ops.where((lengths > 0)[:, None], best, only_first)


def sample(emissions, transitions, n, start=None, end=None, mask=None, seed=None):
    """Draw ``n`` independent paths of each row from its distribution.

    Args:
        n: int, paths a row.
        seed: int or `keras.random.SeedGenerator`.

    Returns:
        Tags, int32 ``(batch, n, time)``, 0 at masked steps.
    """
    scores, transitions, mask = _prepare(emissions, transitions, start, end, mask)
    real_first, lengths = _align_left(scores, mask)
    batch, time, num_tags = ops.shape(scores)
    noise = recursions.gumbel_noise((time, n, batch, num_tags), seed)
    return _restore_paths(recursions.sample(real_first, transitions, lengths, noise), mask)


# Inputs below: scores (batch, time, tags) float32 with start and end added, mask (batch, time) bool, no gradients.


@compiled(returns="rows steps rows scalar")
def _posteriors(scores, mask, *, transitions, exact=False):
    real_first, lengths = _align_left(scores, mask)
    log_z, unary, pairwise, in_doubt = recursions.posteriors(real_first, transitions, lengths, exact)
    empty = lengths == 0
    pairwise = ops.where(empty[:, None, None], 0.0, pairwise)
    return ops.where(empty, 0.0, log_z), _restore(unary, mask), pairwise, in_doubt


@compiled(returns="rows steps rows scalar")
def _likelihoods(scores, tags, mask, *, transitions, exact=False):
    log_z, expected_unary, expected_pairwise, in_doubt = _posteriors.plain(
        scores, mask, transitions=transitions, exact=exact
    )
    unary, pairwise = _path_counts(tags, mask, ops.shape(scores)[-1])
    score = ops.sum(scores * unary, axis=(1, 2)) + ops.sum(transitions * pairwise, axis=(1, 2))
    return score - log_z, unary - expected_unary, pairwise - expected_pairwise, in_doubt


def _run(program, *sequences, transitions):
    """The results of the fast loop, or of the exact one if those are in doubt."""
    *results, in_doubt = program(*sequences, transitions=transitions)
    return ops.cond(
        in_doubt,
        lambda: program.plain(*sequences, transitions=transitions, exact=True)[:3],
        lambda: tuple(results),
    )


@compiled(returns="steps rows", in_graphs=False)
def _viterbi_decode(scores, mask, *, transitions):
    real_first, lengths = _align_left(scores, mask)
    tags, best = recursions.viterbi(real_first, transitions, lengths)
    return _restore(tags, mask), ops.where(lengths > 0, best, 0.0)


def _with_derivatives(value, *pairs):
    """`value`, whose derivative by each tensor (last axes, one per row) is the array beside it."""
    linear = 0.0
    for tensor, derivative in pairs:
        linear = linear + ops.sum(ops.stop_gradient(derivative) * tensor, axis=(1, 2))
    return ops.stop_gradient(value) + (linear - ops.stop_gradient(linear))


def _prepare(emissions, transitions, start, end, mask):
    """Check and cast; add start and end to the scores of the first and the last real step of each row."""
    scores = ops.cast(ops.convert_to_tensor(emissions), "float32")
    transitions = ops.cast(ops.convert_to_tensor(transitions), "float32")
    if len(scores.shape) != 3:
        raise ValueError(f"emissions must have the shape (batch, time, tags). Received: {tuple(scores.shape)}")
    num_tags = scores.shape[-1]
    if tuple(transitions.shape) != (num_tags, num_tags):
        raise ValueError(
            f"transitions must have the shape (tags, tags) = ({num_tags}, {num_tags}), as the emissions have "
            f"{num_tags} tags. Received: {tuple(transitions.shape)}"
        )
    if mask is None:
        mask = ops.ones(ops.shape(scores)[:2], dtype="bool")
    else:
        mask = ops.cast(ops.convert_to_tensor(mask), "bool")
        if len(mask.shape) != 2:
            raise ValueError(f"mask must have the shape (batch, time). Received: {tuple(mask.shape)}")
    if start is not None or end is not None:
        rank = ops.cumsum(ops.cast(mask, "int32"), axis=1)
        for bonus, place in ((start, 1), (end, rank[:, -1:])):
            if bonus is not None:
                here = ops.logical_and(mask, rank == place)[..., None]
                scores = scores + ops.cast(here, "float32") * ops.cast(bonus, "float32")
    return scores, transitions, mask


def _prepare_tags(tags):
    tags = ops.cast(ops.convert_to_tensor(tags), "int32")
    if len(tags.shape) != 2:
        raise ValueError(f"tags must be integers of the shape (batch, time). Received: {tuple(tags.shape)}")
    return tags


def _align_left(x, mask):
    """Move the real steps of each row to its beginning. Returns them and their number ``(batch,)``."""

    def sort():
        place = ops.arange(ops.shape(mask)[1], dtype="int32")
        return _take_steps(x, ops.argsort(ops.where(mask, place, place + ops.shape(mask)[1]), axis=1))

    return ops.cond(_is_aligned(mask), lambda: x, sort), _lengths(mask)


def _restore(x, mask):
    """Undo `_align_left`; zeros at masked steps."""

    def spread():
        return _take_steps(x, ops.maximum(ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1, 0))

    visible = ops.reshape(mask, ops.shape(mask) + (1,) * (len(x.shape) - 2))
    return ops.where(visible, ops.cond(_is_aligned(mask), lambda: x, spread), ops.cast(0, x.dtype))


def _is_aligned(mask):
    """Whether all padding is on the right, as it mostly is; then sorting, which costs as much as a loop, is saved."""
    return ops.all(mask == (ops.arange(ops.shape(mask)[1], dtype="int32") < _lengths(mask)[:, None]))


def _lengths(mask):
    return ops.sum(ops.cast(mask, "int32"), axis=1)


def _restore_paths(paths, mask):
    """`_restore` for several paths a row, ``(batch, n, time)``."""
    return ops.transpose(_restore(ops.transpose(paths, (0, 2, 1)), mask), (0, 2, 1))


def _take_steps(x, order):
    """``x[b, order[b, t]]``."""
    batch, time = ops.shape(order)
    rows = ops.cast(ops.arange(batch), "int32")[:, None] * time
    flat = ops.reshape(x, (batch * time, *tuple(x.shape[2:])))
    return ops.take(flat, rows + ops.cast(order, "int32"), axis=0)


def _path_counts(tags, mask, num_tags):
    """One-hot tags ``(batch, time, tags)`` and the number of times each transition is taken ``(batch, tags, tags)``."""
    unary = ops.where(mask[..., None], ops.one_hot(tags, num_tags, dtype="float32"), 0.0)
    in_order, lengths = _align_left(tags, mask)
    real = ops.arange(ops.shape(tags)[1], dtype="int32") < lengths[:, None]
    in_order = ops.where(real[..., None], ops.one_hot(in_order, num_tags, dtype="float32"), 0.0)
    pairwise = ops.matmul(ops.transpose(in_order[:, :-1], (0, 2, 1)), in_order[:, 1:])
    return unary, pairwise
