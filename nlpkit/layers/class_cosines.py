"""Cosines between vectors and the weights of all or some classes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from nlpkit.layers.row_embedding import RowEmbedding


@keras.saving.register_keras_serializable(package="nlpkit", name="ClassCosines")
class ClassCosines(keras.layers.Layer):
    """The head of a margin softmax: the cosine of each vector to the weights of each class, computed in float32.

    Train it with a loss of `nlpkit.losses` such as `AMSoftmaxLoss`. With very many classes, a step may read a subset,
    the classes of the batch and a sample of the others: give their ids as `classes`, and labels as indices into them.
    With an optimizer of `nlpkit.optimizers` the cost of such a step depends on the size of the subset only.

    Args:
        num_classes: int, number of classes.
        initializer: initializer of the weights of the classes; their lengths don't count.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float ``(batch, size)``, vectors of any length.
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
        Wang et al. (2018), Additive Margin Softmax for Face Verification. Subsets of classes: An et al. (2022),
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
        # All weights are used directly, as a look-up would copy them.
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
    """Vectors along the last axis scaled to length 1, float32; zeros stay zeros, with derivatives of zero."""
    x = ops.cast(x, "float32")
    square = ops.sum(ops.square(x), axis=-1, keepdims=True)
    is_zero = square < 1e-24
    return ops.where(is_zero, 0.0, x * ops.rsqrt(ops.where(is_zero, 1.0, square)))
