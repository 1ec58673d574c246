"""Pooling of the steps of a text into one vector."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

_FAR_BELOW = -1e4  # below every value of a step, and finite in half precision


def pool_text(x: Any, mask: Any, pooling: str) -> Any:
    """Pool the steps of a text into one vector, by a method chosen by name.

    Args:
        x: float ``(batch, time, channels)``.
        mask: bool ``(batch, time)``, with at least one real step per row.
        pooling: ``max``, ``mean``, ``max_mean`` for both concatenated, ``attention`` for a mean with learned weights,
            or ``last`` for the final states of a bidirectional layer: the first half of the channels at the last step,
            the second half at the first step.

    Returns:
        float ``(batch, channels)``; twice as wide for ``max_mean``.

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
