"""What the tests of all backends share."""

import keras
import numpy as np
from keras import ops


def jit_compile(wanted):
    """The switch that a model is compiled with: PyTorch would need a C++ toolchain, JAX is slow without."""
    return {"torch": False, "jax": True}.get(keras.backend.backend(), wanted)


def array(x):
    return ops.convert_to_numpy(x)


def gradients(function, *arrays):
    """Value of a scalar function and its gradients by float32 arrays, on whichever backend runs."""
    backend = keras.backend.backend()
    tensors = [ops.convert_to_tensor(np.asarray(a, "float32")) for a in arrays]
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        return array(value), [array(g) for g in tape.gradient(value, tensors)]
    if backend == "jax":
        import jax

        value, found = jax.value_and_grad(function, tuple(range(len(tensors))))(*tensors)
        return array(value), [array(g) for g in found]
    for tensor in tensors:
        tensor.requires_grad_()
    value = function(*tensors)
    value.backward()
    return array(value.detach()), [array(t.grad) for t in tensors]


def in_graph(function, *arrays):
    """Call a function of tensors inside a compiled graph of the backend (eagerly on PyTorch)."""
    backend = keras.backend.backend()
    tensors = [ops.convert_to_tensor(a) for a in arrays]
    if backend == "tensorflow":
        import tensorflow as tf

        unknown = [tf.TensorSpec([None, None, *t.shape[2:]], t.dtype) for t in tensors]
        return tf.function(function, input_signature=unknown)(*tensors)
    if backend == "jax":
        import jax

        return jax.jit(function)(*tensors)
    return function(*tensors)
