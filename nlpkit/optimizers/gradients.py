"""Transforms of gradients before an optimizer applies them."""

from __future__ import annotations

import abc
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from nlpkit.ops.row_gradients import is_row_table, is_rows
from nlpkit.optimizers.wrapper import OptimizerWrapper, check_patterns, dense

Transform = Callable[[Any, Any, Any], Any]
"""Function of a gradient, its variable and the number of steps so far that returns the new gradient."""
_TINY = 1e-30


@keras.saving.register_keras_serializable(package="nlpkit", name="GradientTransforms")
class GradientTransforms(OptimizerWrapper):
    """A wrapper around any optimizer that transforms the gradients first.

    Args:
        inner: a Keras optimizer.
        transforms: pairs of a regular expression and a function, applied in order to the gradients of all variables
            with a match of the expression in their path. The function is a `ClipByNorm`, `ClipByValue`, `AdaptiveClip`,
            `Centralize`, `AddNoise` or `Mask`, or your own, made of `keras.ops`, of a gradient, its variable and the
            number of steps so far. To be saved with a model, your own must be registered with Keras.

    Raises:
        ValueError: at the first step, if an expression matches no variable, or a table with gradients of single rows
            (`nlpkit.layers.RowEmbedding`; its optimizer has `clip_rows`).

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.optimizers import AddNoise, Centralize, ClipByNorm, GradientTransforms
        >>> model = keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)])
        >>> transforms = [("kernel", Centralize()), (".", ClipByNorm(1.0)), ("bias", AddNoise(0.01, seed=0))]
        >>> model.compile(GradientTransforms(keras.optimizers.SGD(0.1), transforms), "mse")
        >>> history = model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
    """

    def __init__(self, inner: Any, transforms: Sequence[tuple[str, Transform]], name: str | None = None):
        super().__init__(inner, name)
        self.transforms = [(pattern, function) for pattern, function in transforms]

    def build(self, variables: Any) -> None:
        if not self.built:
            check_patterns([pattern for pattern, _ in self.transforms], variables)
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        states = [function.generator.state for _, function in self.transforms if isinstance(function, AddNoise)]
        return super().variables + states

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        variables = self._to_update(trainable_variables)
        step = self.iterations
        transformed = [self._transform(gradient, variable, step) for gradient, variable in zip(grads, variables)]
        self.inner.apply(transformed, variables)

    def _transform(self, gradient: Any, variable: Any, step: Any) -> Any:
        functions = [function for pattern, function in self.transforms if re.search(pattern, variable.path)]
        if gradient is None or not functions:
            return gradient
        if is_row_table(variable) and is_rows(variable, gradient):
            raise ValueError(f"{variable.path} has a gradient of some rows only; exclude it, or use clip_rows")
        gradient = dense(gradient)
        for function in functions:
            gradient = function(gradient, variable, step)
        return gradient

    def get_config(self) -> dict[str, Any]:
        transforms = [[pattern, keras.saving.serialize_keras_object(each)] for pattern, each in self.transforms]
        return {**super().get_config(), "transforms": transforms}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> GradientTransforms:
        transforms = [
            (pattern, keras.saving.deserialize_keras_object(each, custom_objects=custom_objects))
            for pattern, each in config["transforms"]
        ]
        return super().from_config({**config, "transforms": transforms}, custom_objects)


