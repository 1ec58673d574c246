"""Tags and their probabilities by NumPy, against the enumeration of all paths and against the graph."""

import itertools

import numpy as np
import pytest

from nlpkit.decoding import Chain, best_tags, path_posteriors
from nlpkit.layers import CRF, ViterbiDecoder
from nlpkit.ops import potentials

LENGTHS = np.array([5, 4, 2, 1])


@pytest.fixture(params=[(1, 1.0), (3, 1.0), (3, 100.0), (4, 5.0)], ids=str)
def chain(request):
    """Random potentials of some tags and scale, a third of the transitions forbidden."""
    num_tags, scale = request.param
    rng = np.random.default_rng(num_tags)
    transitions = rng.normal(0, scale, (num_tags, num_tags))
    transitions[(rng.random(transitions.shape) < 0.3) & ~np.eye(num_tags, dtype=bool)] = -1e4
    parts = (rng.normal(0, scale, (4, 5, num_tags)), transitions, *rng.normal(0, scale, (2, num_tags)))
    return Chain(*(part.astype("float32") for part in parts))


def scores_of(chain, row):
    """The score of each path of a row."""
    emissions, length = chain.emissions[row].astype("float64"), LENGTHS[row]
    return {
        path: chain.start[path[0]]
        + chain.end[path[-1]]
        + sum(emissions[t, tag] for t, tag in enumerate(path))
        + sum(chain.transitions[a, b] for a, b in itertools.pairwise(path))
        for path in itertools.product(range(emissions.shape[1]), repeat=length)
    }


def log_sum(scores):
    return np.logaddexp.reduce([*scores])


def test_best_tags_are_those_of_the_best_path(chain):
    tags = best_tags(chain, LENGTHS)
    for row, length in enumerate(LENGTHS):
        scores = scores_of(chain, row)
        assert scores[tuple(tags[row, :length])] == pytest.approx(max(scores.values()), rel=1e-5)
        assert not tags[row, length:].any()


def test_the_graph_decodes_the_same():
    rng = np.random.default_rng(0)
    head = CRF.from_labels(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    mask = np.arange(5) < LENGTHS[:, None]
    packed = head(rng.normal(0, 3, (4, 5, 5)).astype("float32"), mask=mask)
    chain = Chain.unpacked(np.asarray(packed))
    for found, expected in zip(chain, potentials.unpack(packed)):
        np.testing.assert_array_equal(found, np.asarray(expected))
    np.testing.assert_array_equal(best_tags(chain, LENGTHS), np.asarray(ViterbiDecoder()(packed)))


def test_posteriors_are_those_of_spans(chain):
    """Of each span of a path: all paths that have its tags there and whose next tag, if there is one, closes it."""
    num_tags = chain.emissions.shape[-1]
    closing = np.arange(num_tags) % 2 == 0
    paths = np.random.default_rng(1).integers(0, num_tags, (4, 5))
    logs = path_posteriors(chain, LENGTHS, paths, closing)
    for row, length in enumerate(LENGTHS):
        scores, path, found = scores_of(chain, row), tuple(paths[row, :length]), logs[row]
        np.testing.assert_array_equal(found[length:], 0)
        for a, b in itertools.combinations(range(length + 1), 2):
            has = [p[a:b] == path[a:b] and (b == length or closing[p[b]]) for p in scores]
            chosen = [score for score, it_has in zip(scores.values(), has) if it_has]
            expected = np.exp(log_sum(chosen) - log_sum(scores.values())) if chosen else 0
            span = np.exp(found[a, 0] + found[a + 1 : b, 1].sum() + found[b - 1, 2])
            np.testing.assert_allclose(span, expected, atol=1e-5, err_msg=f"row {row}, {a} to {b}")
