"""Encoders of text by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from nlpkit.layers.gated_conv import GatedConv
from nlpkit.layers.masked_gru import MaskedGRU


def encode_text(
    x: Any, mask: Any, encoder: str, dilations: Sequence[int] = (1, 2, 1, 2), num_layers: int = 1, dropout: float = 0.0
) -> Any:
    """A stack of layers over text, chosen by name, that keeps the number of channels.

    Args:
        x: float ``(batch, time, channels)``.
        mask: bool ``(batch, time)``.
        encoder: ``gated_conv``, or bidirectional ``gru`` or ``lstm``; from the second recurrent layer on with residual
            connections and layer normalisation.
        dilations: dilation of each gated convolution.
        num_layers: number of recurrent layers.
        dropout: dropout rate of the input of each layer.

    Returns:
        float ``(batch, time, channels)``.

    Raises:
        ValueError: if there is no encoder of that name, or the number of channels is odd for a recurrent one.

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
    width = x.shape[-1]
    if encoder not in ("gru", "lstm"):
        raise ValueError(f"encoder must be gated_conv, gru or lstm. Received: {encoder!r}")
    if width % 2:
        raise ValueError(f"{encoder} is bidirectional and needs an even number of channels. Received: {width}")
    for i in range(num_layers):
        entered = layers.Dropout(dropout)(x)
        if encoder == "gru":
            read = MaskedGRU(width // 2, bidirectional=True)(entered, mask=mask)
        else:
            read = layers.Bidirectional(layers.LSTM(width // 2, return_sequences=True))(entered, mask=mask)
        x = layers.LayerNormalization()(x + read) if i else read
    return x
