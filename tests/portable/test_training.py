"""The training loop on every backend: it learns, it averages, and a run that was stopped ends as one that was not."""

import keras
import numpy as np
import pytest

from nlpkit.errors import ConfigError
from nlpkit.training.loop import StepDone, TrainingDone, train_model
from nlpkit.training.metric import Metric
from nlpkit.training.settings import TrainingSettings

from .backend import array


class Batches:
    """Points of a line, drawn anew each epoch by position."""

    def __len__(self):
        return 5

    def epoch(self, epoch, start=0):
        for step in range(start, 5):
            rng = np.random.default_rng((epoch, step))
            x = rng.normal(size=(int(rng.integers(3, 9)), 2)).astype("float32")
            yield {"x": x}, x @ np.array([[2.0], [-1.0]], "float32"), np.ones(len(x), "float32")


def make_model():
    keras.utils.set_random_seed(0)
    x = keras.Input((2,), name="x")
    y = keras.layers.Dense(1)(keras.layers.Dropout(0.1)(keras.layers.Dense(8, activation="tanh")(x)))
    return keras.Model({"x": x}, y)


def run(folder, model, resume=False, steps=None, **settings):
    """Train, or stop after some steps; returns the last event."""
    settings = TrainingSettings.create(
        {"epochs": 4, "save_every": 2, "learning_rate": 0.05, "warmup_steps": 0, **settings}
    )

    def evaluate():
        x, y, _ = next(Batches().epoch(9))
        return {"error": float(np.mean((array(model(x)) - y) ** 2))}

    event = None
    events = train_model(
        model, "mse", Batches(), evaluate, Metric("error", False), settings, folder, {"seed": 0}, resume=resume
    )
    for event in events:
        if isinstance(event, StepDone) and steps is not None:
            steps -= 1
            if steps == 0:
                events.close()
                break
    return event


@pytest.mark.parametrize(("momentum", "accumulate", "steps"), [(0.0, 1, 3), (0.8, 3, 13)])
def test_stopped_and_resumed_equals_never_stopped(momentum, accumulate, steps, tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = make_model()
    settings = {"ema_momentum": momentum, "accumulate": accumulate}
    done = run(tmp_path / "whole", whole, **settings)
    assert isinstance(done, TrainingDone) and done.history[-1]["loss"] < done.history[0]["loss"]
    run(tmp_path / "parts", make_model(), steps=steps, **settings)
    parts = make_model()
    again = run(tmp_path / "parts", parts, resume=True, **settings)
    for one, other in zip(whole.weights, parts.weights):
        np.testing.assert_array_equal(array(one.value), array(other.value))
    assert [row["loss"] for row in done.history] == [row["loss"] for row in again.history]


def test_it_is_what_fit_does(tmp_path):
    looped = make_model()
    run(tmp_path, looped, epochs=1, ema_momentum=0.0)
    fitted = make_model()
    steps = 5
    rate = keras.optimizers.schedules.CosineDecay(0.05, steps, alpha=0.02)
    fitted.compile(keras.optimizers.Adam(rate, clipnorm=5.0), "mse")
    for x, y, weights in Batches().epoch(0):
        fitted.train_on_batch(x, y, weights)
    for one, other in zip(looped.weights, fitted.weights):
        np.testing.assert_allclose(array(one.value), array(other.value), rtol=1e-4, atol=1e-5)


class Groups:
    """Batches, and those that they are parts of."""

    def __init__(self, sizes):
        rng = np.random.default_rng(0)
        self._parts = []
        for size in sizes:
            x = rng.normal(size=(size, 2)).astype("float32")
            self._parts.append(({"x": x}, x @ np.array([[2.0], [-1.0]], "float32"), np.ones(size, "float32")))

    def __len__(self):
        return len(self._parts)

    def epoch(self, epoch, start=0):
        yield from self._parts[start:]

    def joined(self, steps):
        groups = [self._parts[i : i + steps] for i in range(0, len(self._parts), steps)]
        self._parts = [keras.tree.map_structure(lambda *each: np.concatenate(each), *group) for group in groups]
        return self


def plain_model():
    keras.utils.set_random_seed(0)
    x = keras.Input((2,), name="x")
    return keras.Model({"x": x}, keras.layers.Dense(1)(keras.layers.Dense(8, activation="tanh")(x)))


@pytest.mark.parametrize(
    "make, bound", [(lambda: keras.optimizers.SGD(0.05, momentum=0.9), 1e-5), (lambda: None, 1e-3)], ids=["sgd", "adam"]
)
def test_accumulated_batches_are_the_big_batch(tmp_path, make, bound):
    sizes = [3, 8, 1, 5, 5, 2, 7] * 2  # of which the last two are left over
    models, averages = [], []
    for i, (accumulate, batches) in enumerate(((1, Groups(sizes).joined(3)), (3, Groups(sizes)))):
        model = plain_model()
        before = [array(each.value) for each in model.weights]
        (tmp_path / str(i)).mkdir()
        settings = TrainingSettings.create(
            {"epochs": 20, "warmup_steps": 3, "accumulate": accumulate, "ema_momentum": 0.9, "learning_rate": 0.02}
        )
        seen = []

        def evaluate(model=model, seen=seen):
            seen.append([array(each.value) for each in model.weights])
            return {"error": 0.0}

        events = train_model(
            model, "mse", batches, evaluate, Metric("error", False), settings, tmp_path / str(i), {}, optimizer=make()
        )
        *_, done = events
        assert len(done.history) == 20
        models.append(model)
        averages.append(seen)
    updates = 20 * 5
    assert [int(model.optimizer.iterations) for model in models] == [updates, updates]
    for one, other in zip(*averages):
        size = np.sqrt(sum(np.square(a - b).sum() for a, b in zip(one, before)))
        assert np.sqrt(sum(np.square(a - b).sum() for a, b in zip(one, other))) < bound * size


def test_what_can_not_be_accumulated(tmp_path):
    class Alone(Batches):
        def epoch(self, epoch, start=0):
            for x, y, _ in super().epoch(epoch, start):
                yield x, y

    settings = TrainingSettings.create({"accumulate": 2, "epochs": 1})
    with pytest.raises(ConfigError, match="accumulate must be 1, as the loss of this model is no mean"):
        list(train_model(make_model(), "mse", Alone(), dict, Metric("error", False), settings, tmp_path, {}))
