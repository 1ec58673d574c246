"""Independent tags with the face of a CRF."""

import keras
from keras import ops

from nlpkit.layers.chain_head import ChainHead


@keras.saving.register_keras_serializable(package="nlpkit", name="TagSoftmax")
class TagSoftmax(ChainHead):
    """A softmax per step: no learned transitions, but constraints are kept in decoding.

    The same arguments, mask and output as `nlpkit.layers.CRF` (whose transitions it keeps at zero); train it with
    `nlpkit.losses.PathLoss`, decode it with `nlpkit.layers.ViterbiDecoder`.

    Example:

        >>> import numpy as np
        >>> from nlpkit.layers import TagSoftmax
        >>> tuple(TagSoftmax(3)(np.zeros((2, 5, 3), "float32")).shape)
        (2, 10, 4)
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.transition_table.trainable = False

    def adjust(self, emissions, transitions, start, end, mask):
        return ops.log_softmax(emissions, axis=-1)
