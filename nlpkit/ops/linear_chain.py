"""Linear-chain dynamic programs on tensors, for any Keras backend.

All functions share these arguments:

* ``emissions``: float ``(batch, time, tags)``, the score of each tag at each step;
* ``transitions``: float ``(tags, tags)``; ``transitions[i, j]`` is the score of tag ``j`` right after tag ``i``;
* ``start``, ``end``: float ``(tags,)``, optional scores of the first and of the last tag of a row;
* ``mask``: bool ``(batch, time)``, optional. A step whose mask is off does not exist: its neighbours become
  adjacent. Padding may be on the right, on the left or in between, and a row may be empty;
* ``tags``: integer ``(batch, time)``, from 0 to tags - 1, or `UNLABELLED` (-100) where the tag of a step is not known.
  Values at masked steps are ignored. Whole-valued floats are accepted.

The score of a path is the sum of its emissions and transitions, with ``start`` and ``end``; the distribution over the
paths of a row is the softmax of their scores. Everything is computed in float32 whatever the inputs are. A score more
than 5,000 below the best one of its step (`IMPOSSIBLE` is -10,000) counts as impossible.

A tag that is neither accepted nor masked raises a `ValueError` where values are visible, and makes its row's value and
gradient NaN inside a compiled graph.

`log_normalizer` and `log_likelihood` carry their exact first derivatives, the posterior marginals, computed by the
forward and the backward recursion in one loop. Derivatives of a higher order are not defined. `path_score` and
`partial_path_score` are sums, which the backend differentiates. The other functions have no derivatives.

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
    Models, for the recursions and their scaling. Tsuboi et al. (2008), Training Conditional Random Fields Using
    Incomplete Annotations, for unlabelled steps.
"""

from typing import Any

import keras
from keras import ops

from nlpkit.ops import recursions
from nlpkit.ops.alignment import align_left, restore, restore_paths
from nlpkit.ops.chain_inputs import UNLABELLED, exists, has_wrong_tag, prepare, prepare_tags
from nlpkit.ops.compiled import compiled
from nlpkit.ops.recursions import IMPOSSIBLE
from nlpkit.ops.visible import cond

__all__ = [
    "IMPOSSIBLE",
    "UNLABELLED",
    "log_likelihood",
    "log_normalizer",
    "marginals",
    "nbest_viterbi_decode",
    "partial_path_score",
    "path_score",
    "sample",
    "viterbi_decode",
]

# Keeps a path off a tag: far below the sum of many `IMPOSSIBLE`s, so that a forbidden path that is labelled still wins.
_EXCLUDED = -1e8


