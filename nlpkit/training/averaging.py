"""A moving average of weights, correct from the first step on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from keras import ops

from nlpkit.training.checkpoint import get_values, set_values

_EVERY = 8  # steps between two updates of the average


class MovingAverage:
    """Exponential moving average of variables, with Adam's correction for its short beginning.

    A plain average with momentum 0.9999 that starts at zero, or at the first weights, evaluates as untrained for
    thousands of steps. Here the weight of the past is ``m (1 - m**(n-1)) / (1 - m**n)`` at update n, so that the
    average is always the true weighted mean of the weights so far.

    Args:
        variables: Keras variables to average, usually the trainable ones of a model. Leave out big tables with updates
            of few rows, as the average reads whole variables.
        momentum: float, per training step; 0 switches the average off.

    References:
        Kingma and Ba (2015), Adam, for the correction. Polyak and Juditsky (1992) for the averaging.
    """

    def __init__(self, variables: Sequence[Any], momentum: float):
        self._variables = list(variables) if momentum > 0 else []
        self._momentum = momentum**_EVERY
        self.num_updates = 0
        self.values: list[np.ndarray] = []

    def is_due(self, step: int) -> bool:
        """Whether `update` has an effect after this many steps."""
        return bool(self._variables) and step % _EVERY == 0

    def update(self, step: int) -> None:
        """Update the average; to be called after every training step, with the number of steps so far."""
        if not self.is_due(step):
            return
        self.num_updates += 1
        m, n = self._momentum, self.num_updates
        keep = m * (1 - m ** (n - 1)) / (1 - m**n)
        if n == 1:
            self.values = get_values(self._variables)
            return
        for average, variable in zip(self.values, self._variables):
            average *= keep
            average += (1 - keep) * ops.convert_to_numpy(variable.value)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Context in which the variables have their averaged values."""
        if not self.values:
            yield
            return
        own = get_values(self._variables)
        set_values(self._variables, self.values)
        try:
            yield
        finally:
            set_values(self._variables, own)
