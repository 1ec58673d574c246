"""The gated dilated convolution of DGCNN as a Keras layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="GatedConv")
class GatedConv(keras.layers.Layer):
    """Residual gated dilated convolution over text: ``x + conv(norm(x)) * sigmoid(gate(norm(x)))``.

    It keeps the number of channels. Masked steps are set to zero before and after the convolution, so that padding and
    other rows of the batch never change the result. The window has three steps: the step itself and its neighbours at
    the distance `dilation`, or, if `causal`, the steps at once and twice that distance before it.

    Args:
        dilation: int, from 1.
        dropout: float, dropout rate of the normalised input.
        causal: bool, whether a step sees only earlier ones. `step` then computes one step at a time.

    Call arguments:
        inputs: float ``(batch, time, channels)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float ``(batch, time, channels)``, zero at masked steps.

    Raises:
        ValueError: if `dilation` is no integer from 1.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import GatedConv
        >>> tuple(GatedConv(dilation=2)(np.ones((1, 7, 4), "float32")).shape)
        (1, 7, 4)

    References:
        Dauphin et al. (2017), Language Modeling with Gated Convolutional Networks. DGCNN:
        https://spaces.ac.cn/archives/5409
    """

    def __init__(self, dilation: int = 1, dropout: float = 0.0, causal: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(dilation, int) or dilation < 1:
            raise ValueError(f"dilation must be an integer from 1. Received: {dilation!r}")
        self.dilation, self.causal = dilation, causal
        self.norm = keras.layers.LayerNormalization(dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1]
        self.norm.build(input_shape)
        self.kernel = self.add_weight(name="kernel", shape=(3 * channels, 2 * channels), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(2 * channels,), initializer="zeros")
        self.built = True

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        x = self.dropout(self.norm(inputs), training=training)  # (batch, time, channels)
        visible = None if mask is None else ops.expand_dims(ops.cast(mask, x.dtype), -1)  # supported by LiteRT
        if visible is not None:
            x = x * visible
        d = self.dilation
        padded = ops.pad(x, [[0, 0], [2 * d, 0] if self.causal else [d, d], [0, 0]])  # (batch, time + 2d, channels)
        x = inputs + self._gated(padded[:, : -2 * d], padded[:, d:-d], padded[:, 2 * d :])
        return x if visible is None else x * visible

    def _gated(self, *window: Any) -> Any:
        # One product with the three steps concatenated: on a CPU as fast as a convolution, and equal on all backends.
        value, gate = ops.split(ops.matmul(ops.concatenate(window, axis=-1), self.kernel) + self.bias, 2, axis=-1)
        return value * ops.sigmoid(gate)

    def step(self, inputs: Any, past: Any) -> tuple[Any, Any]:
        """One step of a causal layer.

        Args:
            inputs: float ``(batch, channels)``.
            past: float ``(batch, 2 * dilation, channels)``, state after the step before; zeros at the first step.

        Returns:
            The output ``(batch, channels)``, and the `past` of the next step.
        """
        x = ops.cast(self.norm(inputs), past.dtype)
        past = ops.concatenate([past, x[:, None]], axis=1)
        return ops.cast(inputs, past.dtype) + self._gated(past[:, 0], past[:, self.dilation], x), past[:, 1:]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dilation": self.dilation, "dropout": self.dropout.rate, "causal": self.causal}
