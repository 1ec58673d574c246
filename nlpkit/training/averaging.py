"""A moving average of a model's weights, correct from the first step on."""

import contextlib

from nlpkit.training.checkpoint import get_values, set_values

_EVERY = 8  # steps between two looks at the weights


class MovingAverage:
    """Exponential moving average of the trainable weights, with Adam's correction for its short beginning.

    A plain average with momentum 0.9999 that starts at zero, or at the first weights, evaluates as untrained for
    thousands of steps. Here the weight of the past is ``m (1 - m**(n-1)) / (1 - m**n)`` at look n, so that the
    average is at any time the true weighted mean of the weights seen.

    Args:
        model: a built Keras model.
        momentum: float, per training step; 0 switches the average off.

    References:
        Kingma and Ba (2015), Adam, for the correction. Polyak and Juditsky (1992) for the averaging.
    """

    def __init__(self, model, momentum: float):
        self._model = model
        self._momentum = momentum**_EVERY
        self.looks = 0
        self.values = []

    def is_due(self, step: int) -> bool:
        """Whether `update` looks at the weights after this many steps."""
        return self._momentum > 0 and step % _EVERY == 0

    def update(self, step: int):
        """Call after every training step, with the number of steps done so far."""
        if not self.is_due(step):
            return
        self.looks += 1
        current = get_values(self._model.trainable_variables)
        m, n = self._momentum, self.looks
        keep = m * (1 - m ** (n - 1)) / (1 - m**n)
        if n == 1:
            self.values = current
            return
        for average, value in zip(self.values, current):
            average *= keep
            average += (1 - keep) * value

    @contextlib.contextmanager
    def applied(self):
        """Within the block the model has the averaged weights; afterwards its own again."""
        variables = self._model.trainable_variables
        if not self.values:
            yield
            return
        own = get_values(variables)
        set_values(variables, self.values)
        try:
            yield
        finally:
            set_values(variables, own)
