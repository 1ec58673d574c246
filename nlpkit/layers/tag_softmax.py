"""A per-step softmax with the interface of `CRF`."""

from typing import Any

import keras
from keras import ops

from nlpkit.layers.chain_head import ChainHead
from nlpkit.ops import potentials


@keras.saving.register_keras_serializable(package="nlpkit", name="TagSoftmax")
class TagSoftmax(ChainHead):
    """A per-step softmax with the interface of `CRF`: independent tags, and constraints in decoding only.

    It has the arguments and the output of a `CRF`, with transitions fixed at zero; train it with
    `nlpkit.losses.PathLoss`, decode it with `nlpkit.layers.ViterbiDecoder`. Forbidden transitions don't enter the
    probabilities of the steps, but each one in a training sequence adds a constant 10,000 to its loss.

    Args:
        num_tags: int, number of tags K.
        allowed: optional bool table ``(K + 1, K + 1)``, see `CRF`; `TagSoftmax.from_labels` makes it from a tag scheme.
        **kwargs: the other arguments of `CRF`, which have no effect without learned transitions, and those of
            `keras.layers.Layer`; the dtype is float32 unless given.

    Call arguments:
        inputs: emissions, float ``(batch, time, K)``, the logits of the softmax.
        mask: optional bool ``(batch, time)``; a step that is off does not exist.

    Returns:
        Potentials, float32 ``(batch, time + K + 2, K + 1)``, with log probabilities as emissions.

    Raises:
        ValueError: if an argument is invalid, the last axis of the input is not K, or the mask does not fit it.

    Example:

        >>> import keras
        >>> import numpy as np
        >>> from nlpkit.layers import TagSoftmax
        >>> from nlpkit.losses import PathLoss
        >>> emissions = keras.Input((5, 3))
        >>> model = keras.Model(emissions, TagSoftmax(3)(emissions))
        >>> model.compile("adam", loss=PathLoss())
        >>> model.predict(np.zeros((2, 5, 3)), verbose=0).shape
        (2, 10, 4)

    References:
        Ratnaparkhi (1996), A Maximum Entropy Model for Part-Of-Speech Tagging, for tags scored one by one.
    """

    normalization = potentials.INDEPENDENT

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.transition_table.trainable = False

    def adjust(self, emissions: Any, transitions: Any, start: Any, end: Any, mask: Any) -> Any:
        return ops.log_softmax(emissions, axis=-1)  # (batch, time, K)
