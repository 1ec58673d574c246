"""Forward passes of a model on arrays, compiled once."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras
import numpy as np

_Run = Callable[[Mapping[str, np.ndarray]], Any]


class Forward:
    """Calls a Keras model on NumPy arrays of any batch size and length, without the overhead of `predict`.

    Args:
        model: a Keras model with a dictionary of inputs.
        shared: names of inputs without a batch axis, shared by all rows.

    Call arguments:
        arrays: dictionary of arrays; all but the shared ones have a common batch axis.

    Returns:
        The model's output as a NumPy array, or a structure of arrays if it has several.
    """

    def __init__(self, model: Any, shared: Collection[str] = ()):
        self._model, self._shared = model, shared
        backend = keras.backend.backend()
        self._run = {"tensorflow": self._on_tensorflow, "jax": self._on_jax, "torch": self._on_torch}[backend]()

    def __call__(self, arrays: dict[str, np.ndarray]) -> Any:
        return self._run(arrays)

    def _on_tensorflow(self) -> _Run:
        import tensorflow as tf

        signature = {name: tf.TensorSpec(x.shape, x.dtype) for name, x in self._model.input.items()}
        program = tf.function(lambda arrays: self._model(arrays, training=False), input_signature=[signature])
        # Traced once for all shapes; TensorFlow would take several models for repeated traces of one, and warn.
        traced = functools.cache(program.get_concrete_function)
        tracing = threading.Lock()

        def run(arrays: Mapping[str, np.ndarray]) -> Any:
            with tracing:
                call = traced()
            outputs = call({name: tf.constant(arrays[name], spec.dtype) for name, spec in signature.items()})
            return keras.tree.map_structure(lambda x: x.numpy(), outputs)

        return run

    def _on_jax(self) -> _Run:
        import jax

        @jax.jit
        def call(trainable: Any, other: Any, arrays: Any) -> Any:
            return self._model.stateless_call(trainable, other, arrays, training=False)[0]

        def run(arrays: Mapping[str, np.ndarray]) -> Any:
            # JAX compiles a program per shape, so the number of rows is rounded up to a power of two.
            rows = len(next(x for name, x in arrays.items() if name not in self._shared))
            more = (1 << (rows - 1).bit_length()) - rows
            arrays = {
                name: x if name in self._shared else np.pad(x, [(0, more)] + [(0, 0)] * (x.ndim - 1))
                for name, x in arrays.items()
            }
            trainable = [v.value for v in self._model.trainable_variables]
            other = [v.value for v in self._model.non_trainable_variables]
            return keras.tree.map_structure(lambda x: np.asarray(x)[:rows], call(trainable, other, arrays))

        return run

    def _on_torch(self) -> _Run:
        import torch

        def run(arrays: Mapping[str, np.ndarray]) -> Any:
            with torch.no_grad():
                return keras.tree.map_structure(keras.ops.convert_to_numpy, self._model(arrays, training=False))

        return run
