"""Margin softmax, CoSENT and contrastive losses against plain loops, in half precision, and in models of anyone's."""

import keras
import numpy as np
import pytest
from keras import ops

from nlpkit.layers import CentreLoss, ClassCosines, pool_text
from nlpkit.losses import (
    AMSoftmaxLoss,
    ArcFaceLoss,
    ContrastiveLoss,
    CoSENTLoss,
    PairLogisticLoss,
    ScaledSoftmaxLoss,
    SimplerMarginLoss,
)
from nlpkit.optimizers import RowAdam

from .backend import array, gradients, jit_compile

TARGETS = {
    "softmax": (ScaledSoftmaxLoss(), lambda c: c),
    "am": (AMSoftmaxLoss(), lambda c: c - 0.35),
    "simpler": (SimplerMarginLoss(), lambda c: min(np.cos(4 * np.arccos(c)), c)),
    "arcface": (ArcFaceLoss(), lambda c: np.cos(np.arccos(c) + 0.3) if c > -np.cos(0.3) else c - 0.3 * np.sin(0.3)),
}


def cosines_and_labels(rows=6, classes=9):
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-0.999, 0.999, (rows, classes))
    labels = rng.integers(0, classes, rows)
    cosines[0, labels[0]], cosines[1, labels[1]] = 0.9999, -0.9999
    return cosines, labels


@pytest.mark.parametrize("name", TARGETS)
def test_margin_losses_against_a_loop(name):
    loss, target = TARGETS[name]
    cosines, labels = cosines_and_labels()
    expected = []
    for row, label in zip(cosines, labels):
        row = row.copy()
        row[label] = target(row[label])
        expected.append(np.logaddexp.reduce(30 * row) - 30 * row[label])
    each = type(loss)(reduction=None)
    np.testing.assert_allclose(array(each(labels, cosines.astype("float32"))), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(array(each(labels[:, None], cosines.astype("float32"))), expected, rtol=1e-4, atol=1e-4)
    dense = np.eye(9)[labels]
    np.testing.assert_allclose(array(each(dense, cosines.astype("float32"))), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(float(loss(labels, cosines.astype("float32"))), np.mean(expected), rtol=1e-4)


@pytest.mark.parametrize("name", TARGETS)
def test_their_gradients_by_differences_also_where_the_right_class_is_sure(name):
    loss, _ = TARGETS[name]
    cosines, labels = cosines_and_labels()
    cosines[2], cosines[2, labels[2]] = -0.9, 0.95  # 1 - p is far below what float32 tells from 1
    _, (found,) = gradients(lambda c: loss(labels, c), cosines.astype("float32"))
    assert np.isfinite(found).all()
    rows = [2, 3, 4, 5]
    for row in rows:
        for column in range(9):
            moved = [np.array(cosines) for _ in range(2)]
            moved[0][row, column] += 1e-5
            moved[1][row, column] -= 1e-5
            difference = (exact(name, moved[0], labels) - exact(name, moved[1], labels)) / 2e-5
            assert found[row, column] == pytest.approx(difference, rel=2e-2, abs=1e-7)


def exact(name, cosines, labels):
    total = 0.0
    for row, label in zip(cosines, labels):
        row = row.copy()
        row[label] = TARGETS[name][1](row[label])
        total += np.log1p(np.exp(30 * (np.delete(row, label) - row[label])).sum())
    return total / len(labels)


@pytest.mark.parametrize("name", TARGETS)
def test_half_precision_is_finite_and_near(name):
    loss, _ = TARGETS[name]
    cosines, labels = cosines_and_labels()
    half = cosines.astype("float16")
    value, (gradient,) = gradients(lambda c: loss(labels, ops.cast(c, "float16")), half.astype("float32"))
    other, (expected,) = gradients(lambda c: loss(labels, c), half.astype("float32"))
    assert np.isfinite(gradient).all() and value == pytest.approx(other, rel=1e-2)
    if name != "arcface":  # its derivative has a pole at the angle 0, where half precision has few numbers
        np.testing.assert_allclose(gradient, expected, rtol=1e-2, atol=1e-4)


def test_cosent_against_a_loop():
    rng = np.random.default_rng(0)
    labels, cosines = rng.integers(0, 4, 7), rng.uniform(-1, 1, 7).astype("float32")
    total = 1 + sum(np.exp(20 * (cosines[j] - cosines[i])) for i in range(7) for j in range(7) if labels[i] > labels[j])
    assert float(CoSENTLoss()(labels, cosines)) == pytest.approx(np.log(total), rel=1e-4)
    assert float(CoSENTLoss()(np.ones(7), cosines)) == 0
    _, (gradient,) = gradients(lambda c: CoSENTLoss()(np.ones(7), c), cosines)
    assert not gradient.any()


def test_pair_logistic_against_a_loop():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 2, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    labels, rows, losses = np.array([1, 0, 0.4, 1, 0]), vectors.reshape(10, 3), []
    for i, (a, b) in enumerate(vectors):
        logit = 10 * (a @ b - 0.7)
        picked = []
        for row, partner in ((2 * i, 2 * i + 1), (2 * i + 1, 2 * i)):
            others = [np.exp(20 * rows[row] @ rows[j]) for j in range(10) if j not in (row, partner)]
            picked.append(np.log1p(sum(others) / np.exp(20 * a @ b)))
        losses.append(np.log1p(np.exp(logit)) - labels[i] * logit + 0.2 * labels[i] * np.mean(picked))
    found = array(PairLogisticLoss(reduction=None)(labels, vectors.astype("float32")))
    np.testing.assert_allclose(found, losses, rtol=1e-4)
    alone, (gradient,) = gradients(
        lambda v: PairLogisticLoss(contrast=0.0)(labels, ops.cast(v, "float16")), vectors.astype("float32")
    )
    assert alone < np.mean(losses) and np.isfinite(gradient).all() and gradient.any()


def test_contrastive_against_a_loop():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = np.array([4, 4, 9, -1, 9, 9, -1])
    scores, losses = 5 * vectors @ vectors.T, []
    for i in range(7):
        positives = [j for j in range(7) if j != i and groups[j] == groups[i] != -1]
        negatives = sum(np.exp(scores[i, j]) for j in range(7) if j != i and j not in positives)
        losses.append(np.mean([np.log1p(negatives / np.exp(scores[i, j])) for j in positives]) if positives else 0)
    found = array(ContrastiveLoss(5.0, reduction=None)(groups, vectors.astype("float32")))
    np.testing.assert_allclose(found, losses, rtol=1e-4)
    _, (gradient,) = gradients(lambda v: ContrastiveLoss(5.0)(np.arange(7), v), vectors.astype("float32"))
    assert np.isfinite(gradient).all() and not gradient.any()


def test_cosines_of_zeros_and_of_some_classes():
    layer = ClassCosines(5)
    vectors = np.array([[0, 0, 0], [3, 4, 0]], "float32")
    cosines = array(layer(vectors))
    weights = array(layer.table.embeddings)
    np.testing.assert_allclose(cosines[1], weights @ [0.6, 0.8, 0] / np.linalg.norm(weights, axis=1), rtol=1e-4)
    assert not cosines[0].any()
    np.testing.assert_allclose(array(layer(vectors, classes=np.array([4, 1]))), cosines[:, [4, 1]], rtol=1e-5)
    _, (gradient,) = gradients(lambda v: ops.sum(layer(v)), vectors)
    assert np.isfinite(gradient).all() and not gradient[0].any()


@pytest.mark.parametrize(
    ("loss", "jit"),
    [(ScaledSoftmaxLoss, False), (AMSoftmaxLoss, True), (SimplerMarginLoss, True), (ArcFaceLoss, True)],
)
def test_in_a_model_of_anyones(loss, jit, tmp_path):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 64)
    inputs = np.eye(4, 6)[labels].astype("float32") + rng.normal(0, 0.1, (64, 6)).astype("float32")
    x = keras.Input((6,))
    model = keras.Model(x, ClassCosines(4)(keras.layers.Dense(5)(x)))
    model.compile(RowAdam(0.05), loss(), metrics=["accuracy"], jit_compile=jit_compile(jit))
    model.fit(inputs, labels, epochs=30, verbose=0)
    assert model.evaluate(inputs, labels, verbose=0, return_dict=True)["accuracy"] > 0.95
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(inputs, verbose=0), model.predict(inputs, verbose=0))


