"""The backend of Keras, looked at before anything loads it."""

from __future__ import annotations

import importlib.util
import os

from nlpkit.errors import ConfigError, MissingPackageError, unknown_name

BACKENDS = ("tensorflow", "jax", "torch")


def check_backend() -> None:
    """Tell of a backend that Keras can't load.

    Raises:
        ConfigError: if ``KERAS_BACKEND`` is none of `BACKENDS`.
        MissingPackageError: if it is not installed.
    """
    name = os.environ.get("KERAS_BACKEND", BACKENDS[0])
    if name not in BACKENDS:
        raise ConfigError(f"KERAS_BACKEND: {unknown_name('backend', name, BACKENDS)}")
    if importlib.util.find_spec(name) is None:
        raise MissingPackageError(name, None if name == BACKENDS[0] else name)
