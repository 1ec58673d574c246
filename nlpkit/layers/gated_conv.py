"""The gated dilated convolution of DGCNN as a Keras layer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="nlpkit", name="GatedConv")
class GatedConv(keras.layers.Layer):
    """Residual gated dilated convolution over text: ``x + conv(norm(x)) * sigmoid(gate(norm(x)))``.

    It keeps the number of channels. Masked steps are zeroed before the convolution and after it, so that padding and
    batch mates never change the answer. The window is three steps wide: the step itself and its neighbours at the
    distance of `dilation`.

    Args:
        dilation: int, from 1.
        dropout: float, share of the normalised input that is dropped in training.

    Call arguments:
        inputs: float ``(batch, time, channels)``.
        mask: optional bool ``(batch, time)``.

    Returns:
        float ``(batch, time, channels)``, zero at masked steps.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import GatedConv
        >>> tuple(GatedConv(dilation=2)(np.ones((1, 7, 4), "float32")).shape)
        (1, 7, 4)

    References:
        Dauphin et al. (2017), Language Modeling with Gated Convolutional Networks. DGCNN:
        https://spaces.ac.cn/archives/5409
    """

    def __init__(self, dilation=1, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(dilation, int) or dilation < 1:
            raise ValueError(f"dilation must be an integer from 1. Received: {dilation!r}")
        self.dilation = dilation
        self.norm = keras.layers.LayerNormalization(dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.supports_masking = True

    def build(self, input_shape):
        channels = input_shape[-1]
        self.norm.build(input_shape)
        self.kernel = self.add_weight(name="kernel", shape=(3 * channels, 2 * channels), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(2 * channels,), initializer="zeros")
        self.built = True

    def call(self, inputs, mask=None, training=False):
        x = self.dropout(self.norm(inputs), training=training)
        visible = None if mask is None else ops.cast(mask, x.dtype)[..., None]
        if visible is not None:
            x = x * visible
        # One product with the three steps side by side: on a CPU as fast as a convolution, and the same everywhere.
        d, time = self.dilation, ops.shape(x)[1]
        padded = ops.pad(x, [[0, 0], [d, d], [0, 0]])  # (batch, time + 2d, channels)
        window = ops.concatenate([padded[:, :time], x, padded[:, 2 * d :]], axis=-1)
        value, gate = ops.split(ops.matmul(window, self.kernel) + self.bias, 2, axis=-1)
        x = inputs + value * ops.sigmoid(gate)
        return x if visible is None else x * visible

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "dilation": self.dilation, "dropout": self.dropout.rate}