def test_centres_are_drawn_to_their_class():
    keras.utils.set_random_seed(0)
    x, classes = keras.Input((2,)), keras.Input((), dtype="int32")
    layer = CentreLoss(3, weight=1.0)
    model = keras.Model([x, classes], keras.layers.Lambda(ops.stop_gradient)(layer(x, classes)))
    model.compile(keras.optimizers.SGD(0.9), None)
    inputs, labels = np.array([[1, 2], [3, 4], [3, 2]], "float32"), np.array([0, 2, 0])
    expected = np.mean(np.sum(inputs**2, axis=1)) / 2  # the centres begin at 0
    assert float(model.evaluate([inputs, labels], verbose=0)) == pytest.approx(expected, rel=1e-4)
    model.fit([inputs, labels], epochs=60, verbose=0)
    np.testing.assert_allclose(array(layer.centres.embeddings), [[2, 2], [0, 0], [3, 4]], atol=0.05)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_pooling_against_a_loop(dtype):
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(3, 5, 4)).astype(dtype), [5, 1, 3]
    mask = np.arange(5) < np.array(lengths)[:, None]
    for pooling in ("max", "mean", "last", "max_mean", "attention"):
        found = array(pool_text(ops.convert_to_tensor(x), ops.convert_to_tensor(mask), pooling))
        assert np.isfinite(found).all() and found.shape == (3, 8 if pooling == "max_mean" else 4)
        for row, length, result in zip(x, lengths, found):
            real = row[:length].astype("float32")
            expected = {
                "max": real.max(0), "mean": real.mean(0), "last": np.append(real[-1, :2], real[0, 2:]),
                "max_mean": np.append(real.max(0), real.mean(0)),
            }.get(pooling)  # fmt: skip
            if expected is not None:
                np.testing.assert_allclose(result, expected, rtol=1e-2, atol=1e-3)
            elif length == 1:
                np.testing.assert_allclose(result, real[0], rtol=1e-2)
    with pytest.raises(ValueError, match="pooling must be max"):
        pool_text(x, mask, "median")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ScaledSoftmaxLoss(0), "scale must be above 0"),
        (lambda: AMSoftmaxLoss(margin=-1), "margin must be at least 0"),
        (lambda: ArcFaceLoss(margin=2), "margin must be below pi / 2"),
        (lambda: AMSoftmaxLoss()(np.zeros((2, 3, 4)), np.zeros((2, 4))), r"Received: \(2, 4\) and \(2, 3, 4\)"),
    ],
)  # fmt: skip
def test_what_is_not_taken(make, message):
    with pytest.raises(ValueError, match=message):
        make()
