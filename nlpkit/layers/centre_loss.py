"""The centre loss, with its centres, as a Keras layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.layers.row_embedding import RowEmbedding


@keras.saving.register_keras_serializable(package="nlpkit", name="CentreLoss")
class CentreLoss(keras.layers.Layer):
    """Adds a loss that pulls vectors to the centre of their class, beside the loss of the model.

    The layer returns its inputs, and adds half of their mean squared distance to their centres to the losses of the
    model. The centres are weights of the layer, learned together with the vectors.

    Args:
        num_classes: int, number of classes.
        weight: float, factor of this loss.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float ``(batch, size)``.
        classes: int ``(batch,)`` or ``(batch, 1)``, class of each vector.

    Returns:
        `inputs`.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CentreLoss
        >>> layer = CentreLoss(3, weight=0.1)
        >>> tuple(layer(np.ones((2, 4), "float32"), np.array([0, 2])).shape)
        (2, 4)
        >>> len(layer.losses)
        1

    References:
        Wen et al. (2016), A Discriminative Feature Learning Approach for Deep Face Recognition. As a layer:
        https://spaces.ac.cn/archives/4493
    """

    def __init__(self, num_classes: int, weight: float = 0.01, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_classes, self.weight = num_classes, weight

    def build(self, inputs_shape: Any, classes_shape: Any = None) -> None:
        self.centres = RowEmbedding(self.num_classes, inputs_shape[-1], "zeros", dtype="float32", name="centres")
        self.centres.build()
        self.built = True

    def call(self, inputs: Any, classes: Any) -> Any:
        centres = self.centres(ops.reshape(classes, (-1,)))  # (batch, size)
        distances = ops.sum(ops.square(ops.cast(inputs, "float32") - centres), axis=-1)
        self.add_loss(0.5 * self.weight * ops.mean(distances))
        return inputs

    def compute_output_shape(self, inputs_shape: Any, classes_shape: Any = None) -> Any:
        return inputs_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "num_classes": self.num_classes, "weight": self.weight}
