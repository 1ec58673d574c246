"""Encoders of text by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from nlpkit.layers.gated_conv import GatedConv


def encode_text(
    x: Any, mask: Any, encoder: str, dilations: Sequence[int] = (1, 2, 1, 2), num_layers: int = 1, dropout: float = 0.0
) -> Any:
    """A stack of layers over text, by name, that keeps the number of channels.

    Args:
        x: float ``(batch, time, channels)``.
        mask: bool ``(batch, time)``.
        encoder: ``gated_conv``, or ``gru`` or ``lstm``, which read both ways.
        dilations: one gated convolution each.
        num_layers: how many recurrent layers.
        dropout: share of each layer's input that is dropped in training.

    Returns:
        float ``(batch, time, channels)``.

    Raises:
        ValueError: if there is no encoder of that name, or the channels are odd for a recurrent one.

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
    cells, width = {"gru": layers.GRU, "lstm": layers.LSTM}, x.shape[-1]
    if encoder not in cells:
        raise ValueError(f"encoder must be gated_conv, gru or lstm. Received: {encoder!r}")
    if width % 2:
        raise ValueError(f"{encoder} reads both ways and needs an even number of channels. Received: {width}")
    cell = cells[encoder]
    for _ in range(num_layers):
        x = layers.Dropout(dropout)(x)
        x = layers.Bidirectional(cell(width // 2, return_sequences=True))(x, mask=mask)
    return x
