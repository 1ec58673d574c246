"""Optimizers that update only the rows of big tables that a step has read."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from nlpkit.ops.row_gradients import (
    RowGradient,
    SummedGradient,
    add_up,
    ask_for_rows,
    is_row_table,
    is_rows,
    row_gradient,
)
from nlpkit.ops.rows import raw_table, set_rows, take_rows

_Base: Any = keras.optimizers.Optimizer if TYPE_CHECKING else abc.ABC
_ARGUMENTS = """
    The tables are those of `nlpkit.layers.RowEmbedding`; all other variables are trained like by
    `keras.optimizers.{name}`. Rows that a step does not read keep their values and their slots, whatever their momentum
    (the lazy variant); the bias correction counts all steps.

    Args:
        learning_rate: float or schedule.
        clip_rows: optional float, largest norm of the gradient of a row. `clipnorm`, `clipvalue` and `global_clipnorm`
            clip the row gradients of a table like other gradients.
        **kwargs: the other arguments of `keras.optimizers.{name}`. Weight decay does not apply to the tables.

    Raises:
        ValueError: if `clip_rows` is not above 0; with `gradient_accumulation_steps` or `use_ema`, which would read
            whole tables.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.layers import RowEmbedding
        >>> from nlpkit.optimizers import {own}
        >>> model = keras.Sequential([RowEmbedding(100_000, 8), keras.layers.Dense(1)])
        >>> model.compile({own}(0.1), "mse")
        >>> history = model.fit(np.arange(8), np.ones((8, 1)), verbose=0)
