"""Layer normalisation with a scale and a shift that depend on another vector."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="nlpkit", name="ConditionalLayerNorm")
class ConditionalLayerNorm(keras.layers.Layer):
    """Layer normalisation with a scale and a shift that depend on one vector for each row.

    ``norm(x) * (1 + condition @ A) + condition @ B``, where `norm` has a learned scale and shift as well. A and B are
    initially zero, so that training begins with plain layer normalisation.

    Call arguments:
        inputs: float ``(batch, steps, features)``.
        condition: float ``(batch, channels)``.

    Returns:
        float ``(batch, steps, features)``.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import ConditionalLayerNorm
        >>> x = ConditionalLayerNorm()(np.array([[[1.0, 3.0]]], "float32"), np.ones((1, 4), "float32"))
        >>> np.asarray(x).round(2).tolist()
        [[[-1.0, 1.0]]]

    References:
        Self-modulated layer normalisation: https://spaces.ac.cn/archives/5861; initialised with zeros:
        https://spaces.ac.cn/archives/7124. The idea: Dumoulin, Shlens and Kudlur (2017), A Learned Representation For
        Artistic Style.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.norm = keras.layers.LayerNormalization(name="norm", dtype=self.dtype_policy)

    def build(self, inputs_shape: Any, condition_shape: Any) -> None:
        if len(inputs_shape) != 3 or len(condition_shape) != 2:
            raise ValueError(
                "inputs must have the shape (batch, time, features), their condition (batch, channels). "
                f"Received: {tuple(inputs_shape)} and {tuple(condition_shape)}"
            )
        features = inputs_shape[-1]
        self.norm.build(inputs_shape)
        self.scale, self.shift = (
            keras.layers.Dense(features, use_bias=False, kernel_initializer="zeros", name=name, dtype=self.dtype_policy)
            for name in ("scale", "shift")
        )
        self.scale.build(condition_shape)
        self.shift.build(condition_shape)
        self.built = True

    def call(self, inputs: Any, condition: Any) -> Any:
        return self.modulate(inputs, *self.modulation(condition))

    def modulation(self, condition: Any) -> tuple[Any, Any]:
        """Scale and shift for a condition, both float ``(batch, 1, features)``, to be computed once for many steps."""
        return 1 + self.scale(condition)[:, None], self.shift(condition)[:, None]

    def modulate(self, inputs: Any, scale: Any, shift: Any) -> Any:
        """The result of the layer, from the `modulation` of its condition."""
        return self.norm(inputs) * scale + shift

    def compute_output_shape(self, inputs_shape: Any, condition_shape: Any) -> Any:
        return inputs_shape
