"""Every dynamic program against the enumeration of all paths."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from nlpkit.ops import linear_chain

from . import backend
from .backend import array, gradients

STEPS = 7


class Chains:
    """Random chains of every length from 0 to 5, their real steps anywhere among the masked ones."""

    def __init__(self, num_tags, scale=1.0, seed=0, forbid=False):
        rng = np.random.default_rng(seed)
        lengths = np.repeat(np.arange(6), 3)
        self.mask = np.zeros((len(lengths), STEPS), bool)
        for row, length in enumerate(lengths):
            self.mask[row, rng.permutation(STEPS)[:length]] = True
        self.emissions = (rng.normal(size=(len(lengths), STEPS, num_tags)) * scale).astype("float32")
        self.transitions = (rng.normal(size=(num_tags, num_tags)) * scale).astype("float32")
        self.start, self.end = (rng.normal(size=(2, num_tags)) * scale).astype("float32")
        if forbid:
            self.transitions[0, 1:] = linear_chain.IMPOSSIBLE
        self.tags = rng.integers(0, num_tags, (len(lengths), STEPS))

    @property
    def scores(self):
        return {"transitions": self.transitions, "start": self.start, "end": self.end, "mask": self.mask}

    @property
    def partial_tags(self):
        """The tags, of which about half are unknown: in the last rows of each length some, none and all of them."""
        unknown = np.random.default_rng(9).random(self.tags.shape) < 0.5
        unknown[1::3], unknown[2::3] = False, True
        return np.where(unknown, linear_chain.UNLABELLED, self.tags)

    def paths(self, row, tags=None):
        """All paths of a row and their scores, in float64; with tags ``(time,)`` only those that agree with them."""
        emissions = self.emissions[row][self.mask[row]].astype("float64")
        scores = {}
        for path in itertools.product(range(emissions.shape[1]), repeat=len(emissions)):
            if tags is not None and any(t not in (tag, -100) for t, tag in zip(tags[self.mask[row]], path)):
                continue
            score = sum(emissions[t, tag] for t, tag in enumerate(path))
            score += sum(float(self.transitions[a, b]) for a, b in itertools.pairwise(path))
            if path:
                score += float(self.start[path[0]]) + float(self.end[path[-1]])
            scores[path] = score
        return scores


def log_sum(scores):
    scores = np.array(list(scores))
    return scores.max() + np.log(np.exp(scores - scores.max()).sum())


CASES = [(tags, scale, forbid) for tags in (1, 2, 4) for scale, forbid in ((1, False), (1, True), (100, True))]


@pytest.fixture(params=CASES, ids=lambda c: f"{c[0]}tags-x{c[1]}{'-forbidden' if c[2] else ''}")
def chains(request):
    return Chains(*request.param[:2], forbid=request.param[2])


def close(chains):
    # float32 holds about seven digits of sums that reach a few times the scale, or the score of what is forbidden.
    return {"rtol": 1e-5, "atol": 1e-4 * max(1.0, np.abs(chains.emissions).max())}


def test_log_normalizer(chains):
    expected = [log_sum(chains.paths(row).values()) for row in range(len(chains.mask))]
    np.testing.assert_allclose(
        array(linear_chain.log_normalizer(chains.emissions, **chains.scores)), expected, **close(chains)
    )


def test_path_score_and_log_likelihood(chains):
    score = array(linear_chain.path_score(chains.emissions, chains.tags, **chains.scores))
    log_p = array(linear_chain.log_likelihood(chains.emissions, chains.tags, **chains.scores))
    for row, real in enumerate(chains.mask):
        paths = chains.paths(row)
        expected = paths[tuple(chains.tags[row][real])]
        np.testing.assert_allclose(score[row], expected, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(log_p[row], expected - log_sum(paths.values()), rtol=1e-5, atol=1e-2)


def tensor_gradient(function, x):
    """Gradient of a scalar function by one tensor, usable inside a graph; not on PyTorch."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(function)(x)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x)


