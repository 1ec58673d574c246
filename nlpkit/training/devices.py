"""Data parallelism: batches divided among several devices with the same weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from nlpkit.errors import ConfigError


class Devices:
    """Devices of this machine, the GPUs if there are any, on TensorFlow or JAX.

    Batches are padded with rows of weight 0 to equal parts. So training has the same steps and batches as on one
    device, except for rounding, which Adam amplifies where gradients are close to 0, and for dropout, which each device
    draws independently. The displayed mean loss includes the rows of padding.

    Args:
        count: number of devices; 1 has no effect.

    Raises:
        ConfigError: if there are fewer devices, or on PyTorch.
    """

    def __init__(self, count: int = 1):
        self.count = count
        self._strategy: Any = None
        if count == 1:
            return
        backend = keras.backend.backend()
        if backend == "torch":
            raise ConfigError(f"devices = {count}: PyTorch trains on one here; set KERAS_BACKEND to tensorflow or jax")
        names = _on_tensorflow() if backend == "tensorflow" else keras.distribution.list_devices()
        if count > len(names):
            raise ConfigError(f"devices = {count}: {backend} sees {len(names)} here, {', '.join(names)}")
        if backend == "tensorflow":
            import tensorflow as tf

            # TensorFlow's default for processors sometimes confuses concurrent sums.
            sums = tf.distribute.ReductionToOneDevice() if "CPU" in names[0] else None
            self._strategy = tf.distribute.MirroredStrategy(names[:count], cross_device_ops=sums)
        else:
            self._distribution = keras.distribution.DataParallel(devices=names[:count])

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Context in which models are built and trained on the devices."""
        if self.count == 1:
            yield
        elif self._strategy is not None:
            with self._strategy.scope():
                yield
        else:
            before = keras.distribution.distribution()
            keras.distribution.set_distribution(self._distribution)
            try:
                yield
            finally:
                keras.distribution.set_distribution(before)


def _on_tensorflow() -> list[str]:
    """Names of the devices that TensorFlow sees."""
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in devices]


def divided(batch: Any, count: int) -> list[Any]:
    """Equally large parts of a batch, one per device.

    Args:
        batch: inputs, targets and weights; all arrays have a row per example.
        count: number of devices.

    Returns:
        One batch per device. Padding repeats the last row with weight 0; all other weights are scaled so that the mean
        over the parts equals that over the batch.

    Example:

        >>> batch = {"x": np.array([1, 2, 3])}, np.array([4, 5, 6]), np.ones(3, "float32")
        >>> for inputs, targets, weights in divided(batch, 2):
        ...     print(inputs["x"], targets, weights.round(2))
        [1 2] [4 5] [1.33 1.33]
        [3 3] [6 6] [1.33 0.  ]
    """
    inputs, targets, weights = batch
    rows = len(weights)
    size = -(-rows // count)
    more = size * count - rows

    def fill(x: np.ndarray) -> np.ndarray:
        return np.concatenate([x, np.repeat(x[-1:], more, axis=0)]) if more else x

    if more:
        weights = np.concatenate([weights * (size * count / rows), np.zeros((more, *weights.shape[1:]), weights.dtype)])
        weights = weights.astype(batch[2].dtype)
    filled = keras.tree.map_structure(fill, (inputs, targets))
    return [
        keras.tree.map_structure(lambda x, begin=begin: x[begin : begin + size], (*filled, weights))
        for begin in range(0, size * count, size)
    ]
