"""Multiples of the learning rate for some variables."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from nlpkit.optimizers.wrapper import OptimizerWrapper, check_patterns


@keras.saving.register_keras_serializable(package="nlpkit", name="LearningRateMultipliers")
class LearningRateMultipliers(OptimizerWrapper):
    """A wrapper around any optimizer with separate learning rates for variables by their path.

    The change of a variable at a step is multiplied, so that this works for every optimizer, including Adam, where the
    scale of a gradient has no effect, and for weight decay. Schedules and callbacks see the learning rate of the inner
    optimizer.

    Args:
        inner: a Keras optimizer.
        multipliers: numbers from 0 by regular expression. A variable has the multiplier of the first expression with a
            match in its path, such as ``encoder/dense/kernel``, or 1 without a match. A multiplier of 0 freezes it.

    Raises:
        ValueError: if a multiplier is no finite number from 0; at the first step, if an expression matches no variable.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.optimizers import LearningRateMultipliers
        >>> model = keras.Sequential([keras.layers.Dense(2, name="low"), keras.layers.Dense(1, name="high")])
        >>> model.compile(LearningRateMultipliers(keras.optimizers.Adam(1e-3), {"low": 0.1, "bias": 2}), "mse")
        >>> history = model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)

    References:
        Howard and Ruder (2018), Universal Language Model Fine-tuning for Text Classification, for a learning rate
        per layer.
    """

    def __init__(self, inner: Any, multipliers: Mapping[str, float], name: str | None = None):
        super().__init__(inner, name)
        for pattern, factor in multipliers.items():
            if not (math.isfinite(factor) and factor >= 0):
                raise ValueError(f"the multiplier of {pattern!r} must be a number from 0. Received: {factor!r}")
        self.multipliers = dict(multipliers)

    def build(self, variables: Any) -> None:
        if not self.built:
            check_patterns(self.multipliers, variables)
        super().build(variables)

    def multiplier_of(self, variable: Any) -> float:
        """The multiplier of a variable."""
        fitting = (factor for pattern, factor in self.multipliers.items() if re.search(pattern, variable.path))
        return next(fitting, 1.0)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        variables = self._to_update(trainable_variables)
        factors = [(variable, self.multiplier_of(variable)) for variable in variables]
        before = [(variable, factor, ops.copy(variable.value)) for variable, factor in factors if factor != 1]
        self.inner.apply(grads, variables)
        for variable, factor, old in before:
            variable.assign(old + factor * (variable.value - old) if factor else old)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "multipliers": self.multipliers}
