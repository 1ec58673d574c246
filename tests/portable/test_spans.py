"""Layers and losses over spans, each against the same by hand, on every backend."""

import keras
import numpy as np
import pytest

from nlpkit.decoding import pair_boundaries
from nlpkit.layers import (
    GlobalPointer,
    HalfPointers,
    KnownRelations,
    MixedEmbedding,
    SpanCandidates,
    SpanCondition,
    SpanPairs,
)
from nlpkit.layers.known_relations import relation_flags
from nlpkit.layers.span_pairs import read_spans
from nlpkit.losses import (
    MultiLabelCrossEntropy,
    SigmoidPowerCrossEntropy,
    multi_label_cross_entropy,
    sigmoid_power_cross_entropy,
)

from .backend import array

RNG = np.random.default_rng


def real(*shape, seed=0):
    return RNG(seed).normal(size=shape).astype("float32")


# Losses.


def by_enumeration(targets, logits):
    """Every pair of labels once: the softplus sum of differences, with 0 on both sides."""
    others = [np.exp(s) for s, t in zip(logits, targets) if not t]
    wanted = [np.exp(-s) for s, t in zip(logits, targets) if t]
    return np.log1p(sum(others)) + np.log1p(sum(wanted))


def test_multi_label_cross_entropy_by_enumeration():
    logits, targets = real(4, 7).astype("float64") * 3, RNG(1).integers(0, 2, (4, 7))
    mask = RNG(2).integers(0, 2, (4, 7)).astype(bool)
    got = array(multi_label_cross_entropy(targets, logits.astype("float32"), mask))
    for row in range(4):
        wanted = by_enumeration(targets[row][mask[row]], logits[row][mask[row]])
        assert got[row] == pytest.approx(wanted, rel=1e-5)
    assert float(MultiLabelCrossEntropy()(targets, logits.astype("float32"))) == pytest.approx(
        np.mean([by_enumeration(t, s) for t, s in zip(targets, logits)]), rel=1e-5
    )


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 4.0])
def test_sigmoid_power_cross_entropy_by_enumeration(power):
    logits, targets = np.linspace(-12, 8, 40), RNG(0).integers(0, 2, 40)
    p = (1 / (1 + np.exp(-logits))) ** power
    wanted = -np.where(targets, np.log(p), np.log1p(-p)).sum()
    got = float(sigmoid_power_cross_entropy(targets, logits.astype("float32"), power=power))
    assert got == pytest.approx(wanted, rel=1e-4)
    assert float(SigmoidPowerCrossEntropy(power)(targets[None], logits[None])) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    "loss", [MultiLabelCrossEntropy(), SigmoidPowerCrossEntropy(4.0)], ids=["multi_label", "power"]
)
def test_losses_stay_finite_far_out_and_can_be_minimised(loss):
    layer = keras.layers.Layer()
    scores = layer.add_weight((1, 6), "zeros")
    scores.assign(np.array([[-90.0, 90.0, -30.0, 30.0, 11.0, 0.0]]))
    targets = np.array([[1, 0, 1, 0, 0, 1]], "float32")
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(6, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    assert np.isfinite(float(loss(targets, array(scores.value))))
    history = model.fit(np.eye(6, dtype="float32"), np.repeat(targets, 6, 0), epochs=5, verbose=0).history["loss"]
    assert np.all(np.isfinite(history)) and history[-1] < history[0]
    assert np.all(np.isfinite(model.get_weights()[0]))


# Layers.


def rotated(vector, place):
    half = len(vector) // 2
    angles = place * 10000.0 ** (-np.arange(half) / half)
    a, b = vector[:half], vector[half:]
    return np.concatenate([a * np.cos(angles) - b * np.sin(angles), a * np.sin(angles) + b * np.cos(angles)])


def test_global_pointer_by_hand():
    x, layer = real(1, 5, 3), GlobalPointer(2, 4)
    got = array(layer(x))
    (wq, bq), (wk, bk), (we, be) = (layer.first.get_weights(), layer.last.get_weights(), layer.edges.get_weights())
    edges = x[0] @ we + be
    for kind in range(2):
        for i in range(5):
            for j in range(5):
                q = rotated(np.einsum("c,ce->e", x[0, i], wq[:, kind]) + bq[kind, 0], i)
                k = rotated(np.einsum("c,ce->e", x[0, j], wk[:, kind]) + bk[kind, 0], j)
                wanted = q @ k / 2 + edges[i, kind] + edges[j, 2 + kind] if i <= j else -1e4
                assert got[0, kind, i, j] == pytest.approx(wanted, rel=1e-4, abs=1e-4)


def padded(x, more=3):
    mask = np.zeros((len(x), x.shape[1] + more), bool)
    mask[:, : x.shape[1]] = True
    return np.concatenate([x, 9 * real(len(x), more, x.shape[2], seed=5)], axis=1), mask


def moved(spans, old, new):
    return spans // old * new + spans % old


def test_padding_changes_nothing():
    x, n = real(2, 5, 4), 5
    wide, mask = padded(x)
    pointer = GlobalPointer(2, 4)
    np.testing.assert_allclose(array(pointer(wide, mask=mask))[:, :, :n, :n], array(pointer(x)), atol=1e-5)
    assert np.all(array(pointer(wide, mask=mask))[:, :, n:] < -9e3)
    subjects, objects = np.array([[1 * n + 2, 7], [0, 24]]), np.array([[3], [2 * n + 4]])
    pairs = SpanPairs(3, 6)
    got = pairs(wide, moved(subjects, n, 8), moved(objects, n, 8), mask=mask)
    np.testing.assert_allclose(array(got), array(pairs(x, subjects, objects)), atol=1e-5)
    condition, first, last = SpanCondition(), np.array([1, 0]), np.array([3, 4])
    (steps, span), (wide_steps, wide_span) = condition(x, first, last), condition(wide, first, last)
    np.testing.assert_allclose(array(wide_steps)[:, :n], array(steps), atol=1e-5)
    np.testing.assert_allclose(array(wide_span), array(span), atol=1e-5)
    marks, text = HalfPointers(3, 4), real(2, 6)
    got = array(marks(wide, text, mask=mask))
    np.testing.assert_allclose(got[:, :n], array(marks(x, text)), atol=1e-5)
    assert np.all(got[:, n:] < -9e3)


def test_spans_are_read_by_hand():
    x = real(1, 6, 2)
    got = array(read_spans(x, np.array([[2 * 6 + 4, 5 * 6 + 5]])))[0]
    np.testing.assert_allclose(got[0], np.concatenate([x[0, 2], x[0, 4], x[0, 2:5].mean(0)]), atol=1e-6)
    np.testing.assert_allclose(got[1], np.tile(x[0, 5], 3), atol=1e-6)
    # What is no span, such as a candidate beyond all spans of a short text, has no mean, but numbers.
    none = array(read_spans(x, np.array([[3 * 6 + 2]])))[0, 0]
    np.testing.assert_allclose(none, np.concatenate([x[0, 3], x[0, 2], [0, 0]]), atol=1e-6)


def test_a_span_is_read_at_points_between_its_ends():
    x, seen = real(1, 6, 4), []
    layer = SpanCondition(num_points=3)
    layer(x, np.array([1]), np.array([4]))
    read = layer.reader.call
    layer.reader.call = lambda inputs, **more: seen.append(array(inputs)) or read(inputs, **more)
    layer(x, np.array([1]), np.array([4]))
    np.testing.assert_allclose(seen[0][0], [x[0, 1], (x[0, 2] + x[0, 3]) / 2, x[0, 4]], atol=1e-6)


def test_candidates_by_sorting():
    scores = real(3, 2, 4, 4)
    always = np.zeros((3, 2 * 16), "uint8")
    always[1, 5] = always[1, 16 + 3] = 1
    for given in (None, always):
        chosen = SpanCandidates([3, 5])(scores, given)
        for kind, count in enumerate((3, 5)):
            spans, own = map(array, chosen[kind])
            for row in range(3):
                flat = scores[row, kind].ravel()
                order = flat + (0 if given is None else 100.0 * always[row].reshape(2, 16)[kind])
                assert spans[row].tolist() == np.argsort(-order)[:count].tolist()
                np.testing.assert_allclose(own[row], flat[spans[row]])


def test_relations_are_flagged_by_enumeration():
    rng = RNG(0)
    subjects, objects = rng.integers(0, 6, (2, 3)), rng.integers(0, 6, (2, 4))
    relations = rng.integers(0, 6, (2, 5, 3))
    relations[..., 2] %= 3
    relations[1, 3:] = -1
    got = array(relation_flags(subjects, objects, relations.reshape(2, -1), 3))
    for row, i, j, k in np.ndindex(2, 3, 4, 3):
        wanted = any((subjects[row, i], objects[row, j], k) == tuple(each) for each in relations[row].tolist())
        assert got[row, i, j, k] == wanted
    layer = KnownRelations(3)
    np.testing.assert_allclose(array(layer(np.ones_like(got), subjects, objects, relations.reshape(2, -1))), 1 + got)


def test_a_mixed_embedding_by_hand():
    layer = MixedEmbedding(9, 8, 4, 3, num_positions=2)
    characters, words = RNG(0).integers(0, 9, (1, 4)), RNG(1).integers(0, 8, (1, 4))
    layer(characters, words)
    layer.positions.assign(real(2, 4))
    (of_characters,), (of_words,), (projection,) = (
        each.get_weights() for each in (layer.characters, layer.words, layer.project)
    )
    positions = array(layer.positions.value)[[0, 1, 1, 1]]
    wanted = of_characters[characters] + of_words[words] @ projection + positions
    np.testing.assert_allclose(array(layer(characters, words)), wanted, atol=1e-5)


def test_marks_are_paired_by_enumeration():
    rng = RNG(0)
    begins, ends = rng.random((20, 9)) < 0.3, rng.random((20, 9)) < 0.3
    wanted = []
    for row in range(20):
        for i in np.flatnonzero(begins[row]):
            after = [j for j in np.flatnonzero(ends[row]) if j >= i]
            wanted += [(row, i, after[0])] if after else []
    assert list(zip(*(each.tolist() for each in pair_boundaries(begins, ends)))) == wanted
