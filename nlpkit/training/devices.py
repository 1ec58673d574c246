"""Each batch divided among several devices: all have the same weights, each computes the gradient of its rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from nlpkit.errors import ConfigError


class Devices:
    """Some devices of this machine, the GPUs if there are any, on TensorFlow or JAX.

    A batch of which a device would get more rows than another is filled up with rows of weight 0. So training is that
    of one device: the same steps with the same batches, but for rounding, which Adam enlarges where gradients are
    close to 0, and for dropout, which each draws for itself. The mean loss that is shown counts these rows as well.

    Args:
        count: how many; 1 leaves all as it is.

    Raises:
        ConfigError: if there are fewer, or on PyTorch.
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

            # What TensorFlow takes for processors by itself mistakes one sum for another at times.
            sums = tf.distribute.ReductionToOneDevice() if "CPU" in names[0] else None
            self._strategy = tf.distribute.MirroredStrategy(names[:count], cross_device_ops=sums)
        else:
            self._distribution = keras.distribution.DataParallel(devices=names[:count])

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Models that are built within the block, and trained there, use the devices."""
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


def _on_tensorflow():
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in devices]


def divided(batch: Any, count: int) -> list[Any]:
    """The parts of a batch for so many devices, of equally many rows.

    Args:
        batch: inputs, targets and weights; all arrays have a row for each example.
        count: number of devices.

    Returns:
        As many batches. Rows that fill them up repeat the last one with weight 0, and all other weights grow, so that
        the mean over the parts is that over the batch.

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

    def fill(x):
        return np.concatenate([x, np.repeat(x[-1:], more, axis=0)]) if more else x

    if more:
        weights = np.concatenate([weights * (size * count / rows), np.zeros((more, *weights.shape[1:]), weights.dtype)])
        weights = weights.astype(batch[2].dtype)
    filled = keras.tree.map_structure(fill, (inputs, targets))
    return [
        keras.tree.map_structure(lambda x, begin=begin: x[begin : begin + size], (*filled, weights))
        for begin in range(0, size * count, size)
    ]
