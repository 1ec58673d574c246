"""Optimizers around other ones, against the same by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from nlpkit.layers import RowEmbedding
from nlpkit.optimizers import (
    FGM,
    SAM,
    AdaptiveClip,
    AddNoise,
    Centralize,
    ClipByNorm,
    ClipByValue,
    GradientTransforms,
    LearningRateMultipliers,
    Mask,
    RowAdam,
)

OPTIMIZERS = {
    "sgd": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "adam": keras.optimizers.Adam,
    "adamw": lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.1),
    "rmsprop": keras.optimizers.RMSprop,
    "lion": keras.optimizers.Lion,
}


def variables_of(rng):
    """Two variables with a path each."""
    made = []
    for name, shape in (("low", (4, 3)), ("high", (5,))):
        layer = keras.layers.Layer(name=name)
        made.append(layer.add_weight(shape, name="kernel"))
        made[-1].assign(rng.normal(size=shape))
        layer.built = True
    return made


def values(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_multiplier_is_a_learning_rate_of_its_own(name):
    gradients = np.random.default_rng(1).normal(size=(20, 4, 3)), np.random.default_rng(2).normal(size=(20, 5))
    low, high = variables_of(np.random.default_rng(0))
    optimizer = LearningRateMultipliers(OPTIMIZERS[name](0.01), {"low": 0.1})
    for step in range(20):
        optimizer.apply([ops.convert_to_tensor(each[step], "float32") for each in gradients], [low, high])
    expected = variables_of(np.random.default_rng(0))
    for variable, rate, each in zip(expected, (0.001, 0.01), gradients):
        alone = OPTIMIZERS[name](rate)
        for step in range(20):
            alone.apply([ops.convert_to_tensor(each[step], "float32")], [variable])
    for got, wanted in zip(values([low, high]), values(expected)):
        np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_what_is_multiplied_by_zero_stays_as_it_is():
    low, high = variables_of(np.random.default_rng(0))
    before = values([low, high])
    optimizer = LearningRateMultipliers(keras.optimizers.AdamW(0.1), {"low/kernel$": 0, "low": 5})
    for _ in range(3):
        optimizer.apply([ops.ones((4, 3)), ops.ones((5,))], [low, high])
    after = values([low, high])
    assert np.array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])
    assert int(optimizer.iterations) == 3


def small_model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="low"), keras.layers.Dense(1, name="high")])


def wrapped(rate):
    transforms = [("kernel", Centralize()), (".", ClipByNorm(0.5)), ("bias", AddNoise(0.01, seed=3))]
    inner = LearningRateMultipliers(keras.optimizers.Adam(rate), {"low": 0.5})
    return GradientTransforms(inner, [*transforms, ("high/kernel", Mask(np.ones((4, 1)))), (".", AdaptiveClip())])


def test_fit_save_and_go_on(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 3)).astype("float32"), rng.normal(size=(32, 1)).astype("float32")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.5)
    model = small_model()
    model.compile(wrapped(schedule), "mse")
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01 * 0.5**0.4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, again):
        each.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for got, wanted in zip(again.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(got, wanted)


def test_a_learning_rate_is_set_through_the_wrapper():
    optimizer = LearningRateMultipliers(keras.optimizers.SGD(0.5), {"low": 0.1})
    optimizer.learning_rate = 0.25
    assert float(optimizer.inner.learning_rate) == 0.25


def clipped(x, length):
    return x * min(1, length / np.linalg.norm(x))


BY_HAND = {
    "norm": (ClipByNorm(0.5), lambda g, w: clipped(g, 0.5)),
    "value": (ClipByValue(0.3), lambda g, w: np.clip(g, -0.3, 0.3)),
    "adaptive": (
        AdaptiveClip(0.1),
        lambda g, w: (
            np.stack([clipped(g[:, i], 0.1 * np.linalg.norm(w[:, i])) for i in range(3)], 1)
            if g.ndim == 2
            else clipped(g, 0.1 * np.linalg.norm(w))
        ),
    ),
    "centralize": (Centralize(), lambda g, w: g - g.mean(0) if g.ndim == 2 else g),
    "mask": (Mask(0.5), lambda g, w: g * 0.5),
    "own": (lambda g, variable, step: g * ops.cast(step + 2, g.dtype), lambda g, w: 2 * g),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_transforms_by_hand(name):
    transform, by_hand = BY_HAND[name]
    rng = np.random.default_rng(0)
    variables = variables_of(rng)
    gradients = [rng.normal(size=variable.shape).astype("float32") for variable in variables]
    before = values(variables)
    optimizer = GradientTransforms(keras.optimizers.SGD(1.0), [(".", transform)])
    optimizer.apply([ops.convert_to_tensor(each) for each in gradients], variables)
    for was, gradient, now in zip(before, gradients, values(variables)):
        np.testing.assert_allclose(now, was - by_hand(gradient, was), atol=1e-6)


def test_transforms_follow_each_other_where_their_expression_is_found():
    low, high = variables_of(np.random.default_rng(0))
    before = values([low, high])
    optimizer = GradientTransforms(keras.optimizers.SGD(1.0), [("low", Mask(4.0)), ("l", ClipByValue(2.0))])
    optimizer.apply([ops.ones((4, 3)), ops.ones((5,))], [low, high])
    after = values([low, high])
    np.testing.assert_allclose(before[0] - after[0], 2.0, atol=1e-6)
    np.testing.assert_allclose(before[1] - after[1], 1.0, atol=1e-6)


def test_noise_becomes_less():
    layer = keras.layers.Layer(name="wide")
    variable = layer.add_weight((20_000,), "zeros", name="kernel")
    optimizer = GradientTransforms(keras.optimizers.SGD(1.0), [("wide", AddNoise(0.04, decay=1.0, seed=0))])
    deviations = []
    for _ in range(4):
        before = values([variable])[0]
        optimizer.apply([ops.zeros((20_000,))], [variable])
        deviations.append(np.std(values([variable])[0] - before))
    np.testing.assert_allclose(deviations, 0.2 / np.sqrt([1, 2, 3, 4]), rtol=0.03)


def test_what_is_not_accepted():
    low, high = variables_of(np.random.default_rng(0))
    with pytest.raises(ValueError, match="inner must be a Keras optimizer"):
        LearningRateMultipliers("adam", {})
    with pytest.raises(ValueError, match="takes no optimizer with use_ema"):
        LearningRateMultipliers(keras.optimizers.Adam(use_ema=True), {})
    with pytest.raises(ValueError, match=r"must be a number from 0\. Received: -1"):
        LearningRateMultipliers(keras.optimizers.Adam(), {"low": -1})
    with pytest.raises(ValueError, match="'middle' is found in the path of no variable"):
        LearningRateMultipliers(keras.optimizers.Adam(), {"middle": 2}).build([low, high])
    with pytest.raises(ValueError, match="norm must be above 0"):
        ClipByNorm(0)
    model = keras.Sequential([RowEmbedding(10, 4), keras.layers.Dense(1)])
    model.compile(GradientTransforms(RowAdam(), [(".", ClipByNorm(1.0))]), "mse", jit_compile=False)
    with pytest.raises(ValueError, match="of some rows only"):
        model.fit(np.arange(8), np.ones((8, 1)), verbose=0)


def table_model():
    keras.utils.set_random_seed(0)
    ids = keras.Input((4,), dtype="int32")
    x = ops.mean(keras.layers.Embedding(6, 3, name="table")(ids), axis=1)
    return keras.Model(ids, keras.layers.Dense(1, use_bias=False, name="out")(x))


def gradients_by_hand(table, kernel, ids, y):
    """Of the mean squared error of ``mean(table[ids]) @ kernel``."""
    counts = np.stack([(ids == i).mean(1) for i in range(len(table))], 1)  # (batch, rows)
    error = 2 * (counts @ table @ kernel - y) / len(y)
    return counts.T @ error @ kernel.T, (counts @ table).T @ error


def fgm_by_hand(table, kernel, *data):
    first = gradients_by_hand(table, kernel, *data)
    second = gradients_by_hand(table + 0.5 * first[0] / np.linalg.norm(first[0]), kernel, *data)
    return first[0] + second[0], first[1] + second[1]


def sam_by_hand(table, kernel, *data):
    first = gradients_by_hand(table, kernel, *data)
    length = np.sqrt(sum(np.square(each).sum() for each in first))
    return gradients_by_hand(table + 0.5 * first[0] / length, kernel + 0.5 * first[1] / length, *data)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    "wrap, by_hand",
    [(lambda model: FGM(model, "table", 0.5), fgm_by_hand), (lambda model: SAM(model, 0.5), sam_by_hand)],
    ids=["fgm", "sam"],
)
def test_a_second_gradient_by_hand(wrap, by_hand, jit):
    rng = np.random.default_rng(0)
    ids, y = rng.integers(0, 6, (8, 4)).astype("int32"), rng.normal(size=(8, 1)).astype("float32")
    model = table_model()
    table, kernel = model.get_weights()
    trained = wrap(model)
    trained.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit and keras.backend.backend() != "torch")
    history = trained.fit(ids, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    first = np.mean((np.stack([table[row].mean(0) for row in ids]) @ kernel - y) ** 2)
    assert history["loss"][0] == pytest.approx(first, rel=1e-5)
    for _ in range(3):
        of_table, of_kernel = by_hand(table, kernel, ids, y)
        table, kernel = table - 0.1 * of_table, kernel - 0.1 * of_kernel
    for got, wanted in zip(model.get_weights(), (table, kernel)):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_the_gradient_of_an_embedding_is_transformed_as_a_whole():
    ids, y = np.array([[1, 1, 2, 1]], "int32"), np.ones((1, 1), "float32")
    model = table_model()
    table, kernel = model.get_weights()
    model.compile(GradientTransforms(keras.optimizers.SGD(1.0), [("table", ClipByNorm(0.1))]), "mse")
    model.fit(ids, y, verbose=0)
    gradient = gradients_by_hand(table, kernel, ids, y)[0]
    np.testing.assert_allclose(model.get_weights()[0], table - clipped(gradient, 0.1), atol=1e-6)


def test_what_a_second_gradient_does_not_accept():
    with pytest.raises(ValueError, match="has not been built"):
        SAM(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(ValueError, match="'tabel' is found in the path of no variable"):
        FGM(table_model(), "tabel")
    with pytest.raises(ValueError, match="epsilon must be above 0"):
        FGM(table_model(), "table", 0)