def log_normalizer(emissions: Any, transitions: Any, start: Any = None, end: Any = None, mask: Any = None) -> Any:
    """Log of the sum of ``exp(score)`` over all paths of each row.

    Args:
        emissions: float ``(batch, time, tags)``.
        transitions: float ``(tags, tags)``.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float32 ``(batch,)``, 0 for an empty row. Its gradients are the posterior marginals.

    Raises:
        ValueError: if a shape does not fit.

    Example:

        >>> import numpy as np
        >>> log_z = log_normalizer(np.zeros((1, 3, 2)), np.zeros((2, 2)))
        >>> round(float(log_z[0]), 4)  # log of 2 ** 3 paths
        2.0794

    References:
        Rabiner (1989), A Tutorial on Hidden Markov Models: the forward-backward algorithm.
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    log_z, unary, pairwise = _run(
        _posteriors, ops.stop_gradient(scores), mask, transitions=ops.stop_gradient(transitions)
    )
    return _with_derivatives(log_z, (scores, unary), (transitions, pairwise))


def log_likelihood(
    emissions: Any, tags: Any, transitions: Any, start: Any = None, end: Any = None, mask: Any = None
) -> Any:
    """Log probability of the labels of each row.

    That is the log probability of the given path; with `UNLABELLED` steps, it is the log of the summed probabilities of
    all paths that agree with the tags of the other steps. A batch with such steps takes two to three times as long.

    Args:
        emissions: float ``(batch, time, tags)``.
        tags: integer ``(batch, time)``, from 0 to tags - 1, or -100; ignored at masked steps.
        transitions: float ``(tags, tags)``.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float32 ``(batch,)``, 0 for a row that is empty or has no label at all. Its gradients are the marginals under
        the labels (for a fully labelled row its own tags) minus the marginals without them.

    Raises:
        ValueError: if a shape does not fit, or a tag is not accepted (see the module; NaN inside a graph).

    Example:

        >>> import numpy as np
        >>> log_p = log_likelihood(np.zeros((2, 3, 2)), np.array([[0, 1, 0], [0, -100, 1]]), np.zeros((2, 2)))
        >>> np.exp(np.asarray(log_p)).round(4).tolist()  # one of 8 paths, and two of them
        [0.125, 0.25]

    References:
        Lafferty, McCallum and Pereira (2001), Conditional Random Fields. Tsuboi et al. (2008), Training Conditional
        Random Fields Using Incomplete Annotations.
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    tags = prepare_tags(tags, mask, scores.shape)
    free_scores, free_transitions = ops.stop_gradient(scores), ops.stop_gradient(transitions)
    *results, in_doubt = _likelihoods(free_scores, tags, mask, transitions=free_transitions)
    log_p, unary, pairwise = cond(
        in_doubt,
        lambda: _special_likelihoods(free_scores, tags, mask, free_transitions),
        lambda: tuple(results),
    )
    return _with_derivatives(log_p, (scores, unary), (transitions, pairwise))


def path_score(
    emissions: Any, tags: Any, transitions: Any, start: Any = None, end: Any = None, mask: Any = None
) -> Any:
    """Score of the given path of each row.

    Args:
        emissions: float ``(batch, time, tags)``.
        tags: integer ``(batch, time)``, from 0 to tags - 1; ignored at masked steps. `UNLABELLED` is not accepted: an
            unknown path has no score.
        transitions: float ``(tags, tags)``.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float32 ``(batch,)``, 0 for an empty row.

    Raises:
        ValueError: if a shape does not fit, or a tag is not accepted (NaN inside a graph).

    Example:

        >>> import numpy as np
        >>> emissions = np.array([[[1.0, 2.0], [3.0, 4.0]]])
        >>> float(path_score(emissions, np.array([[1, 0]]), np.array([[0.0, 0.0], [0.5, 0.0]]))[0])
        5.5
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    tags = prepare_tags(tags, mask, scores.shape, unlabelled=False)
    unlabelled = ops.logical_and(mask, tags == UNLABELLED)
    return _score(scores, tags, mask, transitions) * _nan_where(ops.any(unlabelled, axis=1))


def partial_path_score(
    emissions: Any,
    tags: Any,
    transitions: Any,
    start: Any = None,
    end: Any = None,
    mask: Any = None,
    weights: Any = None,
) -> Any:
    """Sum of the scores of labelled steps, and of transitions between two labelled neighbours.

    For a chain of independent steps that are normalised one by one (log probabilities as emissions, transitions 0),
    this is the log probability of the labels.

    Args:
        emissions: float ``(batch, time, tags)``.
        tags: integer ``(batch, time)``, from 0 to tags - 1, or -100; ignored at masked steps.
        transitions: float ``(tags, tags)``.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.
        weights: optional float ``(batch, time)``, factors of the score of each step and of the transition into it.

    Returns:
        float32 ``(batch,)``, 0 for a row without labels.

    Raises:
        ValueError: if a shape does not fit, or a tag is not accepted (NaN inside a graph).

    Example:

        >>> import numpy as np
        >>> emissions = np.array([[[1.0, 2.0], [3.0, 4.0]]])
        >>> float(partial_path_score(emissions, np.array([[1, -100]]), np.zeros((2, 2)))[0])
        2.0
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    return _score(scores, prepare_tags(tags, mask, scores.shape), mask, transitions, weights)


