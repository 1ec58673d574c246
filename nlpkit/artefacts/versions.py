"""Versions of the packages that weights depend on."""

from __future__ import annotations

from importlib import metadata


def versions() -> dict[str, str]:
    """The version of nlpkit, Keras, NumPy and the backend, by package; ``unknown`` for one that is not installed."""
    import keras

    found = {}
    for name in ("nlpkit", "keras", "numpy", keras.backend.backend()):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found
