"""Viterbi decoding of potentials, inside the graph."""

from typing import Any

import keras

from nlpkit.ops import linear_chain, potentials


@keras.saving.register_keras_serializable(package="nlpkit", name="ViterbiDecoder")
class ViterbiDecoder(keras.layers.Layer):
    """The best tag sequence under the potentials of a `CRF`, `MEMM` or `TagSoftmax`.

    It has no weights, so that one model can be trained on potentials while a second one, with the same layers, predicts
    tags. Transitions that the head forbids do not occur, unless a row allows nothing else.

    Args:
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: potentials, float32 ``(batch, time + K + 2, K + 1)``.

    Returns:
        Tags, int32 ``(batch, time)``, 0 at masked steps.

    Raises:
        ValueError: if the input is not the output of a head.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CRF, ViterbiDecoder
        >>> emissions = np.array([[[0.0, 1.0], [3.0, 2.0]]], "float32")
        >>> np.asarray(ViterbiDecoder()(CRF(2)(emissions))).tolist()
        [[1, 0]]

    References:
        Viterbi (1967), Error Bounds for Convolutional Codes and an Asymptotically Optimum Decoding Algorithm.
    """

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def call(self, inputs: Any) -> Any:
        return linear_chain.viterbi_decode(**potentials.unpack(inputs)._asdict())[0]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        potentials.check_shape(tuple(input_shape))
        batch, rows, columns = input_shape
        return batch, None if rows is None else rows - columns - 1

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="int32")
