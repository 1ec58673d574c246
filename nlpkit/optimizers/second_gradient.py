"""Training steps with a second gradient, at weights perturbed by the first one."""

from __future__ import annotations

import abc
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from nlpkit.optimizers.wrapper import check_patterns, whole

_Base: Any = object if TYPE_CHECKING else keras.Model


class SecondGradient(_Base):
    """A wrapper around a model with two gradients per training step.

    It shares the weights of the model; compile and fit the wrapper, then use and save the model. The loss and the
    metrics are those of the first pass. The second pass draws new dropout.

    Args:
        model: a built Keras model.

    Raises:
        ValueError: if the model has not been built.
    """

    def __init__(self, model: Any, **kwargs: Any):
        super().__init__(**kwargs)
        if not model.built:
            raise ValueError("the model has not been built; call it on a batch first")
        self.model = model
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        return self.model(inputs, training=training)

    @abc.abstractmethod
    def perturbation(self, gradients: list[Any], variables: list[Any]) -> list[Any]:
        """The change of each variable for the second gradient, or None."""

    @abc.abstractmethod
    def combine(self, first: Any, second: Any) -> Any:
        """The gradient of a variable for the optimizer."""

    def train_step(self, *arguments: Any) -> Any:
        """One step, called by Keras."""
        steps: dict[str, Any] = {"tensorflow": self._on_tensorflow, "jax": self._on_jax, "torch": self._on_torch}
        return steps[keras.backend.backend()](*arguments)

    def _on_tensorflow(self, data: Any) -> dict[str, Any]:
        import tensorflow as tf

        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.trainable_weights

        def gradients() -> tuple[Any, Any, list[Any]]:
            with tf.GradientTape() as tape:
                outputs = self(x, training=True)
                loss = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights, training=True)
                scaled = self.optimizer.scale_loss(loss)
            return loss, outputs, self._dense(tape.gradient(scaled, variables))

        loss, outputs, first = gradients()
        with _Moved(variables, self.perturbation(first, variables)):
            second = gradients()[-1]
        self.optimizer.apply_gradients(zip(self._combined(first, second), variables))
        return self._logs(loss, x, y, outputs, weights)

    def _on_torch(self, data: Any) -> dict[str, Any]:
        import torch

        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.trainable_weights[:]

        def gradients() -> tuple[Any, Any, list[Any]]:
            self.zero_grad()
            outputs = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights, training=True)
            self.optimizer.scale_loss(loss).backward()
            grads = [variable.value.grad for variable in variables]
            return loss.detach(), outputs, [None if each is None else each.clone() for each in self._dense(grads)]

        loss, outputs, first = gradients()
        with torch.no_grad():
            moves = self.perturbation(first, variables)
        with _Moved(variables, moves):
            second = gradients()[-1]
        with torch.no_grad():
            self.optimizer.apply(self._combined(first, second), variables)
        return self._logs(loss, x, y, outputs, weights)

    def _on_jax(self, state: Any, data: Any) -> tuple[dict[str, Any], tuple[Any, Any, Any, Any]]:
        import jax

        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        trainable, other, optimizer, metrics = state

        def gradients(trainable: Any, other: Any) -> tuple[Any, Any]:
            compute = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
            (_, more), grads = compute(
                trainable, other, metrics, x, y, weights, training=True, optimizer_variables=optimizer
            )
            return more, grads

        (loss, outputs, other, metrics), first = gradients(trainable, other)
        moves = self.perturbation(first, trainable)
        moved = [value if move is None else value + move for value, move in zip(trainable, moves)]
        (_, _, other, _), second = gradients(moved, other)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, self._combined(first, second), trainable)
        with keras.StatelessScope(state_mapping=list(zip(self.metrics_variables, metrics))) as scope:
            logs = self._logs(loss, x, y, outputs, weights)
        metrics = [scope.get_current_value(variable) for variable in self.metrics_variables]
        return logs, (trainable, other, optimizer, metrics)

    def _dense(self, gradients: Sequence[Any]) -> list[Any]:
        return [whole(gradient, variable) for gradient, variable in zip(gradients, self.trainable_weights)]

    def _combined(self, first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
        return [one if one is None or two is None else self.combine(one, two) for one, two in zip(first, second)]

    def _logs(self, loss: Any, x: Any, y: Any, outputs: Any, weights: Any) -> dict[str, Any]:
        rows = ops.shape(keras.tree.flatten(x)[0])[0]
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=rows)
        return self.compute_metrics(x, y, outputs, weights)


