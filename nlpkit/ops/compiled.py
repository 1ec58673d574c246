"""Compilation of pure functions over padded sequences, inside or outside of a model."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops


def compiled(*, returns: str, in_graphs: bool = True) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: compile ``function(*sequences, *, parameter=…)`` on the backends that can.

    The sequences are tensors ``(batch, time, …)``. Padding their two leading axes with zeros must not change the
    results for the original rows and steps. The parameters are tensors too; they are passed by name and not padded.

    TensorFlow compiles with XLA even where the surrounding model does not, JAX with ``jax.jit``; PyTorch runs the
    function itself. The undecorated function is available as ``.plain``.

    Args:
        returns: string, one word for each output: ``"rows"`` for ``(batch, …)``, ``"steps"`` for
            ``(batch, time, …)``, ``"scalar"``.
        in_graphs: bool; if False, a call inside a TensorFlow graph uses plain operations, so that the graph can be
            exported to runtimes without XLA.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        backend = keras.backend.backend()
        if backend == "tensorflow":
            call: Any = _with_xla(function, returns.split(), in_graphs)
        elif backend == "jax":
            import jax

            call = functools.wraps(function)(jax.jit(function))
        else:
            call = functools.wraps(function)(lambda *args, **kwargs: function(*args, **kwargs))
        call.plain = function
        return call

    return decorate


def _with_xla(function: Callable[..., Any], returns: Sequence[str], in_graphs: bool) -> Callable[..., Any]:
    """The function compiled with XLA, its sequences padded to a few sizes and its results cut again."""
    import tensorflow as tf

    program = tf.function(function, jit_compile=True, autograph=False)

    @functools.wraps(function)
    def call(*sequences: Any, **parameters: Any) -> Any:
        if not in_graphs and not tf.executing_eagerly():
            return function(*sequences, **parameters)
        batch, time = ops.shape(sequences[0])[:2]
        more = [_round_up(n) - n for n in (batch, time)]
        padded: Sequence[Any] = sequences
        if not all(isinstance(n, int) and n == 0 for n in more):
            ends = [[0, n] for n in more]
            padded = [tf.pad(x, ends + [[0, 0]] * (len(x.shape) - 2)) for x in sequences]
        outputs = program(*padded, **parameters)
        cut = {"steps": lambda x: x[:batch, :time], "rows": lambda x: x[:batch], "scalar": lambda x: x}
        return tuple(cut[axes](x) for x, axes in zip(outputs, returns))

    return call


def _round_up(size: Any) -> Any:
    """The next of 32, 48, 64, 96, 128, 192, …, as XLA compiles anew for every shape."""
    if isinstance(size, int):
        power = 1 << (max(size, 32) - 1).bit_length()
        return 3 * power // 4 if max(size, 32) <= 3 * power // 4 else power
    import tensorflow as tf

    size = tf.maximum(tf.cast(size, "float32"), 32.0)
    power = tf.pow(2.0, tf.math.ceil(tf.math.log(size - 0.5) / math.log(2.0)))
    return tf.cast(tf.where(size <= 0.75 * power, 0.75 * power, power), "int32")
