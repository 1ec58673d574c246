"""Settings: frozen dataclasses, filled from TOML files, ``key=value`` pairs and keyword arguments."""

import dataclasses
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints

from nlpkit.datasets.files import open_bytes
from nlpkit.errors import ConfigError, unknown_name


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What the training loop needs to know; each task's config extends it."""

    epochs: int = 10
    batch_size: int = 64
    """Examples in a batch of mean length; longer ones share a batch with fewer, shorter ones with more."""
    learning_rate: float = 1e-3
    """The highest, reached after the warm-up; from there it falls along a cosine to a fiftieth."""
    warmup_steps: int = 300
    clip_norm: float = 5.0
    """Bound of each weight's gradient norm; 0 means none."""
    ema_momentum: float = 0.999
    """Of the moving average of the weights that is evaluated and kept; 0 keeps the last weights."""
    patience: int = 0
    """Stop after this many epochs without a better metric; 0 means never."""
    save_every: int = 200
    """Steps between two saved states for `--resume`."""
    precision: str = "float32"
    """`float32`, `mixed_float16` or `mixed_bfloat16`."""
    jit: str = "auto"
    """Compile the model's training step: `auto` (Keras decides by the hardware), `on` or `off`."""
    tensorboard: bool = False

    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Named sets of settings."""

    def __post_init__(self):
        self.check("epochs", self.epochs >= 1, "at least 1")
        self.check("batch_size", self.batch_size >= 1, "at least 1")
        self.check("learning_rate", 0 < self.learning_rate < math.inf, "above 0 and finite")
        self.check("ema_momentum", 0 <= self.ema_momentum < 1, "from 0 to below 1")
        self.check("save_every", self.save_every >= 1, "at least 1")
        for key in ("warmup_steps", "clip_norm", "patience"):
            self.check(key, getattr(self, key) >= 0, "0 or more")
        self.check_choice("precision", ("float32", "mixed_float16", "mixed_bfloat16"))
        self.check_choice("jit", ("auto", "on", "off"))

    def check(self, key, is_right, accepted):
        """Raise a `ConfigError` that names the key, its value and what is accepted."""
        if not is_right:
            raise ConfigError(f"{key} = {getattr(self, key)!r}: must be {accepted}")

    def check_choice(self, key, accepted):
        """The same for a setting that is one of a few names."""
        if getattr(self, key) not in accepted:
            raise ConfigError(unknown_name(key, getattr(self, key), accepted))

    @classmethod
    def create(cls, settings: Mapping[str, Any], preset: str | None = None) -> Self:
        """A config from plain values over those of a preset; an unknown key's `ConfigError` names the nearest one."""
        if preset is not None:
            if preset not in cls.presets:
                raise ConfigError(unknown_name("preset", preset, cls.presets))
            settings = {**cls.presets[preset], **settings}
        types = {field.name: get_type_hints(cls)[field.name] for field in dataclasses.fields(cls)}
        for key in settings:
            if key not in types:
                raise ConfigError(unknown_name("config key", key, types))
        return cls(**{key: _convert(key, value, types[key]) for key, value in settings.items()})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}


def read_settings(path=None, pairs: Iterable[str] = ()) -> dict[str, Any]:
    """Settings from a TOML file, then from ``key=value`` strings, which win. Values are written as in TOML.

    Strings may go without quotes and lists without brackets: ``encoder=gru``, ``dilations=1,2,1``.
    """
    settings = {}
    if path is not None:
        with open_bytes(path) as file:
            try:
                settings = tomllib.loads(file.read().decode("utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigError(f"{Path(path)}: is not TOML: {error}") from None
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {pair!r}: expected key=value")
        settings[key.strip()] = _parse(text.strip())
    return settings


def _parse(text):
    for attempt in (text, f"[{text}]" if "," in text else text):
        try:
            return tomllib.loads(f"value = {attempt}")["value"]
        except tomllib.TOMLDecodeError:
            pass
    return text


def _convert(key, value, kind):
    if kind is float and type(value) is int:
        return float(value)
    if kind == tuple[int, ...]:
        value = [value] if type(value) is int else value
        if isinstance(value, (list, tuple)) and all(type(v) is int for v in value):
            return tuple(value)
        kind = "list of integers"
    elif type(value) is kind:
        return value
    name = (
        kind if isinstance(kind, str) else {str: "string", int: "integer", float: "number", bool: "true or false"}[kind]
    )
    raise ConfigError(f"{key} = {value!r}: expected {'a' if name[0] not in 'aeiou' else 'an'} {name}")
