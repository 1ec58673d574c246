"""Encoders of text by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from nlpkit.layers.gated_conv import GatedConv


def encode_text(
    x: Any, mask: Any, encoder: str, dilations: Sequence[int] = (1, 2, 1, 2), num_layers: int = 1, dropout: float = 0.0
) -> Any:
    """A stack of layers over text that keeps the number of channels.

    Args:
        x: float ``(batch, time, channels)``.
        mask: bool ``(batch, time)``.
        encoder: ``gated_conv``, or ``gru`` or ``lstm``, which read both ways.
        dilations: one gated convolution each.
        num_layers: how many recurrent layers.
        dropout: share of each layer's input that is dropped in training.

    Returns:
        float ``(batch, time, channels)``.

    Example:

        >>> import keras
        >>> tokens = keras.Input((None,), dtype="int32")
        >>> x = keras.layers.Embedding(9, 8)(tokens)
        >>> encode_text(x, tokens != 0, "gated_conv", dilations=[1, 2]).shape
        (None, None, 8)
    """
    if encoder == "gated_conv":
        for dilation in dilations:
            x = GatedConv(dilation, dropout)(x, mask=mask)
        return x
    cell = {"gru": layers.GRU, "lstm": layers.LSTM}[encoder]
    width = x.shape[-1]
    for _ in range(num_layers):
        x = layers.Dropout(dropout)(x)
        x = layers.Bidirectional(cell(width // 2, return_sequences=True))(x, mask=mask)
    return x
