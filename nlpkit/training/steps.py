"""The training steps of a compiled Keras model, one at a time, on each backend."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from nlpkit.training.devices import divided


class TrainingSteps:
    """Runs a model's own compiled training step batch by batch, as `fit` does within an epoch.

    `fit` returns only after an epoch; here the caller has control after each step.

    Args:
        model: a compiled Keras model.
        num_devices: that share each batch, see `nlpkit.training.devices`.
    """

    def __init__(self, model: Any, num_devices: int = 1):
        self._model, self._num_devices = model, num_devices
        self._state: tuple[list, ...] | None = None  # on JAX: what the variables will be
        model.make_train_function()
        self._run = {"tensorflow": self._on_tensorflow, "jax": self._on_jax, "torch": self._on_torch}[
            keras.backend.backend()
        ]

    def run(self, batches: Any, epoch: int, start: int) -> Iterator[float]:
        """Train on the batches of an epoch from one step on.

        Args:
            batches: has ``epoch(epoch, start)``, which yields tuples of arrays: inputs and, unless the
                model has its own loss, targets and weights.
            epoch, start: the position.

        Yields:
            After each step, the mean loss since the model's metrics were reset.
        """
        yield from self._run(batches, epoch, start)
        self.synchronize()

    def synchronize(self) -> None:
        """Make the model's variables hold what training has reached; on JAX they lag behind."""
        if self._state is not None:
            for variables, values in zip(self._variables(), self._state):
                for variable, value in zip(variables, values):
                    variable.assign(value)
            self._state = None

    def random_state(self) -> list[np.ndarray]:
        """What random numbers depend on beside the model's variables: on PyTorch dropout draws from a generator of the
        device."""
        if keras.backend.backend() != "torch":
            return []
        import torch

        return [state.numpy() for state in (torch.get_rng_state(), *torch.cuda.get_rng_state_all())]

    def restore_random_state(self, state: Sequence[np.ndarray]) -> None:
        """Go on with the random numbers that follow a `random_state`."""
        if keras.backend.backend() == "torch":
            import torch

            own, *of_gpus = (torch.from_numpy(each.copy()) for each in state)
            torch.set_rng_state(own)
            for gpu, of_gpu in zip(range(torch.cuda.device_count()), of_gpus):
                torch.cuda.set_rng_state(of_gpu, gpu)

    def _variables(self):
        model = self._model
        return (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )

    def _on_tensorflow(self, batches, epoch, start):
        import tensorflow as tf

        own = iter(batches.epoch(epoch, start))
        if self._num_devices > 1:  # which take the parts of a batch in turn
            own = (part for batch in own for part in divided(batch, self._num_devices))
        first = next(own)
        flat = keras.tree.flatten(first)
        own = itertools.chain([first], own)

        def next_batch(_):
            arrays = tf.numpy_function(lambda: keras.tree.flatten(next(own)), [], [x.dtype for x in flat])
            # The shapes are declared, because they would otherwise be inferred from the first batches.
            shapes = [[None] * min(x.ndim, 2) + list(x.shape[2:]) for x in flat]
            return keras.tree.pack_sequence_as(first, list(map(tf.ensure_shape, arrays, shapes)))

        # Not `Dataset.from_generator`: it has malloc give every large array back to the system at once, for as long as
        # the process lives, and asking for it again takes up to half the time of a step.
        count = (len(batches) - start) * self._num_devices
        data = tf.data.Dataset.range(count).map(next_batch)
        # Nothing is left to tune; and the thread that tunes sleeps twice as long each time, up to a minute, while the
        # end of an epoch waits for it.
        options = tf.data.Options()
        options.autotune.enabled = False
        data = data.prefetch(2 * self._num_devices).with_options(options)
        if self._num_devices > 1:
            data = self._model.distribute_strategy.distribute_datasets_from_function(lambda _: data)
        iterator = iter(data)
        for _ in range(len(batches) - start):
            yield float(self._model.train_function(iterator)["loss"])

    def _on_jax(self, batches, epoch, start):
        for batch in batches.epoch(epoch, start):
            if self._num_devices > 1:
                batch = _by_rows(batch, self._num_devices)
            if self._state is None:
                self._state = tuple([variable.value for variable in group] for group in self._variables())
            logs, self._state = self._model.train_function(self._state, iter([batch]))
            yield float(logs["loss"])

    def _on_torch(self, batches, epoch, start):
        self._model.train()
        try:
            for batch in batches.epoch(epoch, start):
                batch = keras.tree.map_structure(keras.ops.convert_to_tensor, batch)
                yield float(self._model.train_function([batch])["loss"])
        finally:
            self._model.eval()


def _by_rows(batch, count):
    """A batch whose rows lie on the devices of the distribution."""
    import jax

    parts = divided(batch, count)
    whole = keras.tree.map_structure(lambda *rows: np.concatenate(rows), *parts)
    mesh = keras.distribution.distribution().device_mesh.backend_mesh
    layout = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(mesh.axis_names[0]))
    return keras.tree.map_structure(lambda x: jax.device_put(x, layout), whole)
