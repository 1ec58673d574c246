"""Gradient accumulation: one optimizer step for several small batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nlpkit.ops.visible import cond
from nlpkit.optimizers.wrapper import OptimizerWrapper, whole


@keras.saving.register_keras_serializable(package="nlpkit", name="GradientAccumulation")
class GradientAccumulation(OptimizerWrapper):
    """A wrapper around any optimizer that makes one step per `steps` batches, with the mean of their gradients.

    Steps, schedules of the learning rate and clipping count large batches, each of `steps` batches. Weight batches of
    different sizes by their share of the large batch, see `nlpkit.datasets.accumulated.AccumulatedBatches`; the step
    then equals that of the large batch. `flush` makes a step with the remaining batches at the end.

    Args:
        inner: a Keras optimizer.
        steps: int, from 1, number of batches per step.

    Raises:
        ValueError: if `steps` is no integer from 1; at a step, if the gradient of a table consists of single rows
            (`nlpkit.layers.RowEmbedding`).

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.optimizers import GradientAccumulation
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> model.compile(GradientAccumulation(keras.optimizers.Adam(), steps=4), "mse")
        >>> history = model.fit(np.ones((10, 3)), np.ones((10, 1)), batch_size=1, verbose=0)
        >>> int(model.optimizer.iterations), model.optimizer.flush(), int(model.optimizer.iterations)
        (2, True, 3)
    """

    def __init__(self, inner: Any, steps: int, name: str | None = None):
        super().__init__(inner, name)
        if not isinstance(steps, int) or steps < 1:
            raise ValueError(f"steps must be an integer from 1. Received: {steps!r}")
        self.steps = steps

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._sums = [self.add_variable_from_reference(variable, "sum") for variable in variables]
        self._count = self.add_variable((), "zeros", "int32", name="count")

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        variables = self._to_update(trainable_variables)
        for total, gradient, variable in zip(self._sums_of(variables), grads, variables, strict=True):
            gradient = whole(gradient, variable)
            if gradient is not None:
                total.assign(total + ops.cast(gradient, total.dtype))
        self._count.assign(self._count + 1)
        self._update_if(self._count >= self.steps, variables)

    def flush(self) -> bool:
        """Make a step with the gradients since the last one.

        The sum over fewer than `steps` batches is still divided by `steps`, so each batch has its usual weight.

        Returns:
            Whether there were any gradients.
        """
        if not self.built or not int(self._count):
            return False
        self._update(self._trainable_variables)
        return True

    def _sums_of(self, variables: Sequence[Any]) -> list[Any]:
        return [self._sums[self._get_variable_index(variable)] for variable in variables]

    def _update_if(self, is_due: Any, variables: Sequence[Any]) -> None:
        if keras.backend.backend() != "jax":
            cond(is_due, lambda: self._update(variables), lambda: None)
            return
        # A branch on JAX has no side effects: it returns the new values of the variables.
        changed = [*variables, *self.variables]
        now = [variable.value for variable in changed]

        def update() -> list[Any]:
            with keras.StatelessScope(state_mapping=list(zip(changed, now))) as scope:
                self._update(variables)
            return [scope.get_current_value(variable) for variable in changed]

        for variable, value in zip(changed, cond(is_due, update, lambda: now)):
            variable.assign(value)

    def _update(self, variables: Sequence[Any]) -> None:
        sums = self._sums_of(variables)
        self.inner.apply([total / self.steps for total in sums], variables)
        for total in sums:
            total.assign(ops.zeros_like(total.value))
        self._count.assign(ops.zeros_like(self._count.value))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}
