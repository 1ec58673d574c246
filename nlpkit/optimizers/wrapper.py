"""Base of the optimizers that wrap another one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import keras

from nlpkit.ops.row_gradients import is_row_table, is_rows

_Base: Any = object if TYPE_CHECKING else keras.optimizers.Optimizer


class OptimizerWrapper(_Base):
    """A wrapper around an optimizer that shares its learning rate, iterations and variables.

    Args:
        inner: any Keras optimizer, which updates the variables, with its clipping and weight decay.
        name: optional string.

    Raises:
        ValueError: if `inner` is no Keras optimizer, or has `use_ema`, as its average would differ from the weights of
            the model.
    """

    def __init__(self, inner: Any, name: str | None = None):
        super().__init__(learning_rate=0.0, name=name)
        if not isinstance(inner, keras.optimizers.Optimizer):
            raise ValueError(f"inner must be a Keras optimizer. Received: {inner!r}")
        if inner.use_ema:
            raise ValueError(
                f"{type(self).__name__} takes no optimizer with use_ema; average the weights outside of it"
            )
        self.inner = inner

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.inner.build(variables)

    def _to_update(self, variables: Any) -> Any:
        """The variables of a step; the first step builds the optimizer."""
        variables = self._trainable_variables if variables is None else list(variables)
        self.build(variables)
        return variables

    @property
    def variables(self) -> list[Any]:
        return self._variables + self.inner.variables

    @property
    def learning_rate(self) -> Any:
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        return self.inner.iterations

    def scale_loss(self, loss: Any) -> Any:
        return self.inner.scale_loss(loss)

    def finalize_variable_values(self, var_list: Any) -> None:
        self.inner.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        inner = keras.saving.deserialize_keras_object(config["inner"], custom_objects=custom_objects)
        return cls(**{**config, "inner": inner})


def check_patterns(patterns: Iterable[str], variables: Sequence[Any]) -> None:
    """Raise a `ValueError` if one of the patterns matches the path of no variable."""
    for pattern in patterns:
        if not any(re.search(pattern, variable.path) for variable in variables):
            paths = ", ".join(variable.path for variable in variables[:5])
            raise ValueError(f"{pattern!r} is found in the path of no variable. They are: {paths} …")


def whole(gradient: Any, variable: Any) -> Any:
    """The gradient of a whole variable as a tensor, or None; a `ValueError` if it consists of rows of a table."""
    if gradient is None:
        return None
    if is_row_table(variable) and is_rows(variable, gradient):
        raise ValueError(f"the gradient of the table {variable.path} is of some rows only, not of all")
    return dense(gradient)


def dense(gradient: Any) -> Any:
    """A gradient as a dense tensor, including the sparse ones of an `Embedding` on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)
