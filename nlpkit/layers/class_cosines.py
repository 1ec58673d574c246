"""Cosines of vectors to the vectors of classes, of all classes or of some."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.layers.row_embedding import RowEmbedding


@keras.saving.register_keras_serializable(package="nlpkit", name="ClassCosines")
class ClassCosines(keras.layers.Layer):
    """The head of a margin softmax: the cosine of each vector to the weights of each class, computed in float32.

    Train it with a loss of `nlpkit.losses` such as `AMSoftmaxLoss`. Of very many classes a step may read some alone,
    those of the batch and a sample of the others: give their ids as `classes`, and the labels as places in that list.
    With an optimizer of `nlpkit.optimizers` such a step costs what these classes cost, not what all of them do.

    Args:
        num_classes: int.
        initializer: of the weights of the classes, whose lengths don't count.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float ``(batch, size)``, of any length.
        classes: optional int32 ``(k,)``, ids of the classes to compare with.

    Returns:
        Cosines, float32 ``(batch, num_classes)``, or ``(batch, k)``. A vector of zeros has the cosine 0 to all.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import ClassCosines
        >>> layer = ClassCosines(5)
        >>> tuple(layer(np.ones((2, 3), "float32")).shape)
        (2, 5)
        >>> tuple(layer(np.ones((2, 3), "float32"), classes=np.array([4, 0])).shape)
        (2, 2)

    References:
        Wang et al. (2018), Additive Margin Softmax for Face Verification. Some classes at a step: An et al. (2022),
        Killing Two Birds with One Stone: Efficient and Robust Training of Face Recognition CNNs by Partial FC.
    """

    def __init__(self, num_classes: int, initializer: Any = "glorot_uniform", **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.num_classes, self.initializer = num_classes, keras.initializers.get(initializer)

    def build(self, inputs_shape: Any, classes_shape: Any = None) -> None:
        size = inputs_shape[-1]
        self.table = RowEmbedding(self.num_classes, size, self.initializer, dtype="float32", name="classes")
        self.table.build()
        self.built = True

    def call(self, inputs: Any, classes: Any = None) -> Any:
        # Weights of all classes come as they are; a lookup of each would copy them.
        weights = self.table.embeddings if classes is None else self.table(classes)  # (k, size)
        weights = ops.convert_to_tensor(weights)
        return ops.matmul(unit_vectors(inputs), ops.transpose(unit_vectors(weights)))

    def compute_output_shape(self, inputs_shape: Any, classes_shape: Any = None) -> tuple:
        return inputs_shape[0], self.num_classes if classes_shape is None else classes_shape[0]

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "initializer": keras.initializers.serialize(self.initializer),
        }


def unit_vectors(x: Any) -> Any:
    """The vectors along the last axis at length 1, float32; one of zeros stays so, and has a derivative of zeros."""
    x = ops.cast(x, "float32")
    square = ops.sum(ops.square(x), axis=-1, keepdims=True)
    is_zero = square < 1e-24
    return ops.where(is_zero, 0.0, x * ops.rsqrt(ops.where(is_zero, 1.0, square)))
