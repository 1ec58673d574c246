"""One optimizer, and for some variables a multiple of its learning rate."""

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
    """Any optimizer, with learning rates of their own for variables by their path.

    It is the change that a step makes which is multiplied, so that this holds for every optimizer, for Adam as well,
    whose steps don't depend on the size of a gradient, and for its weight decay. Schedules and callbacks see the
    learning rate of the inner optimizer.

    Args:
        inner: a Keras optimizer.
        multipliers: by regular expression, a number from 0. It is for variables in whose path, such as
            ``encoder/dense/kernel``, the expression is found; the first one that fits counts, and variables that none
            fits have 1. A variable with 0 stays as it is.

    Raises:
        ValueError: if a multiplier is no finite number from 0; when the first step comes, if an expression fits no
            variable.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.optimizers import LearningRateMultipliers
        >>> model = keras.Sequential([keras.layers.Dense(2, name="low"), keras.layers.Dense(1, name="high")])
        >>> model.compile(LearningRateMultipliers(keras.optimizers.Adam(1e-3), {"low": 0.1, "bias": 2}), "mse")
        >>> history = model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)

    References:
        Howard and Ruder (2018), Universal Language Model Fine-tuning for Text Classification, for a learning rate of
        each layer.
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
