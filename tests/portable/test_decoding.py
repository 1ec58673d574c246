"""Beam search against enumeration of all sequences; nearest rows against all cosines."""

import itertools

import numpy as np
import pytest
from keras import ops

from nlpkit.decoding import NearestRows, beam_search

from .backend import array


def table_step(table, symbols):
    """Scores that depend on the symbol before: ``table[t, before, candidate]``, the state counts the steps."""

    def step(t, history, state):
        before = ops.where(t > 0, ops.take(history, ops.maximum(t - 1, 0), axis=2), 0)
        scores = ops.take(ops.take(table, t, axis=0), before, axis=0)
        return scores, ops.broadcast_to(symbols, ops.shape(scores)), [state[0] + 1]

    return step


def test_a_wide_beam_finds_the_best_of_all():
    rng = np.random.default_rng(0)
    for steps, size in itertools.product((1, 2, 4), (2, 3)):
        table = rng.normal(size=(steps, size, size)).astype("float32")
        width = size ** (steps - 1) * size
        step = table_step(ops.convert_to_tensor(table), ops.arange(size, dtype="int32"))
        found, scores = beam_search(step, [ops.zeros((2, width, 1), dtype="int32")], 2, steps, width)
        expected = {}
        for path in itertools.product(range(size), repeat=steps):
            expected[path] = sum(table[t, path[t - 1] if t else 0, path[t]] for t in range(steps))
        best = sorted(expected.values(), reverse=True)
        for row in range(2):
            np.testing.assert_allclose(array(scores)[row], best[:width], rtol=1e-4, atol=1e-5)
            for path, score in zip(array(found)[row], array(scores)[row]):
                np.testing.assert_allclose(expected[tuple(map(int, path))], score, rtol=1e-4, atol=1e-5)


def test_a_narrow_beam_returns_sequences_with_their_scores_in_order():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(5, 4, 4)).astype("float32")
    step = table_step(ops.convert_to_tensor(table), ops.arange(4, dtype="int32"))
    found, scores = map(array, beam_search(step, [ops.zeros((3, 2, 1), dtype="int32")], 3, 5, 2))
    assert (np.diff(scores, axis=1) <= 0).all()
    for path, score in zip(found[0], scores[0]):
        total = sum(table[t, path[t - 1] if t else 0, path[t]] for t in range(5))
        np.testing.assert_allclose(total, score, rtol=1e-4)


def test_state_follows_its_sequence():
    # The state adds up the symbols; where it is not the sum of the history that it came with, the score says so.
    table = np.random.default_rng(2).normal(size=(4, 3, 3)).astype("float32")
    inner = table_step(ops.convert_to_tensor(table), ops.arange(3, dtype="int32"))

    def step(t, history, state):
        scores, symbols, _ = inner(t, history, state)
        total = state[0] + ops.where(t > 0, ops.take(history, ops.maximum(t - 1, 0), axis=2), 0)[..., None]
        wrong = ops.cast(total[..., 0] != ops.sum(history, axis=-1), "float32")
        return scores - 1000 * wrong[..., None], symbols, [total]

    _, scores = beam_search(step, [ops.zeros((2, 3, 1), dtype="int32")], 2, 4, 3)
    assert (array(scores) > -100).all()


def test_drawing_has_the_right_frequencies():
    chance = np.array([0.5, 0.3, 0.2], "float32")
    symbols = ops.arange(3, dtype="int32")

    def step(t, history, state):
        scores = ops.broadcast_to(ops.convert_to_tensor(np.log(chance)), (1, 3000, 3))
        return scores, ops.broadcast_to(symbols, (1, 3000, 3)), state

    noise = np.random.default_rng(0).random((1, 3000, 1), "float32")
    found, _ = beam_search(step, [], 1, 1, 3000, noise)
    np.testing.assert_allclose(np.bincount(array(found).ravel(), minlength=3) / 3000, chance, atol=0.03)


@pytest.mark.parametrize("value", [0.0, 0.999999])
def test_the_ends_of_the_noise_stay_inside(value):
    def step(t, history, state):
        return ops.zeros((1, 1, 3)), ops.reshape(ops.arange(3, dtype="int32"), (1, 1, 3)), state

    found, _ = beam_search(step, [], 1, 1, 1, np.full((1, 1, 1), value, "float32"))
    assert int(array(found)[0, 0, 0]) in (0, 2)


@pytest.mark.parametrize("rows", [5, 700])
def test_nearest_rows_have_the_highest_cosines(rows):
    rng = np.random.default_rng(0)
    table, queries = rng.normal(size=(rows, 8)).astype("float32"), rng.normal(size=(3, 8)).astype("float32")
    table[2] = 0
    cosines = queries @ table.T / np.linalg.norm(queries, axis=1)[:, None]
    cosines = cosines / np.maximum(np.linalg.norm(table, axis=1), 1e-9)
    cosines[:, 2] = -2
    found, places = (array(x) for x in NearestRows(table, 4)(queries))
    assert (places == np.argsort(-cosines, axis=1)[:, :4]).all()
    np.testing.assert_allclose(found, np.sort(cosines, axis=1)[:, ::-1][:, :4], atol=1e-5)
