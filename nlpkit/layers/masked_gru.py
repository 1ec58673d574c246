"""A recurrent layer that is independent of padding."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.ops.gru import GRUWeights, gru, gru_step


@keras.saving.register_keras_serializable(package="nlpkit", name="MaskedGRU")
class MaskedGRU(keras.layers.Layer):
    """Fast gated recurrent unit in one or both directions, exact for padded batches.

    Masked steps never change the state, so that a row gives the same result alone, in a batch, and with padding before,
    after or within it. The layer computes the function of `keras.layers.GRU`, with a backward pass written by hand, or
    PyTorch's native one, see `nlpkit.ops.gru`, and so trains faster.

    Args:
        units: int, size of the state of each direction.
        bidirectional: bool, whether to read backwards as well, and concatenate the states of both directions.

    Call arguments:
        inputs: float ``(batch, time, features)``.
        mask: optional bool ``(batch, time)``.
        initial_state: optional float ``(batch, units)``, state before the first step, for one direction only; zeros if
            None.

    Returns:
        The states, zero at masked steps: float ``(batch, time, units)``, or ``(batch, time, 2 * units)`` for both
        directions.

    Raises:
        ValueError: if `units` is no integer from 1, the shape of the inputs does not fit, or a bidirectional layer
            receives an initial state.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import MaskedGRU
        >>> x, mask = np.ones((1, 4, 2), "float32"), np.array([[True, True, True, False]])
        >>> tuple(MaskedGRU(3, bidirectional=True)(x, mask=mask).shape)
        (1, 4, 6)

    References:
        Cho et al. (2014), Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
        Translation. Schuster and Paliwal (1997), Bidirectional Recurrent Neural Networks.
    """

    def __init__(self, units: int, bidirectional: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(units, int) or units < 1:
            raise ValueError(f"units must be an integer from 1. Received: {units!r}")
        self.units, self.bidirectional = units, bidirectional
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if len(input_shape) != 3:
            raise ValueError(f"inputs must have the shape (batch, time, features). Received: {tuple(input_shape)}")
        self._directions = [self._add_weights(name, input_shape[-1]) for name in ("forward", "backward")[: self._count]]
        self.built = True

    @property
    def _count(self) -> int:
        return 2 if self.bidirectional else 1

    def _add_weights(self, name: str, features: int) -> GRUWeights:
        size = 3 * self.units
        return GRUWeights(
            self.add_weight((features, size), "glorot_uniform", name=f"{name}_kernel"),
            self.add_weight((size,), "zeros", name=f"{name}_bias"),
            self.add_weight((self.units, size), "orthogonal", name=f"{name}_recurrent_kernel"),
            self.add_weight((size,), "zeros", name=f"{name}_recurrent_bias"),
        )

    def call(self, inputs: Any, mask: Any = None, initial_state: Any = None) -> Any:
        if self.bidirectional and initial_state is not None:
            raise ValueError("a bidirectional layer takes no initial_state")
        x = ops.cast(inputs, self.compute_dtype)
        mask = None if mask is None else ops.cast(mask, "bool")
        start = ops.zeros((ops.shape(x)[0], self.units), dtype=x.dtype) if initial_state is None else initial_state
        backwards = self._weights_of(1) if self.bidirectional else None
        states = gru(x, mask, self._weights_of(0), ops.cast(start, x.dtype), backwards)
        return states if mask is None else states * ops.cast(mask, states.dtype)[..., None]

    def step(self, inputs: Any, state: Any) -> Any:
        """One step of a layer with one direction.

        Args:
            inputs: float ``(batch, features)``.
            state: float ``(batch, units)``.

        Returns:
            The next state, which is also the output.
        """
        return gru_step(ops.cast(inputs, state.dtype), state, self._weights_of(0, state.dtype))

    def _weights_of(self, direction: int, dtype: Any = None) -> GRUWeights:
        return GRUWeights(*(ops.cast(x, dtype or self.compute_dtype) for x in self._directions[direction]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self._count * self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "bidirectional": self.bidirectional}