def marginals(emissions: Any, transitions: Any, start: Any = None, end: Any = None, mask: Any = None) -> Any:
    """Posterior probability of each tag at each step.

    Args:
        emissions: float ``(batch, time, tags)``.
        transitions: float ``(tags, tags)``.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float32 ``(batch, time, tags)``; the tags of a step sum to 1, those of a masked step are all 0. No gradient.

    Raises:
        ValueError: if a shape does not fit.

    Example:

        >>> import numpy as np
        >>> np.asarray(marginals(np.zeros((1, 2, 2)), np.zeros((2, 2)))).tolist()
        [[[0.5, 0.5], [0.5, 0.5]]]

    References:
        Rabiner (1989), A Tutorial on Hidden Markov Models: the forward-backward algorithm.
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    return _run(_posteriors, scores, mask, transitions=transitions)[1]


def viterbi_decode(
    emissions: Any, transitions: Any, start: Any = None, end: Any = None, mask: Any = None
) -> tuple[Any, Any]:
    """The best path of each row.

    Args:
        emissions: float ``(batch, time, tags)``.
        transitions: float ``(tags, tags)``.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        A pair: the tags, int32 ``(batch, time)``, 0 at masked steps; and their scores, float32 ``(batch,)``.

    Raises:
        ValueError: if a shape does not fit.

    Example:

        >>> import numpy as np
        >>> tags, scores = viterbi_decode(np.array([[[0.0, 1.0], [3.0, 2.0]]]), np.zeros((2, 2)))
        >>> np.asarray(tags).tolist(), np.asarray(scores).tolist()
        ([[1, 0]], [4.0])

    References:
        Viterbi (1967), Error Bounds for Convolutional Codes and an Asymptotically Optimum Decoding Algorithm.
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    return _viterbi_decode(scores, mask, transitions=transitions)


