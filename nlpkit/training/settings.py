"""The settings that training itself needs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.options import Options, option, options

_STEPS_PER_EPOCH = 16  # with fewer, batches are made smaller
_MOST_EPOCHS = 100  # each is evaluated and saved, which takes longer than a few steps
_SHARE = 10  # the warm-up and the window of the average each take a tenth of all steps
SCHEDULE = ("batch_size", "epochs", "warmup_steps", "ema_momentum")
"""The settings whose defaults suit many examples."""


@options
class TrainingSettings(Options):
    """Settings of the training loop; the settings of each task extend it."""

    noun = "setting"
    group = "training"
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Named sets of settings."""

    epochs: int = option("passes over the training data", default=10, least=1)
    batch_size: int = option(
        "examples of mean length in a batch; batches of longer examples hold fewer, of shorter ones more",
        default=64,
        least=1,
    )
    accumulate: int = option(
        "batches whose gradients are accumulated for one step, as if they were one large batch",
        default=1,
        least=1,
    )
    learning_rate: float = option(
        "highest learning rate, reached after the warm-up; it then falls along a cosine to a fiftieth",
        default=1e-3,
        above=0,
    )
    warmup_steps: int = option("steps of linear warm-up to the highest learning rate", default=300, least=0)
    layer_rates: str = option(
        "factors of the learning rate, such as vectors=0.1,mix=0, for weights whose path contains the name; 0 "
        "freezes them",
        default="",
    )
    clip_norm: float = option("largest gradient norm of a weight; 0 turns clipping off", default=5.0, least=0)
    ema_momentum: float = option(
        "momentum of the moving average of the weights, which is evaluated and saved; 0 turns averaging off",
        default=0.999,
        least=0,
        below=1,
    )
    least_steps: int = option(
        "least number of training steps: with few examples, settings that were not given are adapted to it (smaller "
        "batches, more epochs, a shorter warm-up and average)",
        default=600,
        least=0,
    )
    patience: int = option("epochs without a better metric before training stops; 0 means never", default=0, least=0)
    save_every: int = option("steps between two saved states for --resume", default=200, least=1)
    precision: str = option(
        "number format of the computation", default="float32", choices=("float32", "mixed_float16", "mixed_bfloat16")
    )
    jit: str = option(
        "compile the training step; with auto Keras decides by the hardware",
        default="auto",
        choices=("auto", "on", "off"),
    )
    devices: int = option(
        "number of GPUs of this machine to share each batch, on TensorFlow or JAX, if the task supports it",
        default=1,
        least=1,
    )
    onnx: str = option(
        "also export the network to ONNX, for prediction without a framework; auto means if the packages are installed",
        default="auto",
        choices=("auto", "on", "off"),
    )
    tensorboard: bool = option("write TensorBoard files beside the saved state", default=False)

    def validate(self) -> None:
        self.rate_of_layers()

    def rate_of_layers(self) -> dict[str, float]:
        """The factors of `layer_rates` by name."""
        factors = {}
        for each in self.layer_rates.split(",") if self.layer_rates else ():
            name, _, factor = each.partition("=")
            try:
                factors[name] = float(factor)
            except ValueError:
                factors[name] = -1.0
            if not name or not 0 <= factors[name] < math.inf:
                raise ConfigError(
                    f"layer_rates = {each!r}: must be NAME=FACTOR, the factor a number from 0, and so on with commas"
                )
        return factors

    @classmethod
    def create(cls, values: Mapping[str, Any], preset: str | None = None) -> Self:
        """Settings from plain values over those of a preset.

        Raises:
            ConfigError: if a preset or setting is unknown, or a value is not accepted.
        """
        if preset is not None:
            if preset not in cls.presets:
                raise ConfigError(
                    unknown_name("preset", preset, cls.presets)
                    if cls.presets
                    else f"unknown preset {preset!r}: there are none"
                )
            values = {**cls.presets[preset], **values}
        return super().create(values)

    @property
    def smallest_batch(self) -> int:
        """The smallest `batch_size` that `for_examples` chooses."""
        return 8

    def for_examples(self, count: int, given: Collection[str] = ()) -> Self:
        """Settings adapted to a number of training examples.

        Twelve passes over 200 sentences in batches of 64 are 48 steps, fewer than the warm-up, and teach nothing.

        Args:
            count: number of examples, as `batch_size` counts them.
            given: names of settings that stay as they are.

        Returns:
            These settings, if they come to `least_steps` or more; else adapted ones.
        """
        if math.ceil(count / self.batch_size) * self.epochs >= self.least_steps:
            return self
        batch = self.batch_size
        while "batch_size" not in given and batch // 2 >= self.smallest_batch and count / batch < _STEPS_PER_EPOCH:
            batch //= 2
        steps = math.ceil(count / batch)
        epochs = self.epochs
        if "epochs" not in given:
            epochs = max(epochs, min(math.ceil(self.least_steps / steps), _MOST_EPOCHS))
        total = steps * epochs
        few: dict[str, Any] = {
            "batch_size": batch,
            "epochs": epochs,
            "warmup_steps": min(self.warmup_steps, total // _SHARE),
            "ema_momentum": min(self.ema_momentum, max(round(1 - _SHARE / total, 4), 0.0)),
        }
        return dataclasses.replace(self, **{name: value for name, value in few.items() if name not in given})
