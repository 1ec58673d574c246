"""Training on two devices is that of one: two virtual ones of the processor, in processes of their own."""

import subprocess
import sys

import numpy as np
import pytest

import nlpkit
from nlpkit.errors import ConfigError
from nlpkit.training.devices import Devices, divided

from .conftest import DATA, SAMPLES, SMALL

PROGRAM = """
import os, sys
backend, out, train, valid = sys.argv[1:]
os.environ["KERAS_BACKEND"] = backend
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
import keras, nlpkit, numpy as np
from nlpkit.training.devices import Devices
from nlpkit.training.steps import TrainingSteps
if backend == "tensorflow":
    import tensorflow as tf
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )

class Batches:
    def __len__(self):
        return 6
    def epoch(self, epoch, start):
        for step in range(start, 6):
            rng = np.random.default_rng([epoch, step])
            ids = rng.integers(0, 50, (7 - step % 3, 4)).astype("int32")
            weights = rng.random(ids.shape).astype("float32")
            yield {{"x": ids}}, rng.integers(0, 5, ids.shape).astype("int32"), weights

def trained(count):
    keras.utils.set_random_seed(0)
    with Devices(count).used():
        x = keras.Input((None,), dtype="int32", name="x")
        model = keras.Model({{"x": x}}, keras.layers.Dense(5)(keras.layers.Embedding(50, 8)(x)))
        model.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.optimizer.build(model.trainable_variables)
        losses = [loss for epoch in range(3) for loss in TrainingSteps(model, count).run(Batches(), epoch, 0)]
        return losses, model.get_weights()

(one, first), (two, second) = trained(1), trained(2)
for a, b in zip(first, second):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
print("losses", np.abs(np.subtract(one, two)).max())
model = nlpkit.train("tagging", train, valid, out=out, settings={settings})
print(model.predict("今天天气真好").to_text())
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_train_as_one(backend, tmp_path):
    pytest.importorskip(backend)
    program = PROGRAM.format(settings={**SMALL, "epochs": 1, "batch_size": 13, "devices": 2})
    data = [SAMPLES / "words-train.txt", SAMPLES / "words-test.txt"]
    command = [sys.executable, "-c", program, backend, tmp_path / "model", *data]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    losses, text = done.stdout.splitlines()
    assert float(losses.removeprefix("losses ")) < 0.02  # what is shown counts rows of weight 0
    assert text == nlpkit.load(tmp_path / "model").predict("今天天气真好").to_text()


def test_a_batch_is_divided():
    batch = {"x": np.arange(10).reshape(5, 2)}, np.arange(5), np.linspace(1, 2, 5, dtype="float32")
    for count in (1, 2, 3, 5):
        parts = divided(batch, count)
        sizes = {len(weights) for _, _, weights in parts}
        assert len(parts) == count and len(sizes) == 1
        mean = np.mean([(targets * weights).mean() for _, targets, weights in parts])
        assert np.isclose(mean, (batch[1] * batch[2]).mean())
        assert all(weights.dtype == "float32" and len(inputs["x"]) == len(weights) for inputs, _, weights in parts)


def test_what_can_not_be_divided_is_told(tmp_path):
    settings = {**SMALL, "devices": 2}
    with pytest.raises(ConfigError, match=r"devices = 2: tensorflow sees 1 here, /device:CPU:0"):
        Devices(2)
    data = SAMPLES / "words-test.txt"
    with pytest.raises(ConfigError, match="devices = 2: must be 1 where batches are accumulated"):
        nlpkit.train("tagging", data, data, out=tmp_path / "a", settings={**settings, "accumulate": 2})
    pairs = DATA / "similarity" / "questions-test.tsv"
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(ConfigError, match="devices = 2: batches of similarity can't be divided; take 1"),
    ):
        patch.setattr("nlpkit.training.devices.Devices.__init__", lambda self, count: setattr(self, "count", 1))
        nlpkit.train("similarity", pairs, out=tmp_path / "b", settings={"devices": 2, "onnx": "off"})
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