def nbest_viterbi_decode(
    emissions: Any, transitions: Any, n: int, start: Any = None, end: Any = None, mask: Any = None
) -> tuple[Any, Any]:
    """The ``n`` best paths of each row, best first.

    Args:
        emissions: float ``(batch, time, tags)``.
        transitions: float ``(tags, tags)``.
        n: int, number of paths per row.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        A pair: the tags, int32 ``(batch, n, time)``, 0 at masked steps; and their scores, float32 ``(batch, n)``.
        Where a row has fewer than ``n`` paths, the scores of the others are -inf.

    Raises:
        ValueError: if a shape does not fit.

    Example:

        >>> import numpy as np
        >>> tags, scores = nbest_viterbi_decode(np.array([[[0.0, 1.0], [3.0, 1.0]]]), np.zeros((2, 2)), n=2)
        >>> np.asarray(tags).tolist(), np.asarray(scores).tolist()
        ([[[1, 0], [0, 0]]], [[4.0, 3.0]])

    References:
        Seshadri and Sundberg (1994), List Viterbi Decoding Algorithms with Applications.
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    real_first, lengths = align_left(scores, mask)
    tags, best = recursions.nbest_viterbi(real_first, transitions, lengths, n)
    # An empty row has one path, the empty one.
    only_first = ops.where(ops.arange(n) == 0, 0.0, -float("inf"))
    return restore_paths(tags, mask), ops.where((lengths > 0)[:, None], best, only_first)


def sample(
    emissions: Any,
    transitions: Any,
    n: int,
    start: Any = None,
    end: Any = None,
    mask: Any = None,
    seed: int | keras.random.SeedGenerator | None = None,
) -> Any:
    """Draw ``n`` independent paths of each row from its distribution.

    Args:
        emissions: float ``(batch, time, tags)``.
        transitions: float ``(tags, tags)``.
        n: int, number of paths per row.
        start: optional float ``(tags,)``.
        end: optional float ``(tags,)``.
        mask: optional bool ``(batch, time)``.
        seed: int or `keras.random.SeedGenerator`; the same int draws the same paths. None draws anew each time.

    Returns:
        Tags, int32 ``(batch, n, time)``, 0 at masked steps.

    Raises:
        ValueError: if a shape does not fit.

    Example:

        >>> import numpy as np
        >>> tuple(sample(np.zeros((2, 3, 4)), np.zeros((4, 4)), n=5, seed=0).shape)
        (2, 5, 3)

    References:
        Chib (1996), Calculating Posterior Distributions and Modal Estimates in Markov Mixture Models, for filtering
        forward and sampling backward.
    """
    scores, transitions, mask = prepare(emissions, transitions, start, end, mask)
    real_first, lengths = align_left(scores, mask)
    batch, time, num_tags = ops.shape(scores)
    noise = recursions.gumbel_noise((time, n, batch, num_tags), seed)
    return restore_paths(recursions.sample(real_first, transitions, lengths, noise), mask)


# Inputs below: scores (batch, time, tags) float32 with start and end added, mask (batch, time) bool, no gradients.


@compiled(returns="rows steps rows scalar")
def _posteriors(scores: Any, mask: Any, *, transitions: Any, exact: bool = False) -> tuple[Any, Any, Any, Any]:
    real_first, lengths = align_left(scores, mask)
    log_z, unary, pairwise, in_doubt = recursions.posteriors(real_first, transitions, lengths, exact)
    empty = lengths == 0
    pairwise = ops.where(empty[:, None, None], 0.0, pairwise)
    return ops.where(empty, 0.0, log_z), restore(unary, mask), pairwise, in_doubt


@compiled(returns="rows steps rows scalar")
def _likelihoods(scores: Any, tags: Any, mask: Any, *, transitions: Any) -> tuple[Any, Any, Any, Any]:
    """Log likelihoods and derivatives of fully labelled rows; the results are in doubt if a step is unlabelled."""
    log_z, expected_unary, expected_pairwise, in_doubt = _posteriors.plain(scores, mask, transitions=transitions)
    num_tags = scores.shape[-1]
    unary, pairwise = _path_counts(tags, mask, num_tags)
    score = ops.sum(scores * unary, axis=(1, 2)) + ops.sum(transitions * pairwise, axis=(1, 2))
    missing = ops.logical_and(mask, ops.logical_not(exists(tags, num_tags)))  # (batch, time)
    in_doubt = ops.logical_or(in_doubt, ops.any(missing))
    return score - log_z, unary - expected_unary, pairwise - expected_pairwise, in_doubt


@compiled(returns="rows steps rows scalar")
def _partial_likelihoods(
    scores: Any, tags: Any, mask: Any, *, transitions: Any, exact: bool = False
) -> tuple[Any, Any, Any, Any]:
    """`_likelihoods` where steps may be unlabelled: the paths that agree with the labels against all paths."""
    batch, num_tags = ops.shape(scores)[0], scores.shape[-1]
    labelled = ops.logical_and(mask, tags != UNLABELLED)  # (batch, time)
    excluded = ops.logical_and(labelled[..., None], tags[..., None] != ops.arange(num_tags, dtype="int32"))
    # Both sums over paths in one loop: (2 * batch, time, tags)
    both = ops.concatenate([ops.where(excluded, _EXCLUDED, scores), scores])
    log_z, unary, pairwise, in_doubt = _posteriors.plain(
        both, ops.concatenate([mask, mask]), transitions=transitions, exact=exact
    )
    log_p = log_z[:batch] - log_z[batch:]
    # The fast loop does not count transitions that are forbidden but labelled.
    in_doubt = ops.logical_or(in_doubt, ops.any(log_p < IMPOSSIBLE / 2))
    return log_p, unary[:batch] - unary[batch:], pairwise[:batch] - pairwise[batch:], in_doubt


def _special_likelihoods(scores: Any, tags: Any, mask: Any, transitions: Any) -> tuple[Any, Any, Any]:
    """The results where those of `_likelihoods` are in doubt; NaN for rows with a tag that is not accepted."""
    # Fully labelled rows are a special case; a separate branch for them would take as long to compile.
    log_p, unary, pairwise = _run(_partial_likelihoods, scores, tags, mask, transitions=transitions)
    factor = _nan_where(has_wrong_tag(tags, mask, scores.shape[-1]))  # (batch,)
    return log_p * factor, unary * factor[:, None, None], pairwise * factor[:, None, None]


def _run(program: Any, *sequences: Any, transitions: Any) -> Any:
    """The results of the fast loop, or of the exact one if they are in doubt."""
    *results, in_doubt = program(*sequences, transitions=transitions)
    return cond(
        in_doubt,
        lambda: program.plain(*sequences, transitions=transitions, exact=True)[:3],
        lambda: tuple(results),
    )


@compiled(returns="steps rows", in_graphs=False)
def _viterbi_decode(scores: Any, mask: Any, *, transitions: Any) -> tuple[Any, Any]:
    real_first, lengths = align_left(scores, mask)
    tags, best = recursions.viterbi(real_first, transitions, lengths)
    return restore(tags, mask), ops.where(lengths > 0, best, 0.0)


def _with_derivatives(value: Any, *pairs: tuple[Any, Any]) -> Any:
    """`value` with given derivatives: each pair holds a tensor and the derivative of each row by it."""
    linear: Any = 0.0
    for tensor, derivative in pairs:
        linear = linear + ops.sum(ops.stop_gradient(derivative) * tensor, axis=(1, 2))
    return ops.stop_gradient(value) + (linear - ops.stop_gradient(linear))


def _nan_where(rows: Any) -> Any:
    """A factor ``(batch,)`` that makes a value and its gradient NaN in these rows."""
    return ops.where(rows, float("nan"), 1.0)


def _score(scores: Any, tags: Any, mask: Any, transitions: Any, weights: Any = None) -> Any:
    """Sum over the labelled steps and the transitions between them ``(batch,)``; NaN for rows with a wrong tag."""
    num_tags = scores.shape[-1]
    unary, pairwise = _path_counts(tags, mask, num_tags, weights)
    score = ops.sum(scores * unary, axis=(1, 2)) + ops.sum(transitions * pairwise, axis=(1, 2))
    return score * _nan_where(has_wrong_tag(tags, mask, num_tags))


def _path_counts(tags: Any, mask: Any, num_tags: int, weights: Any = None) -> tuple[Any, Any]:
    """One-hot tags ``(batch, time, tags)`` and counts of the transitions of each path ``(batch, tags, tags)``.

    Weights ``(batch, time)`` multiply a step and the transition into it. Values that are no tag count as 0.
    """
    tags = ops.where(exists(tags, num_tags), tags, -1)  # zeros in one-hot, where PyTorch would refuse a high tag
    unary = ops.where(mask[..., None], ops.one_hot(tags, num_tags, dtype="float32"), 0.0)
    in_order, lengths = align_left(tags, mask)
    real = ops.arange(ops.shape(tags)[1], dtype="int32") < lengths[:, None]
    in_order = ops.where(real[..., None], ops.one_hot(in_order, num_tags, dtype="float32"), 0.0)
    after = in_order[:, 1:]  # (batch, time - 1, tags)
    if weights is not None:
        weights = ops.where(mask, ops.cast(weights, "float32"), 0.0)
        unary = unary * weights[..., None]
        after = after * align_left(weights, mask)[0][:, 1:, None]
    pairwise = ops.matmul(ops.transpose(in_order[:, :-1], (0, 2, 1)), after)
    return unary, pairwise