def in_graph(function, *arrays, jit=False):
    """`backend.in_graph`, on TensorFlow compiled by XLA if asked to."""
    if jit and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)(*(ops.convert_to_tensor(a) for a in arrays))
    return backend.in_graph(function, *arrays)


def expected_counts(chains, row, labels=None):
    """Posterior of tags by step and expected number of transitions, by enumeration."""
    paths = chains.paths(row, labels)
    log_z = log_sum(paths.values())
    num_tags = len(chains.transitions)
    unary = np.zeros((chains.mask[row].sum(), num_tags))
    pairwise = np.zeros((num_tags, num_tags))
    for path, score in paths.items():
        p = np.exp(score - log_z)
        for step, tag in enumerate(path):
            unary[step, tag] += p
        for a, b in itertools.pairwise(path):
            pairwise[a, b] += p
    return unary, pairwise


def test_marginals(chains):
    found = array(linear_chain.marginals(chains.emissions, **chains.scores))
    for row, real in enumerate(chains.mask):
        np.testing.assert_allclose(found[row][real], expected_counts(chains, row)[0], atol=2e-3)
        assert (found[row][~real] == 0).all()


def test_gradients_are_expected_counts(chains):
    weights = np.linspace(0.5, 2, len(chains.mask)).astype("float32")

    def total(emissions, transitions, start, end):
        log_z = linear_chain.log_normalizer(emissions, transitions, start, end, chains.mask)
        return ops.sum(log_z * ops.convert_to_tensor(weights))

    _, (emissions, transitions, start, end) = gradients(
        total, chains.emissions, chains.transitions, chains.start, chains.end
    )
    expected_transitions, expected_start, expected_end = 0, 0, 0
    for row, real in enumerate(chains.mask):
        unary, pairwise = expected_counts(chains, row)
        np.testing.assert_allclose(emissions[row][real], unary * weights[row], atol=5e-3)
        assert (emissions[row][~real] == 0).all()
        expected_transitions += pairwise * weights[row]
        if len(unary):
            expected_start += unary[0] * weights[row]
            expected_end += unary[-1] * weights[row]
    np.testing.assert_allclose(transitions, expected_transitions, atol=2e-2)
    np.testing.assert_allclose(start, expected_start, atol=2e-2)
    np.testing.assert_allclose(end, expected_end, atol=2e-2)


def test_likelihood_gradient_is_observed_minus_expected():
    chains = Chains(3)
    scores = {**chains.scores}
    transitions = scores.pop("transitions")

    def total(emissions, transitions):
        return ops.sum(linear_chain.log_likelihood(emissions, chains.tags, transitions, **scores))

    _, (by_emissions, by_transitions) = gradients(total, chains.emissions, transitions)
    observed = np.eye(3)[chains.tags] * chains.mask[..., None]
    expected = array(linear_chain.marginals(chains.emissions, **chains.scores))
    np.testing.assert_allclose(by_emissions, observed - expected, atol=1e-4)
    counts = np.zeros((3, 3))
    for row, real in enumerate(chains.mask):
        for a, b in itertools.pairwise(chains.tags[row][real]):
            counts[a, b] += 1
        counts -= expected_counts(chains, row)[1]
    np.testing.assert_allclose(by_transitions, counts, atol=1e-3)