class _Moved:
    """Context in which variables are moved; at its end they get their old values back, bit for bit."""

    def __init__(self, variables: Sequence[Any], moves: Sequence[Any]):
        self._moves = [(variable, move) for variable, move in zip(variables, moves) if move is not None]

    def __enter__(self) -> None:
        self._old = [ops.copy(ops.stop_gradient(variable.value)) for variable, _ in self._moves]
        for (variable, move), old in zip(self._moves, self._old):
            variable.assign(old + move)

    def __exit__(self, *error: object) -> None:
        for (variable, _), old in zip(self._moves, self._old):
            variable.assign(old)


class FGM(SecondGradient):
    """Adversarial training: adds the gradient at embeddings that are perturbed in their worst direction.

    Each variable with a match of `pattern` in its path is moved along its gradient, by a distance of `epsilon`; the
    optimizer applies the sum of both gradients.

    Args:
        model: a built Keras model.
        pattern: regular expression for the paths of the variables to perturb, usually the embeddings.
        epsilon: float, above 0, distance of the move of each variable.

    Raises:
        ValueError: if `epsilon` is not above 0, or no variable matches.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.optimizers import FGM
        >>> ids = keras.Input((4,), dtype="int32")
        >>> x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(10, 8, name="embedding")(ids))
        >>> model = keras.Model(ids, keras.layers.Dense(1)(x))
        >>> trained = FGM(model, "embedding", epsilon=0.5)
        >>> trained.compile("adam", "mse")
        >>> history = trained.fit(np.ones((8, 4), "int32"), np.ones((8, 1)), verbose=0)

    References:
        Miyato et al. (2017), Adversarial Training Methods for Semi-Supervised Text Classification; with whole tables:
        https://spaces.ac.cn/archives/7234
    """

    def __init__(self, model: Any, pattern: str, epsilon: float = 1.0, **kwargs: Any):
        super().__init__(model, **kwargs)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0. Received: {epsilon!r}")
        check_patterns([pattern], model.trainable_weights)
        self.pattern, self.epsilon = pattern, float(epsilon)

    def perturbation(self, gradients: list[Any], variables: list[Any]) -> list[Any]:
        return [
            _direction(gradient, _square(gradient)) * self.epsilon
            if gradient is not None and re.search(self.pattern, variable.path)
            else None
            for gradient, variable in zip(gradients, self.trainable_weights)
        ]

    def combine(self, first: Any, second: Any) -> Any:
        return first + second


class SAM(SecondGradient):
    """Sharpness-aware minimisation: the gradient at weights that are perturbed in their worst direction.

    All weights are moved along the gradient, by a distance of `rho`; the optimizer applies the gradient there.

    Args:
        model: a built Keras model.
        rho: float, above 0, distance of the move of all weights together.

    Raises:
        ValueError: if `rho` is not above 0.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.optimizers import SAM
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        >>> trained = SAM(model, rho=0.05)
        >>> trained.compile("sgd", "mse")
        >>> history = trained.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)

    References:
        Foret et al. (2021), Sharpness-Aware Minimization for Efficiently Improving Generalization.
    """

    def __init__(self, model: Any, rho: float = 0.05, **kwargs: Any):
        super().__init__(model, **kwargs)
        if not rho > 0:
            raise ValueError(f"rho must be above 0. Received: {rho!r}")
        self.rho = float(rho)

    def perturbation(self, gradients: list[Any], variables: list[Any]) -> list[Any]:
        square = sum(_square(gradient) for gradient in gradients if gradient is not None)
        return [None if gradient is None else _direction(gradient, square) * self.rho for gradient in gradients]

    def combine(self, first: Any, second: Any) -> Any:
        return second


def _square(gradient: Any) -> Any:
    return ops.sum(ops.square(ops.cast(gradient, "float32")))


def _direction(gradient: Any, square: Any) -> Any:
    """A gradient divided by a norm, given as its square; 0 for a norm of 0."""
    return gradient / ops.cast(ops.sqrt(ops.maximum(square, 1e-24)), gradient.dtype)