"""


class _RowUpdates(_Base):
    """Base of the optimizers below, mixed into a stock optimizer, which trains all other variables."""

    def __init__(self, learning_rate: Any, *, clip_rows: float | None = None, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        if clip_rows is not None and not clip_rows > 0:
            raise ValueError(f"clip_rows must be above 0, or None. Received: {clip_rows!r}")
        for name in ("gradient_accumulation_steps", "use_ema"):
            if getattr(self, name):
                raise ValueError(f"{type(self).__name__} does not take {name}, which would read whole tables")
        self.clip_rows = clip_rows

    @abc.abstractmethod
    def row_slots(self, variable: Any) -> Sequence[Any]:
        """The optimizer's slots for a table, each of the shape of the table."""

    @abc.abstractmethod
    def update_rows(
        self, rows: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        """New rows and their new slots.

        Args:
            rows: copies of rows of a table, float ``(n, size)``.
            slots: copies of the same rows of each of `row_slots`.
            gradient: gradients of the rows, float ``(n, size)``.
            learning_rate: float.
        """

    def build(self, variables: Any) -> None:
        super().build(variables)
        for variable in variables:
            if is_row_table(variable):
                ask_for_rows(variable)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if not self.built:
            self.build(variables)
        dense, rows = [], []
        for gradient, variable in zip(grads, variables, strict=True):
            if is_row_table(variable) and is_rows(variable, gradient):
                rows.append((self._scaled_and_clipped(row_gradient(variable, gradient)), variable))
            elif gradient is not None or not is_row_table(variable):
                dense.append((gradient, variable))
        if self.global_clipnorm and rows:
            dense, rows = self._clip_together(dense, rows)
        rate = self.learning_rate
        for gradient, variable in rows:
            self._update_table(variable, gradient, ops.cast(rate, variable.dtype))
        if dense:
            super().apply(*zip(*dense))  # counts the step
        else:
            self._iterations.assign_add(1)

    def _update_table(self, variable: Any, gradient: SummedGradient, rate: Any) -> None:
        slots, ids = self.row_slots(variable), gradient.ids
        rows, *old = (take_rows(raw_table(table), ids) for table in (variable, *slots))
        # A repeated row is computed several times, and set to the same values each time.
        sums = gradient.sums if gradient.place is None else ops.take(gradient.sums, gradient.place, axis=0)
        rows, new = self.update_rows(rows, old, sums, rate)
        for table, values in zip((variable, *slots), (rows, *new)):
            set_rows(table, ids, values)

    def _scaled_and_clipped(self, gradient: RowGradient) -> SummedGradient:
        ids, values, place = add_up(gradient)
        if self.loss_scale_factor is not None:
            values = values / self.loss_scale_factor
        if self.clip_rows:
            length = ops.sqrt(ops.sum(ops.square(values), axis=-1, keepdims=True))  # (n, 1)
            values = values * ops.minimum(1.0, self.clip_rows / ops.maximum(length, 1e-30))
        if self.clipnorm:
            values = values * ops.minimum(1.0, self.clipnorm / _norm(values))
        if self.clipvalue:
            values = ops.clip(values, -self.clipvalue, self.clipvalue)
        return SummedGradient(ids, values, place)

    def _clip_together(
        self, dense: list[tuple[Any, Any]], rows: list[tuple[SummedGradient, Any]]
    ) -> tuple[list[tuple[Any, Any]], list[tuple[SummedGradient, Any]]]:
        """Clip all gradients to `global_clipnorm`."""
        squares = [ops.sum(ops.square(gradient)) for gradient, _ in dense if gradient is not None]
        squares += [ops.square(_norm(gradient.sums)) for gradient, _ in rows]
        scale = ops.minimum(1.0, self.global_clipnorm / ops.sqrt(sum(squares)))
        dense = [(None if gradient is None else gradient * scale, variable) for gradient, variable in dense]
        return dense, [(gradient._replace(sums=gradient.sums * scale), variable) for gradient, variable in rows]

    def get_config(self) -> dict:
        return {**super().get_config(), "clip_rows": self.clip_rows}


def _norm(gradient: Any) -> Any:
    """Norm of a gradient, above 0."""
    return ops.maximum(ops.sqrt(ops.sum(ops.square(gradient))), 1e-30)


@keras.saving.register_keras_serializable(package="nlpkit", name="RowSGD")
class RowSGD(_RowUpdates, keras.optimizers.SGD):
    __doc__ = "Gradient descent with optional momentum; the cost of a step depends on the rows that it reads.\n" + (
        _ARGUMENTS.format(name="SGD", own="RowSGD")
    )

    def __init__(self, learning_rate: Any = 0.01, *, momentum: float = 0.0, **kwargs: Any):
        super().__init__(learning_rate, momentum=momentum, **kwargs)

    def row_slots(self, variable: Any) -> Sequence[Any]:
        return [self.momentums[self._get_variable_index(variable)]] if self.momentum else []

    def update_rows(
        self, rows: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        change = gradient * learning_rate
        if not slots:
            return rows - change, []
        velocity = self.momentum * slots[0] - change
        return rows + (self.momentum * velocity - change if self.nesterov else velocity), [velocity]


@keras.saving.register_keras_serializable(package="nlpkit", name="RowAdagrad")
class RowAdagrad(_RowUpdates, keras.optimizers.Adagrad):
    __doc__ = (
        "Adagrad with a cost per step that depends on the rows read, and the same results, as other rows have no "
        "gradient.\n" + _ARGUMENTS.format(name="Adagrad", own="RowAdagrad")
    )

    def __init__(self, learning_rate: Any = 0.001, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)

    def row_slots(self, variable: Any) -> Sequence[Any]:
        return [self._accumulators[self._get_variable_index(variable)]]

    def update_rows(
        self, rows: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        total = slots[0] + ops.square(gradient)
        return rows - learning_rate * gradient / ops.sqrt(total + self.epsilon), [total]


@keras.saving.register_keras_serializable(package="nlpkit", name="RowAdam")
class RowAdam(_RowUpdates, keras.optimizers.Adam):
    __doc__ = (
        "Adam with a cost per step that depends on the rows read.\n"
        + _ARGUMENTS.format(name="Adam", own="RowAdam")
        + """
    References:
        Kingma and Ba (2015), Adam. The lazy variant is that of TensorFlow Addons' LazyAdam.
"""
    )

    def __init__(self, learning_rate: Any = 0.001, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        if self.amsgrad:
            raise ValueError("RowAdam does not take amsgrad")

    def row_slots(self, variable: Any) -> Sequence[Any]:
        index = self._get_variable_index(variable)
        return self._momentums[index], self._velocities[index]

    def update_rows(
        self, rows: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        first, second = slots
        step = ops.cast(self.iterations + 1, gradient.dtype)
        rate = learning_rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        if keras.backend.backend() == "torch":
            # In place, as allocation would take longer than the computation.
            first.lerp_(gradient, 1 - self.beta_1)
            second.mul_(self.beta_2).addcmul_(gradient, gradient, value=1 - self.beta_2)
            return rows.addcdiv_(first, second.sqrt().add_(self.epsilon), value=-float(rate)), slots
        first = first + (gradient - first) * (1 - self.beta_1)
        second = second + (ops.square(gradient) - second) * (1 - self.beta_2)
        return rows - rate * first / (ops.sqrt(second) + self.epsilon), [first, second]
