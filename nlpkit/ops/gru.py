"""The gated recurrent unit over whole sequences: one loop, and on TensorFlow and JAX a backward pass written by hand.

To differentiate a loop, a framework records each intermediate result and computes a gradient of the weights per step,
which costs more than the loop. Here the backward loop holds one matrix product per step; all gates are recomputed at
once, and the gradients of the weights are one product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

_CLOSED = 100.0  # added to the logit of an update gate, sets the gate to 1, so that the state stays the same


class GRUWeights(NamedTuple):
    """Weights of one direction, with the gates in the order reset, update, candidate.

    Attributes:
        kernel: float ``(features, 3 * units)``.
        bias: float ``(3 * units,)``.
        recurrent_kernel: float ``(units, 3 * units)``.
        recurrent_bias: float ``(3 * units,)``, added before the reset gate is applied.
    """

    kernel: Any
    bias: Any
    recurrent_kernel: Any
    recurrent_bias: Any


def gru(x: Any, mask: Any, weights: GRUWeights, start: Any, backwards: GRUWeights | None = None) -> Any:
    """The states of a gated recurrent unit after each step.

    A masked step does not change the state, bit for bit, with padding in any place.

    Args:
        x: float ``(batch, time, features)``.
        mask: bool ``(batch, time)``, or None.
        weights: `GRUWeights`.
        start: float ``(batch, units)``, the state before the first step, shared by both directions.
        backwards: weights of a second unit, which reads from the end to the beginning, or None.

    Returns:
        float ``(batch, time, units)``, or ``(batch, time, 2 * units)`` for both directions. First derivatives are
        defined.

    Example:

        >>> import numpy as np
        >>> zeros = [np.zeros(shape, "float32") for shape in ((2, 9), (9,), (3, 9), (9,))]
        >>> states = gru(np.ones((1, 4, 2), "float32"), None, GRUWeights(*zeros), np.ones((1, 3), "float32"))
        >>> np.asarray(states)[0, :, 0].tolist()
        [0.5, 0.25, 0.125, 0.0625]

    References:
        Cho et al. (2014), Learning Phrase Representations using RNN Encoder-Decoder; with the reset gate applied after
        the product, as in cuDNN.
    """
    x, start = ops.convert_to_tensor(x), ops.convert_to_tensor(start)
    directions = [GRUWeights(*map(ops.convert_to_tensor, each)) for each in (weights, backwards) if each is not None]
    if mask is not None:
        masked = ops.cast(ops.logical_not(mask), x.dtype)[..., None]  # (batch, time, 1)
        x = ops.concatenate([ops.where(mask[..., None], x, 0), masked], axis=-1)
        directions = [*map(_with_closing, directions)]
    if keras.backend.backend() == "torch":
        return _on_torch(x, directions, start)
    by_time = ops.transpose(x, (1, 0, 2))  # before the products, whose results are three times as large
    states = _one_way(by_time, directions[0], start)
    if backwards is not None:
        # Flipping whole steps costs little, and ONNX has no loop from the end to the beginning.
        mirrored = ops.flip(_one_way(ops.flip(by_time, 0), directions[1], start), 0)
        states = ops.concatenate([states, mirrored], axis=-1)
    return ops.transpose(states, (1, 0, 2))


def _one_way(by_time: Any, weights: GRUWeights, start: Any) -> Any:
    """The states of one direction: ``(time, batch, features)`` to ``(time, batch, units)``."""
    kernel, bias, recurrent_kernel, recurrent_bias = weights
    return _states(ops.matmul(by_time, kernel) + bias, recurrent_kernel, recurrent_bias, start)


def _with_closing(weights: GRUWeights) -> GRUWeights:
    """Weights for an additional feature, 1 at masked steps, which sets the update gate to 1 there."""
    units = ops.shape(weights.recurrent_kernel)[0]
    closing = ops.pad(ops.full((1, units), _CLOSED, dtype=weights.kernel.dtype), [[0, 0], [units, units]])
    return weights._replace(kernel=ops.concatenate([weights.kernel, closing]))


def gru_step(x: Any, state: Any, weights: GRUWeights) -> Any:
    """One step: ``(batch, features)`` and the state ``(batch, units)`` to the state after it."""
    inputs = ops.matmul(x, weights.kernel) + weights.bias
    return _step(inputs, state, weights.recurrent_kernel, weights.recurrent_bias)


def _gates(inputs: Any, state: Any, kernel: Any, bias: Any) -> tuple[Any, Any, Any, Any]:
    """Reset gate, update gate, candidate, and the operand of the reset gate."""
    units = state.shape[-1]
    product = ops.matmul(state, kernel) + bias
    both = ops.sigmoid(inputs[..., : 2 * units] + product[..., : 2 * units])
    reset, update, inner = both[..., :units], both[..., units:], product[..., 2 * units :]
    return reset, update, ops.tanh(inputs[..., 2 * units :] + reset * inner), inner


def _step(inputs: Any, state: Any, kernel: Any, bias: Any) -> Any:
    _, update, candidate, _ = _gates(inputs, state, kernel, bias)
    return (1 - update) * candidate + update * state  # in this form an update gate of 1 changes nothing


@ops.custom_gradient
def _states(inputs: Any, kernel: Any, bias: Any, start: Any) -> Any:
    """The loop over time: inputs ``(time, batch, 3 * units)`` to states ``(time, batch, units)``."""
    states = _loop(lambda state, values: _step(values[0], state, kernel, bias), start, [inputs])

    def gradient(upstream: Any) -> tuple[Any, Any, Any, Any]:
        before = ops.concatenate([start[None], states[:-1]])  # (time, batch, units)
        reset, update, candidate, inner = _gates(inputs, before, kernel, bias)
        to_candidate = (1 - update) * (1 - candidate * candidate)
        to_update = (before - candidate) * update * (1 - update)
        # Derivatives of the state after a step by the sums before the gates.
        factors = ops.concatenate(
            [to_candidate * inner * reset * (1 - reset), to_update, to_candidate * reset], axis=-1
        )  # (time, batch, 3 * units)
        transposed = ops.transpose(kernel)

        def back(later: Any, values: Sequence[Any]) -> Any:
            """The gradient of the state before this step from that of the state before the next step."""
            own, update, factors = values
            total = later + own
            return total * update + ops.matmul(_three_times(total) * factors, transposed)

        later = _loop(back, ops.zeros_like(start), [upstream, update, factors], reverse=True)  # (time, batch, units)
        total = ops.concatenate([later[1:], ops.zeros_like(start)[None]]) + upstream
        sums = _three_times(total) * factors
        of_inputs = ops.concatenate([sums[..., : 2 * start.shape[-1]], total * to_candidate], axis=-1)
        of_kernel = ops.einsum("tbi,tbj->ij", before, sums)
        return of_inputs, of_kernel, ops.sum(sums, axis=(0, 1)), later[0]

    return states, gradient


def _three_times(x: Any) -> Any:
    return ops.concatenate([x, x, x], axis=-1)


def _loop(step: Callable[[Any, Sequence[Any]], Any], state: Any, inputs: Sequence[Any], reverse: bool = False) -> Any:
    """The states after each step, in the order of time; `step` takes a state and one slice of each input."""
    if keras.backend.backend() == "jax":

        def scan_body(state: Any, values: Sequence[Any]) -> tuple[Any, Any]:
            state = step(state, values)
            return state, state

        return ops.scan(scan_body, state, tuple(inputs), reverse=reverse)[1]
    import tensorflow as tf

    time = tf.shape(inputs[0])[0]
    arrays = [tf.TensorArray(x.dtype, time, element_shape=x.shape[1:]).unstack(x) for x in inputs]
    states = tf.TensorArray(state.dtype, time, element_shape=state.shape)

    def body(t: Any, state: Any, states: Any) -> tuple[Any, Any, Any]:
        place = time - 1 - t if reverse else t
        state = step(state, [array.read(place) for array in arrays])
        return t + 1, state, states.write(place, state)

    return tf.while_loop(lambda t, *_: t < time, body, (0, state, states), maximum_iterations=time)[2].stack()


def _on_torch(x: Any, directions: Sequence[GRUWeights], start: Any) -> Any:
    """The states from PyTorch's native loop."""
    import torch

    weights: list[Any] = []
    for kernel, bias, recurrent_kernel, recurrent_bias in directions:
        weights += [kernel.T.contiguous(), recurrent_kernel.T.contiguous(), bias, recurrent_bias]
    start = torch.stack([start] * len(directions))
    return torch.gru(x, start, weights, True, 1, 0.0, torch.is_grad_enabled(), len(directions) == 2, True)[0]