def test_unlabelled_steps_are_summed_out(chains):
    tags = chains.partial_tags
    weights = np.linspace(0.5, 2, len(tags)).astype("float32")

    def total(emissions, transitions):
        scores = {**chains.scores, "transitions": transitions}
        log_p = linear_chain.log_likelihood(emissions, tags, **scores)
        return ops.sum(log_p * ops.convert_to_tensor(weights))

    _, (by_emissions, by_transitions) = gradients(total, chains.emissions, chains.transitions)
    log_p = array(linear_chain.log_likelihood(chains.emissions, tags, **chains.scores))
    expected_transitions = np.zeros_like(chains.transitions)
    for row, real in enumerate(chains.mask):
        expected = log_sum(chains.paths(row, tags[row]).values()) - log_sum(chains.paths(row).values())
        np.testing.assert_allclose(log_p[row], expected, rtol=1e-5, atol=1e-2)
        labelled, free = expected_counts(chains, row, tags[row]), expected_counts(chains, row)
        np.testing.assert_allclose(by_emissions[row][real], (labelled[0] - free[0]) * weights[row], atol=2e-2)
        expected_transitions += (labelled[1] - free[1]) * weights[row]
        if (tags[row][real] == linear_chain.UNLABELLED).all():
            assert log_p[row] == 0
            assert (by_emissions[row] == 0).all()
    np.testing.assert_allclose(by_transitions, expected_transitions, atol=5e-2)


