"""The training loop on every backend: it learns, it averages, and a run that was stopped ends as one that was not."""

import keras
import numpy as np
import pytest

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


@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("steps", [3, 13])
def test_stopped_and_resumed_equals_never_stopped(tmp_path, momentum, steps):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = make_model()
    done = run(tmp_path / "whole", whole, ema_momentum=momentum)
    assert isinstance(done, TrainingDone) and done.history[-1]["loss"] < done.history[0]["loss"]
    run(tmp_path / "parts", make_model(), ema_momentum=momentum, steps=steps)
    parts = make_model()
    again = run(tmp_path / "parts", parts, resume=True, ema_momentum=momentum)
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
