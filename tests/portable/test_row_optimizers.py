"""Row-sparse optimizers against plain loops, stock optimizers and each other's saved states."""

import keras
import numpy as np
import pytest
from keras import ops

from nlpkit.layers import RowEmbedding
from nlpkit.ops.row_gradients import RowGradient, add_up
from nlpkit.optimizers import RowAdagrad, RowAdam, RowSGD

from .backend import array

ROWS, SIZE = 12, 3


class DenseTable(keras.layers.Embedding):
    """With a gradient of the size of the table; where `Embedding` reads a row twice, stock optimizers on
    TensorFlow square both gradients before they add them."""

    def call(self, inputs):
        return ops.matmul(ops.one_hot(inputs, self.input_dim), self.embeddings)


def model_with(optimizer, table_type=RowEmbedding, jit=False):
    keras.utils.set_random_seed(0)
    ids = keras.Input((4,), dtype="int32")
    table = table_type(ROWS, SIZE, name="table", embeddings_initializer="glorot_uniform")
    x = table(ids)
    x = ops.concatenate([ops.sum(x, axis=1), ops.max(table(ids[:, :2]), axis=1)], axis=-1)  # two looks at one table
    model = keras.Model(ids, keras.layers.Dense(2, name="out")(x))
    model.compile(optimizer, "mse", jit_compile=jit)
    return model


def batches(count, highest=ROWS):
    rng = np.random.default_rng(0)
    return [(rng.integers(0, highest, (5, 4)), rng.normal(size=(5, 2)).astype("float32")) for _ in range(count)]


def train(model, data):
    for ids, targets in data:
        model.train_on_batch(ids, targets)
    return [array(weight) for weight in model.weights]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    ("own", "stock"),
    [
        (lambda: RowSGD(0.1), lambda: keras.optimizers.SGD(0.1)),
        (lambda: RowAdagrad(0.1), lambda: keras.optimizers.Adagrad(0.1)),
        (lambda: RowSGD(0.1, global_clipnorm=0.5), lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.5)),
        (lambda: RowSGD(0.1, clipnorm=0.3), lambda: keras.optimizers.SGD(0.1, clipnorm=0.3)),
        (lambda: RowAdagrad(0.1, clipvalue=0.2), lambda: keras.optimizers.Adagrad(0.1, clipvalue=0.2)),
        (
            lambda: RowSGD(keras.optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)),
            lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)),
        ),
    ],
    ids=["sgd", "adagrad", "global_clipnorm", "clipnorm", "clipvalue", "schedule"],
)
def test_where_laziness_changes_nothing_it_is_the_stock_optimizer(own, stock, jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("torch.compile needs a C++ toolchain")
    data = batches(5)
    expected = train(model_with(stock(), DenseTable), data)
    for weight, other in zip(train(model_with(own(), jit=jit), data), expected, strict=True):
        np.testing.assert_allclose(weight, other, rtol=2e-4, atol=2e-6)


def test_adam_is_lazy_adam():
    model, data = model_with(RowAdam(0.1)), batches(6, highest=5)
    stock = model_with(keras.optimizers.SGD(0.0), keras.layers.Embedding)  # for gradients alone
    table, first, second = array(model.layers[1].embeddings), np.zeros((ROWS, SIZE)), np.zeros((ROWS, SIZE))
    start = table.copy()
    for step, (ids, targets) in enumerate(data, 1):
        stock.set_weights([array(weight) for weight in model.weights])
        gradient = numeric_gradient(stock, ids, targets)
        touched = np.unique(ids)
        model.train_on_batch(ids, targets)
        first[touched] = 0.9 * first[touched] + 0.1 * gradient[touched]
        second[touched] = 0.999 * second[touched] + 0.001 * gradient[touched] ** 2
        change = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-7)
        table[touched] -= 0.1 * change[touched]
        np.testing.assert_allclose(array(model.layers[1].embeddings), table, atol=5e-3)  # a maximum has kinks
    np.testing.assert_array_equal(table[5:], start[5:])


