"""The settings that training itself needs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.options import Options, option, options

_STEPS_PER_EPOCH = 16  # below which batches are made smaller
_MOST_EPOCHS = 100  # each is measured and saved, which takes longer than a few steps
_SHARE = 10  # of all steps: one of so many for the warm-up, and one of so many for the memory of the average
SCHEDULE = ("batch_size", "epochs", "warmup_steps", "ema_momentum")
"""The settings whose defaults suit many examples."""


@options
class TrainingSettings(Options):
    """What the training loop needs to know; the settings of each task extend it."""

    noun = "setting"
    group = "training"
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Named sets of settings."""

    epochs: int = option("passes over the training data", default=10, least=1)
    batch_size: int = option(
        "examples in a batch of mean length; longer ones share a batch with fewer, shorter ones with more",
        default=64,
        least=1,
    )
    accumulate: int = option(
        "batches that are taken together for one step, which is that of one batch as big as all of them",
        default=1,
        least=1,
    )
    learning_rate: float = option(
        "the highest, reached after the warm-up; from there it falls along a cosine to a fiftieth",
        default=1e-3,
        above=0,
    )
    warmup_steps: int = option("steps in which the learning rate rises to its highest", default=300, least=0)
    layer_rates: str = option(
        "layers that learn faster or slower, such as vectors=0.1,mix=0: a factor for weights whose path "
        "has that name in it; 0 leaves them as they are",
        default="",
    )
    clip_norm: float = option("bound of each weight's gradient norm; 0 means none", default=5.0, least=0)
    ema_momentum: float = option(
        "of the moving average of the weights that is evaluated and kept; 0 keeps the weights themselves",
        default=0.999,
        least=0,
        below=1,
    )
    least_steps: int = option(
        "steps that training has at least: where few examples come to fewer, batches are smaller, epochs more, warm-up "
        "and average shorter, but for those of these settings that are given",
        default=600,
        least=0,
    )
    patience: int = option("stop after this many epochs without a better metric; 0 means never", default=0, least=0)
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
        "GPUs of this machine that share each batch, on TensorFlow or JAX; for tasks whose batches can be divided",
        default=1,
        least=1,
    )
    onnx: str = option(
        "also write the network as ONNX, which answers without a framework; with auto if the packages are installed",
        default="auto",
        choices=("auto", "on", "off"),
    )
    tensorboard: bool = option("write files for TensorBoard beside the saved state", default=False)

    def validate(self) -> None:
        self.rate_of_layers()

    def rate_of_layers(self) -> dict[str, float]:
        """What `layer_rates` says: a factor by name."""
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
            ConfigError: if there is no preset or setting of a name, or a value is not accepted.
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
        """The `batch_size` below which `for_examples` does not go."""
        return 8

    def for_examples(self, count: int, given: Collection[str] = ()) -> Self:
        """Settings with which so many examples can be learnt from.

        Twelve passes over 200 sentences in batches of 64 are 48 steps, fewer than the warm-up, and teach nothing.

        Args:
            count: number of examples, as `batch_size` counts them.
            given: names of settings that stay as they are.

        Returns:
            The same, unless it comes to fewer than `least_steps`.
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