def test_only_unlabelled_batches_pay_for_unlabelled_steps(monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("the loop for unlabelled steps ran")

    chains = Chains(3)
    monkeypatch.setattr(linear_chain, "_partial_likelihoods", refuse)
    tags = np.where(chains.mask, chains.tags, linear_chain.UNLABELLED)  # masked steps don't count
    found = array(linear_chain.log_likelihood(chains.emissions, tags, **chains.scores))
    np.testing.assert_array_equal(
        found, array(linear_chain.log_likelihood(chains.emissions, chains.tags, **chains.scores))
    )
    with pytest.raises(RuntimeError):
        linear_chain.log_likelihood(chains.emissions, chains.partial_tags, **chains.scores)


@pytest.mark.parametrize(("dtype", "jit"), [("int32", False), ("float32", True)])
def test_unlabelled_steps_and_wrong_tags_inside_a_graph(dtype, jit):
    chains = Chains(3)
    tags = chains.partial_tags
    expected = array(linear_chain.log_likelihood(chains.emissions, tags, **chains.scores))
    wrong = tags.copy()
    wrong[7, chains.mask[7].argmax()] = 3
    wrong[~chains.mask] = -7

    def likelihoods(emissions, tags, mask):
        scores = {**chains.scores, "mask": mask}
        return linear_chain.log_likelihood(emissions, tags, **scores)

    found = array(in_graph(likelihoods, chains.emissions, tags.astype(dtype), chains.mask, jit=jit))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    if keras.backend.backend() != "torch":
        found = array(in_graph(likelihoods, chains.emissions, wrong.astype(dtype), chains.mask, jit=jit))
        np.testing.assert_array_equal(np.isnan(found), np.arange(len(tags)) == 7)
        np.testing.assert_allclose(np.delete(found, 7), np.delete(expected, 7), rtol=1e-5, atol=1e-5)


def test_a_wrong_tag_inside_a_graph_makes_gradients_of_its_row_nan():
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no graph here and raises an error")
    chains = Chains(2)
    wrong = chains.tags.copy()
    wrong[7, chains.mask[7].argmax()] = 2
    for function in (linear_chain.log_likelihood, linear_chain.path_score):

        def gradient(emissions, tags, function=function):
            return tensor_gradient(lambda x: ops.sum(function(x, tags, **chains.scores)), emissions)

        found = array(in_graph(gradient, chains.emissions, wrong))
        assert np.isnan(found[7][chains.mask[7]]).all()
        assert np.isfinite(np.delete(found, 7, axis=0)).all()


def test_partial_path_score_counts_what_is_labelled():
    chains = Chains(3)
    tags = chains.partial_tags
    weights = np.random.default_rng(0).random(tags.shape).astype("float32")
    alone = array(linear_chain.partial_path_score(chains.emissions, tags, **chains.scores))
    weighted = array(linear_chain.partial_path_score(chains.emissions, tags, weights=weights, **chains.scores))
    for row, real in enumerate(chains.mask):
        path, x, w = tags[row][real], chains.emissions[row][real], weights[row][real]
        scores = np.zeros(len(path))
        for t, tag in enumerate(path):
            if tag != linear_chain.UNLABELLED:
                scores[t] = x[t, tag] + (t == 0) * chains.start[tag] + (t == len(path) - 1) * chains.end[tag]
                if t and path[t - 1] != linear_chain.UNLABELLED:
                    scores[t] += chains.transitions[path[t - 1], tag]
        np.testing.assert_allclose(alone[row], scores.sum(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(weighted[row], (scores * w).sum(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int64", "float32"])
@pytest.mark.parametrize("wrong", [-1, 3, -101, 0.5, float("nan")])
def test_wrong_tags_are_refused_where_they_can_be_seen(wrong, dtype):
    if dtype == "int64" and wrong != wrong // 1:
        pytest.skip("integers are whole")
    emissions, transitions = np.zeros((2, 4, 3), "float32"), np.zeros((3, 3), "float32")
    tags = np.zeros((2, 4), dtype)
    tags[1, 2] = wrong
    mask = np.ones((2, 4), bool)
    for given in (tags, ops.convert_to_tensor(tags)):
        for function in (linear_chain.log_likelihood, linear_chain.path_score, linear_chain.partial_path_score):
            with pytest.raises(ValueError, match=rf"from 0 to 2.*Received: {wrong:g} at row 1, step 2"):
                function(emissions, given, transitions, mask=mask)
            hidden = mask.copy()
            hidden[1, 2] = False
            assert np.isfinite(array(function(emissions, given, transitions, mask=hidden))).all()


def test_an_unlabelled_path_has_no_score():
    emissions, transitions = np.zeros((1, 2, 3), "float32"), np.zeros((3, 3), "float32")
    tags = np.array([[0, linear_chain.UNLABELLED]])
    with pytest.raises(ValueError, match=r"an unlabelled step \(-100\) has no score. Received: -100 at row 0, step 1"):
        linear_chain.path_score(emissions, tags, transitions)
    if keras.backend.backend() != "torch":
        found = in_graph(lambda x, tags: linear_chain.path_score(x, tags, transitions), emissions, tags)
        assert np.isnan(array(found)).all()


def test_viterbi(chains):
    tags, scores = map(array, linear_chain.viterbi_decode(chains.emissions, **chains.scores))
    for row, real in enumerate(chains.mask):
        paths = chains.paths(row)
        best = max(paths.values())
        np.testing.assert_allclose(paths[tuple(tags[row][real])], best, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(scores[row], best, rtol=1e-5, atol=1e-3)
        assert (tags[row][~real] == 0).all()


def test_nbest_viterbi(chains):
    n = 5
    tags, scores = map(array, linear_chain.nbest_viterbi_decode(chains.emissions, n=n, **chains.scores))
    assert tags.shape == (len(chains.mask), n, STEPS)
    for row, real in enumerate(chains.mask):
        paths = chains.paths(row)
        expected = sorted(paths.values(), reverse=True)[:n]
        np.testing.assert_allclose(scores[row][: len(expected)], expected, rtol=1e-5, atol=1e-2)
        assert (scores[row][len(expected) :] == -np.inf).all()
        found = [tuple(path[real]) for path in tags[row][: len(expected)]]
        assert len(set(found)) == len(found)
        np.testing.assert_allclose([paths[path] for path in found], expected, rtol=1e-5, atol=1e-2)


def test_samples_follow_the_distribution():
    chains = Chains(3, seed=3)
    n = 4000
    draws = array(linear_chain.sample(chains.emissions, n=n, seed=1, **chains.scores))
    assert draws.shape == (len(chains.mask), n, STEPS)
    for row, real in enumerate(chains.mask):
        assert (draws[row][:, ~real] == 0).all()
        unary, _ = expected_counts(chains, row)
        for step, probabilities in enumerate(unary):
            found = np.bincount(draws[row][:, real][:, step], minlength=3) / n
            np.testing.assert_allclose(found, probabilities, atol=0.04)


def test_masked_is_truncated_and_batched_is_alone():
    chains = Chains(4)
    options = {**chains.scores}
    del options["mask"]
    together = array(linear_chain.log_normalizer(chains.emissions, **chains.scores))
    together_tags = array(linear_chain.viterbi_decode(chains.emissions, **chains.scores)[0])
    for row, real in enumerate(chains.mask):
        if not real.any():
            continue
        alone = chains.emissions[row][real][None]
        np.testing.assert_allclose(array(linear_chain.log_normalizer(alone, **options))[0], together[row], rtol=1e-5)
        tags = array(linear_chain.viterbi_decode(alone, **options)[0])[0]
        assert (tags == together_tags[row][real]).all()


def test_inside_a_graph_with_unknown_shapes():
    chains = Chains(3)

    def everything(emissions, mask):
        scores = {**chains.scores, "mask": mask}
        return (
            linear_chain.log_normalizer(emissions, **scores),
            linear_chain.marginals(emissions, **scores),
            *linear_chain.viterbi_decode(emissions, **scores),
            *linear_chain.nbest_viterbi_decode(emissions, n=2, **scores),
        )

    eager = everything(chains.emissions, chains.mask)
    for one, other in zip(eager, in_graph(everything, chains.emissions, chains.mask)):
        np.testing.assert_allclose(array(one), array(other), rtol=1e-5, atol=1e-5)


def test_scores_far_apart_take_the_exact_way():
    # In the exponential domain tag 0 is lost at the first step, though the best path goes through it.
    emissions = np.array([[[-100.0, 0.0], [250.0, 0.0], [-100.0, 0.0]]], "float32")
    transitions = np.array([[0.0, -1e4], [-1e4, 0.0]], "float32")
    np.testing.assert_allclose(array(linear_chain.log_normalizer(emissions, transitions)), [50.0], rtol=1e-6)
    np.testing.assert_allclose(array(linear_chain.marginals(emissions, transitions))[0, :, 0], 1.0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_float_types_are_computed_in_float32(dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no float64 unless it is switched on")
    chains = Chains(3)
    emissions = ops.cast(chains.emissions, dtype)
    found = linear_chain.log_normalizer(emissions, **chains.scores)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    rounded = array(ops.cast(emissions, "float32"))
    np.testing.assert_allclose(array(found), array(linear_chain.log_normalizer(rounded, **chains.scores)), rtol=1e-5)


def test_one_step_and_one_tag():
    assert array(linear_chain.log_normalizer(np.zeros((2, 1, 1), "float32"), np.zeros((1, 1)))).tolist() == [0, 0]
    assert array(linear_chain.viterbi_decode(np.zeros((2, 1, 3), "float32"), np.zeros((3, 3)))[0]).shape == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3)), np.zeros((3, 3))), r"emissions must have the shape \(batch, time, tags\)"),
        ((np.zeros((2, 4, 3)), np.zeros((2, 2))), r"transitions must have the shape \(tags, tags\) = \(3, 3\)"),
        ((np.zeros((2, 4, 3)), np.zeros((3, 3)), None, None, np.ones(4)), "mask must have the shape"),
        ((np.zeros((2, 4, 3)), np.zeros((3, 3)), None, None, np.ones((2, 5))), r"\(2, 4\). Received: \(2, 5\)"),
    ],
)
def test_wrong_shapes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        linear_chain.viterbi_decode(*arguments)


def test_tags_of_another_shape_are_named():
    for shape in ((2, 5), (2, 4, 1)):
        with pytest.raises(ValueError, match=r"tags must .*\(batch, time\).*Received: \(2, "):
            linear_chain.log_likelihood(np.zeros((2, 4, 3)), np.zeros(shape), np.zeros((3, 3)))