def numeric_gradient(model, ids, targets, step=1e-2):
    table = array(model.layers[1].embeddings).astype("float32")
    gradient = np.zeros_like(table)
    for place in np.ndindex(*table.shape):
        losses = []
        for sign in (1, -1):
            moved = table.copy()
            moved[place] += sign * step
            model.layers[1].embeddings.assign(moved)
            losses.append(np.mean((array(model(ids)) - targets) ** 2))
        gradient[place] = (losses[0] - losses[1]) / (2 * step)
    model.layers[1].embeddings.assign(table)
    return gradient


def test_rows_are_clipped_one_by_one():
    model, ids = model_with(RowSGD(1.0, clip_rows=1e-3)), np.array([[1, 2, 3, 3]] * 5)
    before = array(model.layers[1].embeddings)
    model.train_on_batch(ids, np.full((5, 2), 9.0, "float32"))
    moved = np.linalg.norm(array(model.layers[1].embeddings) - before, axis=1)
    np.testing.assert_allclose(moved, np.where(np.isin(np.arange(ROWS), [1, 2, 3]), 1e-3, 0), rtol=1e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RowAdam(0.05), lambda: RowAdagrad(0.05), lambda: RowSGD(0.05, momentum=0.9),
        lambda: RowSGD(0.05, momentum=0.9, nesterov=True),
    ],
)  # fmt: skip
def test_stopped_saved_and_loaded_is_never_stopped(make, tmp_path):
    data = batches(6)
    expected = train(model_with(make()), data)
    model = model_with(make())
    train(model, data[:3])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is type(model.optimizer) and int(again.optimizer.iterations) == 3
    for weight, other in zip(train(again, data[3:]), expected, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_learning_rate_can_be_set():
    model = model_with(RowAdam(0.1))
    model.optimizer.learning_rate = 0.0
    before = [array(weight) for weight in model.weights]
    for weight, other in zip(train(model, batches(1)), before):
        np.testing.assert_array_equal(weight, other)


def test_with_a_stock_optimizer_it_is_a_stock_embedding():
    data = batches(4)
    for weight, other in zip(
        train(model_with(keras.optimizers.Adam(0.1)), data),
        train(model_with(keras.optimizers.Adam(0.1), keras.layers.Embedding), data),
    ):
        np.testing.assert_allclose(weight, other, rtol=1e-4, atol=1e-6)


def test_a_model_of_rows_alone_and_one_without():
    model = keras.Sequential([keras.Input((2,), dtype="int32"), RowEmbedding(5, 2), keras.layers.Flatten()])
    model.compile(RowAdam(0.1), "mse")
    history = model.fit(np.array([[1, 2]] * 8), np.ones((8, 4)), epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0] and int(model.optimizer.iterations) == 3
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(RowAdam(0.1), "mse")
    assert np.isfinite(model.train_on_batch(np.ones((4, 2)), np.ones((4, 1))))


@pytest.mark.parametrize("arguments", [{"clip_rows": 0}, {"use_ema": True}, {"gradient_accumulation_steps": 2}])
def test_what_is_not_taken(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        RowAdam(0.1, **arguments)


def test_adding_up_against_a_loop():
    rng = np.random.default_rng(0)
    for highest in (1, 4, 1000):
        ids, values = rng.integers(0, highest, 50).astype("int32"), rng.normal(size=(50, 2)).astype("float32")
        gradient = RowGradient(ops.convert_to_tensor(ids), ops.convert_to_tensor(values))
        found, sums, place = add_up(gradient)
        found, sums = array(found), array(sums)
        place = np.arange(len(found)) if place is None else array(place)
        assert set(found) == set(ids) and not sums[len(set(ids)) :].any()
        for row, total in zip(found, sums[place], strict=True):
            np.testing.assert_allclose(total, values[ids == row].sum(0), rtol=1e-4, atol=1e-5)
