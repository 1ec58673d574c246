"""The training steps of a compiled Keras model, one at a time, on each backend."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from nlpkit.training.devices import divided


class TrainingSteps:
    """Runs the compiled training step of a model batch by batch, like `fit` within an epoch.

    Unlike with `fit`, the caller has control after each step.

    Args:
        model: a compiled Keras model.
        num_devices: number of devices that share each batch, see `nlpkit.training.devices`.
    """

    def __init__(self, model: Any, num_devices: int = 1):
        self._model, self._num_devices = model, num_devices
        self._state: tuple[list, ...] | None = None  # on JAX: pending values of the variables
        model.make_train_function()
        self._run = {"tensorflow": self._on_tensorflow, "jax": self._on_jax, "torch": self._on_torch}[
            keras.backend.backend()
        ]

    def run(self, batches: Any, epoch: int, start: int) -> Iterator[float]:
        """Train on the batches of an epoch from a given step on.

        Args:
            batches: object with ``epoch(epoch, start)``, which yields tuples of arrays: inputs and, unless the model
                has its own loss, targets and weights.
            epoch, start: epoch, and its first step to train on.

        Yields:
            After each step, the mean loss since the last reset of the model's metrics.
        """
        yield from self._run(batches, epoch, start)
        self.synchronize()

    def synchronize(self) -> None:
        """Assign the current values to the model's variables, which lag behind on JAX."""
        if self._state is not None:
            for variables, values in zip(self._variables(), self._state):
                for variable, value in zip(variables, values):
                    variable.assign(value)
            self._state = None

    def random_state(self) -> list[np.ndarray]:
        """States of random generators outside of the model: on PyTorch dropout uses those of the devices."""
        if keras.backend.backend() != "torch":
            return []
        import torch

        return [state.numpy() for state in (torch.get_rng_state(), *torch.cuda.get_rng_state_all())]

    def restore_random_state(self, state: Sequence[np.ndarray]) -> None:
        """Restore the generators to a `random_state`."""
        if keras.backend.backend() == "torch":
            import torch

            own, *of_gpus = (torch.from_numpy(each.copy()) for each in state)
            torch.set_rng_state(own)
            for gpu, of_gpu in zip(range(torch.cuda.device_count()), of_gpus):
                torch.cuda.set_rng_state(of_gpu, gpu)

    def _variables(self) -> tuple[list[Any], ...]:
        """The variables of the model in the order of its training step on JAX."""
        model = self._model
        return (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )

    def _on_tensorflow(self, batches: Any, epoch: int, start: int) -> Iterator[float]:
        import tensorflow as tf

        own = iter(batches.epoch(epoch, start))
        if self._num_devices > 1:  # the devices take the parts of a batch in turn
            own = (part for batch in own for part in divided(batch, self._num_devices))
        first = next(own)
        flat = keras.tree.flatten(first)
        own = itertools.chain([first], own)

        def next_batch(_: Any) -> Any:
            arrays = tf.numpy_function(lambda: keras.tree.flatten(next(own)), [], [x.dtype for x in flat])
            # The shapes are declared, as they would otherwise be inferred from the first batches.
            shapes = [[None] * min(x.ndim, 2) + list(x.shape[2:]) for x in flat]
            return keras.tree.pack_sequence_as(first, list(map(tf.ensure_shape, arrays, shapes)))

        # Not `Dataset.from_generator`: after it, malloc returns every large array to the system at once, for the rest
        # of the process, and allocation takes up to half the time of a step.
        count = (len(batches) - start) * self._num_devices
        data = tf.data.Dataset.range(count).map(next_batch)
        # There is nothing to tune, and the end of an epoch waits for the tuning thread, whose sleeps double up to a
        # minute.
        options = tf.data.Options()
        options.autotune.enabled = False
        data = data.prefetch(2 * self._num_devices).with_options(options)
        if self._num_devices > 1:
            data = self._model.distribute_strategy.distribute_datasets_from_function(lambda _: data)
        iterator = iter(data)
        for _ in range(len(batches) - start):
            yield float(self._model.train_function(iterator)["loss"])

    def _on_jax(self, batches: Any, epoch: int, start: int) -> Iterator[float]:
        for batch in batches.epoch(epoch, start):
            if self._num_devices > 1:
                batch = _by_rows(batch, self._num_devices)
            if self._state is None:
                self._state = tuple([variable.value for variable in group] for group in self._variables())
            logs, self._state = self._model.train_function(self._state, iter([batch]))
            yield float(logs["loss"])

    def _on_torch(self, batches: Any, epoch: int, start: int) -> Iterator[float]:
        self._model.train()
        try:
            for batch in batches.epoch(epoch, start):
                batch = keras.tree.map_structure(keras.ops.convert_to_tensor, batch)
                yield float(self._model.train_function([batch])["loss"])
        finally:
            self._model.eval()


def _by_rows(batch: Any, count: int) -> Any:
    """A batch with its rows placed on the devices of the distribution."""
    import jax

    parts = divided(batch, count)
    whole = keras.tree.map_structure(lambda *rows: np.concatenate(rows), *parts)
    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    layout = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(mesh.axis_names[0]))
    return keras.tree.map_structure(lambda x: jax.device_put(x, layout), whole)
