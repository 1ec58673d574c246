"""The steps of a text to one vector, by name."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

_FAR_BELOW = -1e4  # below every value of a step, in half precision too


def pool_text(x: Any, mask: Any, pooling: str) -> Any:
    """One vector from the steps of a text, by name.

    Args:
        x: float ``(batch, time, channels)``.
        mask: bool ``(batch, time)``, at least one step of a row being on.
        pooling: ``max``, ``mean``, ``max_mean`` for both side by side, ``attention`` for a mean with weights that one
            layer learns, or ``last`` for the states in which a layer that reads both ways ends: the first half of the
            channels at the last step, the second half at the first step.

    Returns:
        float ``(batch, channels)``, of ``max_mean`` twice as wide.

    Raises:
        ValueError: if there is no pooling of that name.

    Example:

        >>> import keras
        >>> steps, mask = keras.Input((None, 4)), keras.Input((None,), dtype="bool")
        >>> pool_text(steps, mask, "max_mean").shape
        (None, 8)
    """
    if pooling == "max_mean":
        return ops.concatenate([pool_text(x, mask, "max"), pool_text(x, mask, "mean")], axis=-1)
    real = ops.cast(mask, x.dtype)[..., None]  # (batch, time, 1)
    if pooling == "max":
        return ops.max(ops.where(mask[..., None], x, _FAR_BELOW), axis=1)
    if pooling == "mean":
        return ops.sum(x * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1)
    if pooling == "attention":
        scores = ops.cast(layers.Dense(1, use_bias=False, name="attention")(x), x.dtype)
        scores = ops.where(mask[..., None], scores, _FAR_BELOW)
        return ops.sum(ops.softmax(scores, axis=1) * x, axis=1)
    if pooling == "last":
        later = ops.concatenate([real[:, 1:], ops.zeros_like(real[:, :1])], axis=1)
        half = x.shape[-1] // 2
        return ops.concatenate([ops.sum((x * real * (1 - later))[..., :half], axis=1), x[:, 0, half:]], axis=-1)
    raise ValueError(f"pooling must be max, mean, max_mean, attention or last. Received: {pooling!r}")
