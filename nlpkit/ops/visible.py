"""Values of tensors that are visible outside of compiled graphs, and branches that depend on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def visible_values(x: Any) -> np.ndarray | None:
    """The values of a tensor or array if they are visible now, else None.

    They are visible in NumPy arrays and lists, in TensorFlow's eager tensors, in JAX outside of tracing and in PyTorch
    on a CPU, but not inside a graph under construction.

    Args:
        x: tensor of the backend, array, list or None.

    Returns:
        A NumPy array or None.

    Example:

        >>> visible_values([[1, 2]]).shape
        (1, 2)
    """
    if x is None:
        return None
    if isinstance(x, (np.ndarray, np.generic, list, tuple, int, float, bool)):
        return np.asarray(x)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        is_value = isinstance(x, tf.Tensor) and hasattr(x, "numpy")  # a graph's tensors have no such method
        return ops.convert_to_numpy(x) if is_value else None
    if backend == "jax":
        import jax

        is_value = isinstance(x, jax.Array) and not isinstance(x, jax.core.Tracer) and x.is_fully_addressable
        return np.asarray(x) if is_value else None
    import torch

    is_traced = torch.compiler.is_compiling() or torch.jit.is_tracing()
    if not isinstance(x, torch.Tensor) or x.device.type != "cpu" or is_traced:
        return None
    try:
        return ops.convert_to_numpy(x)
    except RuntimeError:  # a tensor without data, under torch.func or in fake mode
        return None


def cond(condition: Any, if_true: Callable[[], Any], if_false: Callable[[], Any]) -> Any:
    """`keras.ops.cond` without its cost on JAX, which compiles both branches anew at every call that is not traced.

    Args:
        condition: scalar bool.
        if_true, if_false: functions without arguments that return tensors of the same shapes.
    """
    value = visible_values(condition)
    if value is None:
        return ops.cond(condition, if_true, if_false)
    return if_true() if value else if_false()
