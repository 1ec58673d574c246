"""The settings that training itself needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from nlpkit.errors import ConfigError, unknown_name
from nlpkit.options import Options, option, options


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
    clip_norm: float = option("bound of each weight's gradient norm; 0 means none", default=5.0, least=0)
    ema_momentum: float = option(
        "of the moving average of the weights that is evaluated and kept; 0 keeps the weights themselves",
        default=0.999,
        least=0,
        below=1,
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
    tensorboard: bool = option("write files for TensorBoard beside the saved state", default=False)

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
