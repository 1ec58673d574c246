"""Potentials to tags, inside the graph."""

import keras

from nlpkit.ops import linear_chain, potentials


@keras.saving.register_keras_serializable(package="nlpkit", name="ViterbiDecoder")
class ViterbiDecoder(keras.layers.Layer):
    """The best tag sequence under the potentials of a `CRF`, `MEMM` or `TagSoftmax`. It has no weights.

    Call arguments:
        inputs: potentials, float32 ``(batch, time + K + 2, K + 1)``.

    Returns:
        Tags, int32 ``(batch, time)``, 0 at masked steps.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import CRF, ViterbiDecoder
        >>> emissions = np.array([[[0.0, 1.0], [3.0, 2.0]]], "float32")
        >>> np.asarray(ViterbiDecoder()(CRF(2)(emissions))).tolist()
        [[1, 0]]
    """

    def __init__(self, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def call(self, inputs):
        return linear_chain.viterbi_decode(**potentials.unpack(inputs)._asdict())[0]

    def compute_output_shape(self, input_shape):
        batch, rows, columns = input_shape
        return batch, None if rows is None else rows - columns - 1

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="int32")