class _Transform(abc.ABC):
    """Base of the transforms, whose arguments can be saved."""

    @abc.abstractmethod
    def __call__(self, gradient: Any, variable: Any, step: Any) -> Any:
        """See `Transform`."""

    def get_config(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


@keras.saving.register_keras_serializable(package="nlpkit", name="ClipByNorm")
class ClipByNorm(_Transform):
    """Scale a gradient down to a largest norm.

    Args:
        norm: float, above 0.
    """

    def __init__(self, norm: float):
        self.norm = _above_zero("norm", norm)

    def __call__(self, gradient: Any, variable: Any, step: Any) -> Any:
        return gradient * ops.minimum(1.0, self.norm / ops.maximum(_norm(gradient, None), _TINY))


@keras.saving.register_keras_serializable(package="nlpkit", name="ClipByValue")
class ClipByValue(_Transform):
    """Clip each number of a gradient to between ``-value`` and ``value``.

    Args:
        value: float, above 0.
    """

    def __init__(self, value: float):
        self.value = _above_zero("value", value)

    def __call__(self, gradient: Any, variable: Any, step: Any) -> Any:
        return ops.clip(gradient, -self.value, self.value)


@keras.saving.register_keras_serializable(package="nlpkit", name="AdaptiveClip")
class AdaptiveClip(_Transform):
    """Clip the norm of each unit's gradient to a share of the norm of its weights.

    A unit is an index on the last axis of a kernel; vectors and scalars are one unit.

    Args:
        ratio: float, above 0, the share.
        epsilon: float, above 0, least norm of the weights of a unit.

    References:
        Brock et al. (2021), High-Performance Large-Scale Image Recognition Without Normalization.
    """

    def __init__(self, ratio: float = 0.01, epsilon: float = 1e-3):
        self.ratio, self.epsilon = _above_zero("ratio", ratio), _above_zero("epsilon", epsilon)

    def __call__(self, gradient: Any, variable: Any, step: Any) -> Any:
        axes = _unit_axes(gradient)
        bound = self.ratio * ops.maximum(_norm(ops.convert_to_tensor(variable), axes), self.epsilon)
        return gradient * ops.minimum(1.0, bound / ops.maximum(_norm(gradient, axes), _TINY))


@keras.saving.register_keras_serializable(package="nlpkit", name="Centralize")
class Centralize(_Transform):
    """Subtract the mean of each unit's gradient, where a unit is an index on the last axis of a kernel.

    The gradients of vectors and scalars are not changed.

    References:
        Yong et al. (2020), Gradient Centralization: A New Optimization Technique for Deep Neural Networks.
    """

    def __call__(self, gradient: Any, variable: Any, step: Any) -> Any:
        axes = _unit_axes(gradient)
        return gradient if axes is None else gradient - ops.mean(gradient, axis=axes, keepdims=True)


@keras.saving.register_keras_serializable(package="nlpkit", name="AddNoise")
class AddNoise(_Transform):
    """Add normal noise with decreasing variance: ``scale / (1 + t)**decay`` at step t, from 0.

    The state of the seed is a variable of the optimizer, so that resumed training draws the same noise.

    Args:
        scale: float, above 0, initial variance.
        decay: float, from 0, exponent of the decrease.
        seed: int, or None for a random one.

    References:
        Neelakantan et al. (2015), Adding Gradient Noise Improves Learning for Very Deep Networks.
    """

    def __init__(self, scale: float, decay: float = 0.55, seed: int | None = None):
        self.scale, self.decay, self.seed = _above_zero("scale", scale), decay, seed
        self.generator = keras.random.SeedGenerator(seed)

    def __call__(self, gradient: Any, variable: Any, step: Any) -> Any:
        deviation = ops.sqrt(self.scale / (1 + ops.cast(step, gradient.dtype)) ** self.decay)
        return gradient + deviation * keras.random.normal(
            ops.shape(gradient), dtype=gradient.dtype, seed=self.generator
        )

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "decay": self.decay, "seed": self.seed}


@keras.saving.register_keras_serializable(package="nlpkit", name="Mask")
class Mask(_Transform):
    """Multiply a gradient by constants, such as 0 to freeze rows.

    Args:
        mask: array that broadcasts to the shape of the gradient.
    """

    def __init__(self, mask: Any):
        self.mask = np.asarray(mask, "float32")

    def __call__(self, gradient: Any, variable: Any, step: Any) -> Any:
        return gradient * ops.cast(self.mask, gradient.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"mask": self.mask.tolist()}


def _above_zero(name: str, value: float) -> float:
    if not value > 0:
        raise ValueError(f"{name} must be above 0. Received: {value!r}")
    return float(value)


def _unit_axes(x: Any) -> tuple[int, ...] | None:
    """All axes but the last, or None for vectors and scalars."""
    return tuple(range(len(x.shape) - 1)) if len(x.shape) > 1 else None


def _norm(x: Any, axes: tuple[int, ...] | None) -> Any:
    return ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=axes is not None))
